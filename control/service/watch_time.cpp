// What begins or ends by itself, or is written by somebody who need ask nobody. A thread of its own
// looks at it, for a pull may last minutes, and a mirror may keep it waiting.
#include "control/service/service.h"

namespace sluice::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The wall clock may be set; so it is looked at now and then. What begins or ends by itself is seen
// that late at most, and so is a file that somebody wrote.
constexpr milliseconds kRound{500};
// What came to nothing is tried again, but a compilation of millions not without a pause.
constexpr seconds kAfterFailure{30};
// Another generation may be made at this time, and this thread ends with the process.
constexpr milliseconds kPatience{500};
constexpr std::chrono::days kMonth{31};

}  // namespace

bool Service::is_due(const View& view) const {
  const tuf::Time now = updater_.time().now();
  // The clock may have been set back, to before what was done by it or worked out: farther away
  // than a month.
  return (view.next_change && *view.next_change <= now) ||
         (view.last_change && now < *view.last_change) ||
         (view.next_policy && (*view.next_policy <= now || *view.next_policy > now + kMonth));
}

bool Service::layers_have_changed() const {
  std::vector<std::filesystem::path> files;
  std::string stamps;
  {
    const std::lock_guard lock(mutex_);
    if (reload_wanted_ || reloading_ || layer_files_.empty()) return false;
    files = layer_files_;
    stamps = layer_stamps_;
  }
  return schema::layer_stamps(files) != stamps;
}

void Service::set_layer_files() {
  const std::lock_guard lock(mutex_);
  layer_files_ = config_.layer_files;
  layer_stamps_ = config_.layer_stamps;
}

void Service::watch_time() {
  auto not_before = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const bool changed = layers_have_changed();
    View view = updater_.view();
    if (is_due(view) && std::chrono::steady_clock::now() >= not_before) {
      (void)updater_.refresh_generation(kPatience);
      view = updater_.view();
      if (is_due(view) && view.build_error) {
        not_before = std::chrono::steady_clock::now() + kAfterFailure;
      }
    }
    lock.lock();
    if (changed && !reloading_) {
      // Of the working thread, whose download that interrupts.
      reload_wanted_ = true;
      changed_.notify_all();
    }
    changed_.wait_for(lock, kRound, [this] { return stop_.load(); });
  }
}

}  // namespace sluice::service
