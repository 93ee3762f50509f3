#include "config/files/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::files {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> system_error(const std::string& what, const std::filesystem::path& path) {
  const int code = errno;
  std::string advice;
  if (code == ENOSPC || code == EDQUOT) advice = "free some space on this file system";
  if (code == EACCES || code == EPERM || code == EROFS) advice = "check owner, mode and mount";
  return fail(what + ": " + std::strerror(code), path.string(), advice);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool is_leftover(const std::string& name) {
  // LMDB writers name theirs "FILE.tmp.PID".
  return name.ends_with(kTemporarySuffix) || name.ends_with(kPartSuffix) ||
         name.find(".tmp.") != std::string::npos;
}

}  // namespace

Status write_atomic(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const std::filesystem::path temporary =
      path.parent_path() / ("." + path.filename().string() + std::string(kTemporarySuffix));
  const auto abandon = [&](const std::string& what) {
    auto error = system_error(what, temporary);
    ::unlink(temporary.c_str());
    return error;
  };
  {
    make_way(temporary);
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.get() < 0) return system_error("cannot create", temporary);
    if (!write_all(file.get(), bytes)) return abandon("cannot write");
    if (::fsync(file.get()) != 0) return abandon("cannot sync");
  }
  if (auto status = rename_synced(temporary, path); !status) {
    ::unlink(temporary.c_str());
    return status;
  }
  return {};
}

Result<std::string> read_bounded(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return system_error("cannot open", path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return system_error("cannot stat", path);
  if (!S_ISREG(info.st_mode)) return fail("is not a regular file", path.string());
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > max_bytes) {
    return fail("holds " + std::to_string(size) + " octets where " + std::to_string(max_bytes) +
                    " are the most",
                path.string());
  }
  std::string out(size, '\0');
  std::size_t at = 0;
  while (at < out.size()) {
    const ssize_t n = ::read(file.get(), out.data() + at, out.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("cannot read", path);
    if (n == 0) break;
    at += static_cast<std::size_t>(n);
  }
  out.resize(at);
  return out;
}

bool is_there(const std::filesystem::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail("cannot create the folder: " + error.message(), folder.string(),
                "check owner and mode of the folder above");
  }
  return {};
}

Status sync_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("cannot open", path);
  if (::fsync(file.get()) != 0) return system_error("cannot sync", path);
  return {};
}

Status sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path place = folder.empty() ? "." : folder;
  const Descriptor fd(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return system_error("cannot open the folder", place);
  if (::fsync(fd.get()) != 0) return system_error("cannot sync the folder", place);
  return {};
}

void make_way(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) == 0 || errno != EISDIR || ::rmdir(path.c_str()) == 0) return;
  constexpr unsigned kMost = 100;  // then somebody has to look
  for (unsigned n = 1; n <= kMost; ++n) {
    const std::string aside =
        path.string() + ".displaced" + (n > 1 ? "." + std::to_string(n) : std::string());
    if (is_there(aside)) continue;
    (void)::rename(path.c_str(), aside.c_str());
    return;
  }
}

Status rename_synced(const std::filesystem::path& from, const std::filesystem::path& to) {
  struct stat info {};
  if (::lstat(to.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) make_way(to);
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("cannot rename", from);
  return sync_folder(to.parent_path());
}

std::size_t remove_leftovers(const std::filesystem::path& folder) {
  std::size_t removed = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!is_leftover(entry.path().filename().string())) continue;
    std::error_code ignored;
    if (std::filesystem::remove(entry.path(), ignored)) ++removed;
  }
  return removed;
}

}  // namespace sluice::files
