// A configuration into use: looked at first, for a while or for good, and back to the one before.
#include <fcntl.h>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

#include "config/files/file.h"
#include "config/ipc/errors.h"
#include "config/ipc/socket.h"
#include "config/schema/document.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatienceForReload{150};

fs::path before_of(const fs::path& file) { return file.string() + ".before"; }

Result<std::string> read_text(const fs::path& file) {
  return files::read_bounded(file, schema::kMaxFileOctets);
}

/// A link stays one: what it leads to is written.
Status write_like(const struct stat& was, const fs::path& named, const std::string& text) {
  std::error_code none;
  const fs::path linked = fs::canonical(named, none);
  const fs::path& file = none ? named : linked;
  if (auto status = files::write_atomic(file, text, was.st_mode & 07777); !status) return status;
  // The mode once more, for the umask has narrowed it.
  if (::chown(file.c_str(), was.st_uid, was.st_gid) == 0 &&
      ::chmod(file.c_str(), was.st_mode & 07777) == 0) {
    return {};
  }
  return fail("cannot give the file its owner and mode", file.string(), "use chown and chmod");
}

/// `text` in place of the file, which stays beside it as FILE.before, with its owner and mode.
Status replace(const fs::path& file, const std::string& text) {
  struct stat was {};
  if (::stat(file.c_str(), &was) != 0) return files::write_atomic(file, text, 0640);
  auto old = read_text(file);
  if (!old) return fail(old.error());
  if (auto status = write_like(was, before_of(file), *old); !status) return status;
  return write_like(was, file, text);
}

/// What replace() did, undone: `before` is what FILE.before held, if there was one.
Status put_back(const fs::path& file, const std::string& text, const Result<std::string>& before) {
  struct stat was {};
  if (::stat(file.c_str(), &was) != 0) return fail("cannot be read", file.string());
  if (auto status = write_like(was, file, text); !status) return status;
  if (before) return write_like(was, before_of(file), *before);
  std::error_code code;
  fs::remove(before_of(file), code);
  return {};
}

Error no_reason() { return {"a change needs a reason, for the log", "--reason", "say why"}; }

/// Where the running control is asked.
Result<fs::path> control_socket(const Context& context) {
  const auto config = load_config(context);
  if (!config) return fail(config.error());
  return config->control_socket();
}

/// The running control's answer; fields of `request` besides who and why are the command's own.
Result<nlohmann::json> ask_control(const fs::path& socket, const ApplyOptions& options,
                                   nlohmann::json request) {
  request["who"] = options.who.empty() ? own_name() : options.who;
  request["reason"] = options.reason;
  return ipc::call(socket, request, kPatienceForReload);
}

int tell(const Context& context, const nlohmann::json& reply, const std::string& what) {
  if (context.json) {
    print_json(reply);
  } else {
    std::cout << what << "\n";
  }
  return kYes;
}

/// What stands in the file is taken over; where it is refused, the file before comes back.
int take_over(const Context& context, const ApplyOptions& options, const fs::path& socket,
              const std::string& text, const std::string& done) {
  auto old = read_text(context.config_file);
  if (!old) return report(context, old.error());
  const auto before = read_text(before_of(context.config_file));
  if (auto status = replace(context.config_file, text); !status) {
    return report(context, status.error());
  }
  auto reply = ask_control(socket, options, {{"command", "config-reload"}});
  if (reply) return tell(context, *reply, done);
  Error error = reply.error();
  const std::string there = context.config_file.string();
  if (auto status = put_back(context.config_file, *old, before); !status) {
    error.advice += "; and the file before could not be put back: " + status.error().text();
  } else {
    error.advice += (error.advice.empty() ? "" : "; ") + there + " is as it was";
    // Control may have taken it over, and failed at what comes after.
    (void)ask_control(socket, options, {{"command", "config-reload"}});
  }
  return report(context, error, kNo);
}

}  // namespace

int apply_config(const Context& context, const ApplyOptions& options) {
  // All that is looked at is of one reading, and what was looked at is what comes into use.
  const schema::Source candidate = schema::read_source(options.file);
  const auto config = config_of(candidate.loaded, options.file, true);
  if (!config) return report(context, config.error(), kNo);
  const auto before = schema::read_source(context.config_file, schema::References::unchecked);
  const auto in_use = config_of(before.loaded, context.config_file, context.config_given);
  if (!in_use) return report(context, in_use.error());
  if (!context.json) {
    (void)diff_sources(context, before, candidate);
    (void)print_doubts(candidate);
  }
  if (!options.cases.empty()) {
    const Context of_candidate{
        .json = context.json, .config_file = options.file, .config_given = true};
    const int tested = test_policy(of_candidate, {.file = options.cases}, *config);
    if (tested != kYes) return tested;
  }
  if (options.dry_run) return kYes;
  if (options.reason.empty()) return report(context, no_reason());
  const fs::path socket = in_use->control_socket();
  const std::string& text = candidate.text;
  if (options.confirm_minutes == 0) return take_over(context, options, socket, text, "in use");
  auto reply = ask_control(
      socket, options,
      {{"command", "config-try"}, {"seconds", options.confirm_minutes * 60}, {"text", text}});
  if (!reply) return report(context, reply.error(), kNo);
  const std::string file = options.file.string();
  return tell(context, *reply,
              "in use until " + (*reply)["trial"].get<std::string>() +
                  ", and then no longer, unless: sluicectl config confirm " + file);
}

int confirm_config(const Context& context, const ApplyOptions& options) {
  if (options.reason.empty()) return report(context, no_reason());
  const auto text = read_text(options.file);
  if (!text) return report(context, text.error());
  const auto socket = control_socket(context);
  if (!socket) return report(context, socket.error());
  // What is kept has to be what was tried.
  const auto trial = ask_control(*socket, options, {{"command", "config-trial"}});
  if (!trial) return report(context, trial.error(), kNo);
  if ((*trial)["text"] != *text) {
    return report(context,
                  {"is not the configuration that is being tried", options.file.string(),
                   "apply it first, or name the file that you applied"},
                  kNo);
  }
  if (auto status = replace(context.config_file, *text); !status) {
    return report(context, status.error());
  }
  auto reply = ask_control(*socket, options, {{"command", "config-reload"}});
  if (!reply) return report(context, reply.error(), kNo);
  return tell(context, *reply, "kept in " + context.config_file.string());
}

int rollback_config(const Context& context, const ApplyOptions& options) {
  const auto socket = control_socket(context);
  if (!socket) return report(context, socket.error(), kNo);
  const auto ended = ask_control(*socket, options, {{"command", "config-end"}});
  if (ended) {
    return tell(context, *ended,
                "the trial has ended; " + context.config_file.string() + " is in use");
  }
  // A trial that may have ended is gone back from, and the file stays.
  if (ended.error().what != ipc::kNoTrial) return report(context, ended.error(), kNo);
  Context before = context;
  before.config_file = before_of(context.config_file);
  before.config_given = true;
  std::error_code none;
  if (!fs::exists(before.config_file, none)) {
    return report(context,
                  {"there is no configuration before this one", before.config_file.string(),
                   "`config apply` and `confirm` keep it there"},
                  kNo);
  }
  if (const auto loaded = load_config(before); !loaded) return report(context, loaded.error());
  const auto text = read_text(before.config_file);
  if (!text) return report(context, text.error());
  return take_over(context, options, *socket, *text, "the configuration before is in use");
}

}  // namespace sluice::ctl
