#include "control/service/service.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config/files/file.h"
#include "config/ipc/notify.h"
#include "config/ipc/socket.h"
#include "control/service/layers.h"
#include "control/service/log.h"

namespace sluice::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr milliseconds kAnswerRound{200};
constexpr seconds kLongestSleep{30};
constexpr seconds kBlockRateRound{5};

/// The signal that came, or 0.
int next_signal(int fd) {
  signalfd_siginfo info{};
  return ::read(fd, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

/// Without an address lists come as bundles.
bool asks_authority(const schema::Config& config) {
  return config.authority && !config.authority->url.empty();
}

/// What the authority publishes is known: there is nothing to ask again for before the time.
bool has_answered(Outcome outcome) {
  return outcome != Outcome::none && outcome != Outcome::failed;
}

bool succeeded(Outcome outcome) {
  return outcome == Outcome::unchanged || outcome == Outcome::published ||
         outcome == Outcome::no_authority || outcome == Outcome::on_hold;
}

}  // namespace

Service::Service(std::filesystem::path config_file, schema::Config config,
                 std::vector<schema::Fault> layer_faults)
    : config_file_(std::move(config_file)),
      config_(std::move(config)),
      state_dir_(config_.state_dir),
      started_(tuf::system_clock_now()),
      link_({.socket = config_.dataplane_socket()}),
      updater_(
          config_, tuf::system_clock_now, stop_,
          [this](std::uint64_t number, const std::filesystem::path& path) {
            link_.want(number, path);
          },
          sync::build_time()),
      has_authority_(asks_authority(config_)),
      subscriber_(
          updater_.site(), [this] { updater_.take_subscriptions(); }, stop_) {
  keep_layers(config_);
  set_layer_files();
  tell_layers(std::move(layer_faults));
  updater_.interrupt_when([this] { return is_wanted_elsewhere(); });
}

Service::~Service() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread* thread : {&worker_, &time_watcher_}) {
    if (thread->joinable()) thread->join();
  }
  if (signal_fd_ >= 0) ::close(signal_fd_);
}

Status Service::start() {
  if (auto status = updater_.recover(); !status) return status;
  (void)updater_.running().hold_has_ended();
  // What cannot be compiled now is told by an alarm; the generation that is there still serves.
  (void)updater_.refresh_generation();
  return {};
}

Status Service::once() {
  if (auto status = start(); !status) return status;
  subscriber_.ask_once(config_.proxy);
  const Outcome outcome = updater_.pull();
  if (updater_.view().generation.generation != 0) {
    const publish::LinkStatus link = link_.wait(kAcknowledged);
    const std::string said = link.error.empty() ? "it runs the current generation" : link.error;
    log(link.refused ? Level::error : Level::info, "dataplane", said);
  }
  const View view = updater_.view();
  if (view.pull_error) return fail(*view.pull_error);
  if (view.build_error) return fail(*view.build_error);
  return succeeded(outcome) ? Status{} : fail("the pull did not succeed");
}

Status Service::run() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  signal_fd_ = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd_ < 0) return fail("cannot take signals");

  auto server = ipc::Server::listen(
      config_.control_socket(), [this](const nlohmann::json& request) { return answer(request); },
      [this](const nlohmann::json& request) {
        return may_wait(request) ? ipc::Later([this, request] { return answer(request); })
                                 : ipc::Later();
      });
  if (!server) return fail(server.error());
  if (auto status = start(); !status) return status;
  subscriber_.start(config_.proxy);
  worker_ = std::thread([this] { work(); });
  time_watcher_ = std::thread([this] { watch_time(); });
  ipc::notify("READY=1");
  log(Level::info, "start", "serving on " + config_.control_socket().string());
  while (!stop_) {
    server->serve(kAnswerRound);
    take_signals();
  }
  ipc::notify("STOPPING=1");
  worker_.join();
  time_watcher_.join();
  log(Level::info, "stop", "stopped");
  return {};
}

void Service::take_signals() {
  const int signal = next_signal(signal_fd_);
  if (signal == 0) return;
  {
    const std::lock_guard lock(mutex_);
    if (signal == SIGHUP) {
      trial_.reset();  // the file counts
      reload_wanted_ = true;
    } else {
      stop_ = true;
    }
  }
  if (stop_) link_.stop_waiting();
  changed_.notify_all();
}

bool Service::is_wanted_elsewhere() const {
  const std::lock_guard lock(mutex_);
  const bool over = trial_ && std::chrono::steady_clock::now() >= trial_->until;
  return over || reload_wanted_ || decided_ || bundle_wanted_;
}

void Service::work() {
  Schedule schedule(std::random_device{}());
  SteadyTime next_poll = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const std::uint64_t wanted = pulls_wanted_;
    const bool asked = wanted != pulls_done_;
    const bool due = has_authority_ && std::chrono::steady_clock::now() >= next_poll;
    if (trial_ && std::chrono::steady_clock::now() >= trial_->until) {
      log(Level::warning, "reload", "nobody kept the configuration that was tried: it ends");
      trial_.reset();
      reload_wanted_ = true;
    }
    if (reload_wanted_) {
      reload_wanted_ = false;
      reloading_ = true;
      lock.unlock();
      reload();
      lock.lock();
      reloading_ = false;
      ++reloads_done_;
      changed_.notify_all();
      pulls_wanted_ = std::max(pulls_wanted_, pulls_done_ + 1);
      continue;
    }
    if (asked || due) {
      const auto bundle = std::exchange(bundle_wanted_, std::nullopt);
      decided_ = false;
      lock.unlock();
      const Outcome outcome = bundle ? updater_.import_bundle(*bundle) : updater_.pull();
      lock.lock();
      if (outcome == Outcome::interrupted) {
        next_poll = std::chrono::steady_clock::now();
        continue;
      }
      // A bundle tells nothing of the mirrors.
      if (!bundle) {
        const auto pause = schedule.next(updater_.poll_period(), has_answered(outcome));
        next_poll = std::chrono::steady_clock::now() + pause;
      }
      pulls_done_ = std::max(pulls_done_, wanted);
      look_again_ = true;
      changed_.notify_all();
      continue;
    }
    const bool again = std::exchange(look_again_, false);
    lock.unlock();
    watch_block_rate();
    const bool hold_ended = updater_.running().hold_has_ended();
    if (hold_ended && !has_authority_) (void)updater_.refresh_generation();
    // What was decided while another generation was made, and could not wait for that.
    if (again) (void)updater_.refresh_generation();
    lock.lock();
    if (hold_ended && has_authority_) {
      next_poll = std::chrono::steady_clock::now();
      continue;
    }
    const SteadyTime limit = std::chrono::steady_clock::now() + kLongestSleep;
    SteadyTime next = has_authority_ ? std::min(next_poll, limit) : limit;
    if (trial_) next = std::min(next, trial_->until);
    if (block_rate_.is_wanted()) {
      next = std::min(next, std::chrono::steady_clock::now() + kBlockRateRound);
    }
    changed_.wait_until(lock, next, [this] {
      return stop_ || reload_wanted_ || look_again_ || pulls_wanted_ != pulls_done_;
    });
  }
}

void Service::watch_block_rate() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!updater_.watches_block_rate() || updater_.running().held()) return block_rate_.forget();
  if (auto watched = updater_.take_watched()) block_rate_.expect(std::move(*watched));
  const auto ask = [&](const char* command) {
    return ipc::call(config_.dataplane_socket(), {{"command", command}}, seconds(1));
  };
  const auto status = ask("status");
  const auto stats = status ? ask("stats") : status;
  const auto look = stats ? look_of(*status, *stats) : std::nullopt;
  if (!look) return;
  block_rate_.take(now, *look);
  if (const auto halt = block_rate_.halt(now)) updater_.halt(*halt);
}

void Service::tell_layers(std::vector<schema::Fault> faults) {
  for (const schema::Fault& fault : faults) log(Level::error, "layer", fault.text());
  const std::lock_guard lock(mutex_);
  layer_faults_ = std::move(faults);
}

void Service::reload() {
  std::filesystem::path file = config_file_;
  bool tried = false;
  {
    const std::lock_guard lock(mutex_);
    tried = trial_.has_value();
    if (tried) file = trial_->file;
  }
  {
    // What is as bad as it was is not tried again at once.
    const std::lock_guard lock(mutex_);
    layer_stamps_ = schema::layer_stamps(layer_files_);
  }
  schema::Loaded loaded = schema::load(file);
  std::optional<Error> error;
  if (!loaded.config) {
    error = Error{loaded.faults.empty() ? "cannot be read" : loaded.faults[0].text(), file.string(),
                  "the configuration before stays; see sluicectl config check"};
  } else if (loaded.config->state_dir != config_.state_dir ||
             loaded.config->run_dir != config_.run_dir) {
    error = Error{"state_dir or run_dir has changed", config_file_.string(),
                  "restart sluice-control; until then the configuration before stays"};
  }
  if (!error) {
    config_ = std::move(*loaded.config);
    updater_.set_config(config_);
    subscriber_.set_proxy(config_.proxy);
    subscriber_.ask_all();
    if (!tried) keep_layers(config_);
    set_layer_files();
    tell_layers(std::move(loaded.layer_faults));
    (void)updater_.refresh_generation();
  }
  log(error ? Level::error : Level::info, "reload", error ? error->text() : "done");
  const std::lock_guard lock(mutex_);
  config_error_ = error;
  has_authority_ = asks_authority(config_);
}

}  // namespace sluice::service
