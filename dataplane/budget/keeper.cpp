#include "dataplane/budget/keeper.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace sluice::budget {
namespace {

constexpr std::uintmax_t kMaxOctets = 256U << 20;

Status refused(const std::filesystem::path& file, const char* what) {
  return fail(std::string("cannot be ") + what + ": " + std::strerror(errno), file.string(),
              "check the disk's space and its permissions");
}

/// Synced and closed, whatever happens.
Status write_and_sync(const std::filesystem::path& file, std::string_view content) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refused(file, "written");
  Status status;
  while (!content.empty() && status) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      status = refused(file, "written");
    } else {
      content.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  if (status && ::fsync(fd) != 0) status = refused(file, "synced");
  ::close(fd);
  return status;
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

Status write_whole(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path part = file.string() + ".part";
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (auto status = write_and_sync(part, content); !status) {
    std::filesystem::remove(part, error);
    return status;
  }
  if (::rename(part.c_str(), file.c_str()) != 0) return refused(file, "replaced");
  sync_folder(file.parent_path());
  return {};
}

Keeper::Keeper(std::filesystem::path file, std::uint64_t secret)
    : file_(std::move(file)), book_(secret) {
  std::error_code error;
  const std::uintmax_t octets = std::filesystem::file_size(file_, error);
  if (!error && octets <= kMaxOctets) {
    std::ifstream stream(file_, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    if (auto status = book_.load(content); !status) {
      std::filesystem::rename(file_, file_.string() + ".damaged", error);
      lost_ = "minutes of budgets were lost: " + file_.string() + ": " + status.error().text() +
              "; it is set aside as .damaged, and counting begins anew";
    }
  }
  writer_ = std::thread([this] { write(); });
}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    if (book_.has_changed()) wanted_ = book_.save();
    stop_ = true;
  }
  changed_.notify_all();
  writer_.join();
}

void Keeper::keep(Clock::time_point now, bool at_once) {
  if (!at_once && now - kept_ < kInterval) return;
  const bool failed = [this] {
    const std::lock_guard lock(mutex_);
    return !fault_.empty();
  }();
  if (!book_.has_changed() && !failed) return;
  kept_ = now;
  std::string content = book_.save();
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(content);
  }
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
    const Status status = write_whole(file_, content);
    lock.lock();
    fault_ =
        status ? "" : "minutes of budgets are not kept over a restart: " + status.error().text();
  }
}

}  // namespace sluice::budget
