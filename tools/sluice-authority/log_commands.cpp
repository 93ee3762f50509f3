// Commands about the transparency log: the authority's own, and those of witnesses and auditors.
#include "tools/sluice-authority/log_commands.h"

#include <cstdlib>
#include <iostream>

#include "config/files/file.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/log_monitor.h"
#include "tools/sluice-authority/log_verify.h"
#include "tools/sluice-authority/published.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxLines = 65'536;

Result<LogHead> need_log(const Workspace& workspace) {
  auto head = read_log(workspace);
  if (!head) return fail(head.error());
  if (!*head) {
    return fail("there is no log", log_folder(workspace).string(),
                "make one with sluice-authority log init");
  }
  return std::move(**head);
}

/// A folder for what is fetched, removed with its owner.
class Temporary {
 public:
  Temporary() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-log-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Temporary() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Status tell_problems(const std::vector<std::string>& problems) {
  for (const std::string& one : problems) std::cout << "ALARM " << one << "\n";
  if (problems.empty()) return {};
  return fail("the log and what is published do not agree", {},
              "tell the authority and the witnesses; appliances keep their last good lists");
}

}  // namespace

Status log_init_command(const Workspace& workspace, const LogOptions& options) {
  if (auto status = create_log(workspace, options.name); !status) return status;
  return log_status_command(workspace);
}

Status log_status_command(const Workspace& workspace) {
  auto head = need_log(workspace);
  if (!head) return fail(head.error());
  std::cout << "log " << head->checkpoint.origin << ", " << head->checkpoint.size << " releases\n";
  // Where its key is not here, only its public side is needed, and witnesses have that.
  if (auto vkey = log_vkey(workspace, *head)) std::cout << "key " << *vkey << "\n";
  auto policies = signed_log_policies(workspace);
  if (!policies) return fail(policies.error());
  if (policies->empty()) {
    std::cout << "appliances do not look at it: sign a policy/tlog-policy.txt\n";
    return {};
  }
  for (const tlog::LogPolicy& policy : *policies) {
    auto believed = policy.check_log(head->note, "log/checkpoint");
    if (!believed) return fail(believed.error());
    for (const tlog::Cosigned& one : believed->witnesses) {
      std::cout << "cosigned by " << one.witness << " at " << tuf::to_text(one.time) << "\n";
    }
    std::cout << (policy.is_quorum(believed->witnesses) ? "the quorum is there\n"
                                                        : "waits for more witnesses\n");
  }
  return {};
}

Status log_cosign_command(const Workspace& workspace, const LogOptions& options) {
  auto head = need_log(workspace);
  if (!head) return fail(head.error());
  auto policies = signed_log_policies(workspace);
  if (!policies) return fail(policies.error());
  if (policies->empty()) {
    return fail("no log policy is signed, so no witness is known", "policy/tlog-policy.txt",
                "write it, and sign it with sluice-authority sign --policy");
  }
  std::vector<std::string> lines;
  for (const std::filesystem::path& file : options.files) {
    auto text = files::read_bounded(file, kMaxLines);
    if (!text) return fail(text.error());
    for (std::size_t begin = 0; begin < text->size();) {
      const std::size_t end = std::min(text->find('\n', begin), text->size());
      if (end > begin) lines.push_back(text->substr(begin, end - begin));
      begin = end + 1;
    }
  }
  auto added = add_cosignatures(workspace, *head, *policies, lines);
  if (!added) return fail(added.error());
  std::cout << *added << " cosignatures added\n";
  return log_status_command(workspace);
}

Status log_witness_command(const LogOptions& options) {
  if (auto status = tlog::check_key_name(options.name); !status) return status;
  auto key = tuf::PrivateKey::load(options.key, options.passphrase);
  if (!key) return fail(key.error());
  auto policy = chosen_policy(options.policy, options.log);
  if (!policy) return fail(policy.error());
  auto source = LogSource::open(options.source, options.ca_file);
  if (!source) return fail(source.error());
  auto seen = newest_checkpoint(*source, *policy);
  if (!seen) return fail(seen.error());
  const tlog::Checkpoint& now = seen->believed.checkpoint;
  auto before = load_seen(options.state, now.origin);
  if (!before) return fail(before.error());
  if (*before) {
    if (auto status = check_grown(*source, **before, now); !status) return status;
  }
  auto signature = tlog::cosign_note(seen->note.text, options.name, *key, options.clock());
  if (!signature) return fail(signature.error());
  // What was signed for is known before anybody has the signature.
  if (auto status = save_seen(options.state, now); !status) return status;
  const std::string line = tlog::signature_line(*signature);
  if (!options.out.empty()) return files::write_atomic(options.out, line);
  std::cout << line;
  return {};
}

Status log_verify_command(const LogOptions& options) {
  auto policy = chosen_policy(options.policy, options.log);
  if (!policy) return fail(policy.error());
  auto source = LogSource::open(options.source, options.ca_file);
  if (!source) return fail(source.error());
  auto replayed = replay_log(*source, *policy);
  if (!replayed) return fail(replayed.error());
  std::cout << "log " << replayed->checkpoint.origin << ": " << replayed->checkpoint.size
            << " entries, " << replayed->releases.size() << " releases, root "
            << tlog::to_base64(replayed->checkpoint.root) << ", " << replayed->witnesses.size()
            << " witnesses" << (replayed->quorum ? "\n" : ", no quorum yet\n");
  return tell_problems(replayed->problems);
}

Status log_check_opening_command(const LogOptions& options) {
  auto policy = chosen_policy(options.policy, options.log);
  if (!policy) return fail(policy.error());
  auto source = LogSource::open(options.source, options.ca_file);
  if (!source) return fail(source.error());
  return commitment_verify_command(options.opening, *source, *policy);
}

Status log_monitor_command(const LogOptions& options) {
  auto policy = chosen_policy(options.policy, options.log);
  if (!policy) return fail(policy.error());
  auto source = LogSource::open(options.source, options.ca_file);
  if (!source) return fail(source.error());
  auto replayed = replay_log(*source, *policy);
  if (!replayed) return fail(replayed.error());
  std::vector<std::string> problems = replayed->problems;
  auto before = load_seen(options.state, replayed->checkpoint.origin);
  if (!before) return fail(before.error());
  if (*before) {
    auto grown = check_grown(*source, **before, replayed->checkpoint);
    if (!grown) problems.push_back(grown.error().text());
  }
  const Temporary folder;
  if (folder.path().empty()) return fail("cannot make a folder for what is fetched", "/tmp");
  const std::uint64_t told = *before ? (*before)->size : 0;
  ReleaseReport report(*source, folder.path(), options.names, options.clock(), std::cout);
  for (const LoggedRelease& release : replayed->releases) {
    auto status = Status{};
    if (release.index + 1 == told) status = report.begin_with(release);
    if (release.index >= told) status = report.tell(release);
    if (!status) problems.push_back(status.error().text());
  }
  if (!problems.empty()) return tell_problems(problems);
  // What was alarming is told again by the next run.
  return save_seen(options.state, replayed->checkpoint);
}

}  // namespace sluice::authority
