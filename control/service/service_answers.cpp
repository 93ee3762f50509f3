// What the control process answers at its socket.
#include <algorithm>
#include <array>

#include "config/base/json.h"
#include "config/ipc/socket.h"
#include "control/service/commands.h"
#include "control/service/service.h"
#include "control/service/site_commands.h"

namespace sluice::service {
namespace {

using nlohmann::json;

constexpr std::uint64_t kDefaultPullWait = 30;
constexpr std::uint64_t kMaxPullWait = 600;
// What a person changes waits no longer for a list of the authority's that is being compiled.
constexpr std::chrono::milliseconds kSitePatience{5'000};

}  // namespace

Facts Service::facts() const {
  Facts facts;
  facts.view = updater_.view();
  facts.link = link_.status();
  facts.now = updater_.time().now();
  facts.clock = updater_.time().state();
  facts.started = started_;
  facts.site_alarms = updater_.site().alarms();
  if (const std::string fault = updater_.modes().fault(); !fault.empty()) {
    facts.site_alarms.push_back({{"id", "modes-lost"}, {"text", fault}});
  }
  const std::lock_guard lock(mutex_);
  facts.config_error = config_error_;
  for (const schema::Fault& fault : layer_faults_) {
    facts.site_alarms.push_back({{"id", "layer"}, {"text", fault.text()}});
  }
  if (trial_) facts.trial_until = trial_->until_time;
  facts.pulling = pulls_wanted_ != pulls_done_;
  return facts;
}

std::uint64_t Service::request_pull() {
  const std::lock_guard lock(mutex_);
  return count_pull();
}

std::uint64_t Service::count_pull() {
  // One that is under way may have asked the mirror before this request, so it does not count.
  pulls_wanted_ = std::max(pulls_wanted_, pulls_done_ + 1) + (pulls_wanted_ != pulls_done_ ? 1 : 0);
  return pulls_wanted_;
}

json Service::answer_pull(const json& request) {
  std::uint64_t wait = kDefaultPullWait;
  if (const auto found = request.find("wait_seconds");
      found != request.end() && found->is_number_unsigned()) {
    wait = std::min(found->get<std::uint64_t>(), kMaxPullWait);
  }
  return answer_when_pulled(request_pull(), wait);
}

json Service::answer_bundle(const json& request) {
  const std::string path = text_at(request, "path");
  auto decision = read_decision(request, updater_.time().now());
  if (!decision) return ipc::error(decision.error());
  if (!path.starts_with('/')) {
    return ipc::error({"a bundle is named by its whole path", path, "begin it with '/'"});
  }
  audit("import bundle " + path, *decision);
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (bundle_wanted_) {
      return ipc::error({"another bundle waits to be imported", bundle_wanted_->string(),
                         "import this one after it"});
    }
    bundle_wanted_ = path;
    number = count_pull();
  }
  return answer_when_pulled(number, kMaxPullWait);
}

json Service::answer_when_pulled(std::uint64_t number, std::uint64_t wait) {
  changed_.notify_all();
  {
    std::unique_lock lock(mutex_);
    const bool done = changed_.wait_for(lock, std::chrono::seconds(wait),
                                        [&] { return stop_ || pulls_done_ >= number; });
    if (!done) return ipc::ok({{"outcome", "running"}});
  }
  const View view = updater_.view();
  if (view.generation.generation != 0) (void)link_.wait(kAcknowledged);
  const publish::LinkStatus link = link_.status();
  json fields = {{"outcome", text(view.outcome)},
                 {"generation", view.generation.generation},
                 {"dataplane", link.generation ? json(*link.generation) : json(nullptr)}};
  if (!view.pull_error) return ipc::ok(std::move(fields));
  fields.update(ipc::error(*view.pull_error));
  return fields;
}

json Service::answer_site_command(const json& request) {
  auto reply = answer_site(updater_.site(), updater_.running(), request,
                           updater_.config()->times.calendar.time_zone, updater_.time().now());
  const auto command = request["command"].get<std::string>();
  if (reply["ok"] != true || !changes_site(command)) return reply;
  return answer_when_in_force(std::move(reply));
}

json Service::answer_mode_command(const json& request) {
  auto reply = answer_mode(updater_.modes(), *updater_.config(), request, updater_.time().now());
  if (reply["ok"] != true || request["command"] == "mode-list") return reply;
  return answer_when_in_force(std::move(reply));
}

json Service::answer_when_in_force(json reply) {
  const Status status = updater_.refresh_generation(kSitePatience);
  {
    // The next end of an entry may be another one now.
    const std::lock_guard lock(mutex_);
    look_again_ = true;
  }
  changed_.notify_all();
  const View view = updater_.view();
  reply["generation"] = view.generation.generation;
  // It is decided all the same, and stays so.
  if (!status) reply["waits"] = status.error().text();
  if (status && view.generation.generation != 0) (void)link_.wait(kAcknowledged);
  const auto runs = link_.status().generation;
  reply["dataplane"] = runs ? json(*runs) : json(nullptr);
  return reply;
}

bool Service::may_wait(const json& request) {
  constexpr std::array<std::string_view, 6> kQuestions = {
      "status", "lists", "generations", "config-trial", "site-list", "mode-list"};
  const std::string command = text_at(request, "command");
  return std::find(kQuestions.begin(), kQuestions.end(), command) == kQuestions.end();
}

json Service::answer(const json& request) {
  const std::string command = text_at(request, "command");
  if (command == "status") return ipc::ok(status_json(facts()));
  if (command == "lists") return ipc::ok(lists_json(facts()));
  if (command == "pull") return answer_pull(request);
  if (command == "import-bundle") return answer_bundle(request);
  if (command == "generations") {
    return ipc::ok(generations_json(updater_.running(), updater_.view()));
  }
  if (is_config_command(command)) {
    return answer_config_command(request);
  }
  if (is_site_command(command)) return answer_site_command(request);
  if (is_mode_command(command)) return answer_mode_command(request);
  if (is_decision(command)) {
    auto reply =
        answer_decision(updater_.running(), updater_.view(), request, updater_.time().now());
    if (reply["ok"] == true && (command == "approve" || command == "resume")) {
      {
        const std::lock_guard lock(mutex_);
        decided_ = true;
        (void)count_pull();
      }
      changed_.notify_all();
    }
    // What the site lists holds, whatever is gone back to of the authority's.
    if (reply["ok"] == true && command == "rollback") {
      (void)updater_.refresh_generation(kSitePatience);
    }
    return reply;
  }
  return ipc::error({"no such command: '" + command + "'", "",
                     "ask for status, lists, generations, pull, import-bundle, config-try, "
                     "config-trial, config-end, config-reload, hold, rollback, resume, approve, "
                     "pin, unpin, site-allow, site-block, site-remove, site-approve, site-list, "
                     "mode-set, mode-end or mode-list"});
}

}  // namespace sluice::service
