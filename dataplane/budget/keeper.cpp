#include "dataplane/budget/keeper.h"

#include "config/files/file.h"

namespace sluice::budget {
namespace {

constexpr std::uint64_t kMaxOctets = 256U << 20;

}  // namespace

Keeper::Keeper(std::filesystem::path file, std::uint64_t secret)
    : file_(std::move(file)), book_(secret) {
  std::error_code error;
  if (std::filesystem::is_regular_file(file_, error)) {
    const auto content = files::read_bounded(file_, kMaxOctets);
    const Status status = content ? book_.load(*content) : Status(fail(content.error()));
    if (!status) {
      std::filesystem::rename(file_, file_.string() + ".damaged", error);
      lost_ = "minutes of budgets were lost: " + file_.string() + ": " + status.error().text() +
              "; it is set aside as .damaged, and counting begins anew";
    }
  }
}

Keeper::~Keeper() {
  if (book_.has_changed()) want(book_.save());
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void Keeper::keep(Clock::time_point now, bool at_once) {
  if (!at_once && now - kept_ < kInterval) return;
  const bool failed = [this] {
    const std::lock_guard lock(mutex_);
    return !fault_.empty();
  }();
  if (!book_.has_changed() && !failed) return;
  kept_ = now;
  want(book_.save());
}

// The writer begins with the first: by then, its thread inherits the CPUs that no worker has.
void Keeper::want(std::string content) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(content);
  }
  if (!writer_.joinable()) writer_ = std::thread([this] { write(); });
  changed_.notify_all();
}

std::string Keeper::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_.empty() ? lost_ : fault_;
}

void Keeper::write() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || wanted_; });
    if (!wanted_) return;
    const std::string content = std::move(*wanted_);
    wanted_.reset();
    lock.unlock();
    Status status = files::make_folder(file_.parent_path());
    if (status) status = files::write_atomic(file_, content, 0600);
    lock.lock();
    fault_ =
        status ? "" : "minutes of budgets are not kept over a restart: " + status.error().text();
  }
}

}  // namespace sluice::budget
