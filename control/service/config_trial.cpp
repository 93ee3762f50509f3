// A configuration that is tried for a while: one that locks its author out ends by itself.
#include "config/base/json.h"
#include "config/files/file.h"
#include "config/ipc/errors.h"
#include "config/ipc/socket.h"
#include "control/service/commands.h"
#include "control/service/log.h"
#include "control/service/service.h"

namespace sluice::service {
namespace {

using nlohmann::json;

constexpr std::size_t kMostOctets = 16 << 20;  // as a configuration may have
constexpr std::uint64_t kLongestTrial = 24 * 3600;
constexpr std::chrono::seconds kReloadPatience{120};

}  // namespace

json Service::answer_when_reloaded(std::unique_lock<std::mutex>& lock) {
  // One that is under way may have read what stood there before.
  const std::uint64_t before = reloads_done_ + (reloading_ ? 1 : 0);
  reload_wanted_ = true;
  changed_.notify_all();
  const bool done =
      changed_.wait_for(lock, kReloadPatience, [&] { return stop_ || reloads_done_ > before; });
  if (!done || stop_) {
    return ipc::error({"another generation is being made", "",
                       "the configuration is taken over "
                       "right after it; see sluicectl status"});
  }
  if (config_error_) return ipc::error(*config_error_);
  json reply = {{"trial", nullptr}};
  if (trial_) reply["trial"] = tuf::to_text(trial_->until_time);
  lock.unlock();
  const View view = updater_.view();
  if (view.build_error) return ipc::error(*view.build_error);
  if (view.generation.generation != 0) (void)link_.wait(std::chrono::seconds(5));
  reply["generation"] = view.generation.generation;
  const auto runs = link_.status().generation;
  reply["dataplane"] = runs ? json(*runs) : json(nullptr);
  return ipc::ok(std::move(reply));
}

bool Service::is_config_command(std::string_view command) {
  return command == "config-try" || command == "config-trial" || command == "config-end" ||
         command == "config-reload";
}

json Service::answer_config_command(const json& request) {
  const std::string command = text_at(request, "command");
  if (command == "config-trial") {
    const std::lock_guard lock(mutex_);
    auto text =
        trial_ ? files::read_bounded(trial_->file, kMostOctets)
               : Result<std::string>(fail(std::string(ipc::kNoTrial), {}, "see sluicectl status"));
    return text ? ipc::ok({{"text", *text}}) : ipc::error(text.error());
  }
  auto decision = read_decision(request, updater_.time().now());
  if (!decision) return ipc::error(decision.error());
  const std::lock_guard alone(configuring_);
  std::optional<Trial> next;
  if (command == "config-try") {
    const auto found = request.find("seconds");
    const bool number = found != request.end() && found->is_number_unsigned();
    const std::uint64_t seconds = number ? found->get<std::uint64_t>() : 0;
    if (seconds == 0 || seconds > kLongestTrial) {
      return ipc::error({"a trial takes 1 second to a day", "", "say how long"});
    }
    // Of this process's own, for it may not write where the configuration is.
    const auto file = state_dir_ / "trial.yaml";
    if (auto status = files::write_atomic(file, text_at(request, "text"), 0640); !status) {
      return ipc::error(status.error());
    }
    const std::chrono::seconds span(seconds);
    next = Trial{file, std::chrono::steady_clock::now() + span, updater_.time().now() + span};
  }
  std::unique_lock lock(mutex_);
  if (command == "config-end" && !trial_) {
    return ipc::error({std::string(ipc::kNoTrial), "", "see sluicectl status"});
  }
  trial_ = next;
  audit(command == "config-try"   ? "try a configuration until " + tuf::to_text(next->until_time)
        : command == "config-end" ? std::string("end the trial of a configuration")
                                  : std::string("take the configuration over"),
        *decision);
  json reply = answer_when_reloaded(lock);
  if (command != "config-try") return reply;
  if (!lock.owns_lock()) lock.lock();
  if (reply["ok"] == true && reply["trial"].is_null()) {
    reply = ipc::error(
        {"the trial ended before the configuration was in use", "", "try it for longer"});
  }
  if (reply["ok"] != true) {
    // The file counts again, for it may be in use in part, or one that was tried before it.
    trial_.reset();
    config_error_.reset();
    reload_wanted_ = true;
    changed_.notify_all();
  }
  return reply;
}

}  // namespace sluice::service
