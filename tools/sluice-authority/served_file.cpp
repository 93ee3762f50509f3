#include "tools/sluice-authority/served_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::authority {
namespace {

bool is_public(std::string_view target) {
  if (!target.starts_with('/') || target.find('\0') != std::string_view::npos) return false;
  return target.find("/.") == std::string_view::npos;
}

/// What passes by itself: of descriptors or of memory there are too few at the moment.
bool is_passing(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

/// Where there is none, errno tells why.
Descriptor open_below(const std::filesystem::path& folder, std::string_view target) {
  const Descriptor root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.number() < 0) return Descriptor();
  const std::string name(target.substr(1));
  open_how how{};
  // What is no file does not keep whoever opens it waiting.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return Descriptor(
      static_cast<int>(::syscall(SYS_openat2, root.number(), name.c_str(), &how, sizeof how)));
}

std::string_view type_of(std::string_view name) {
  return name.ends_with(".json") ? "application/json" : "application/octet-stream";
}

/// "12.targets.json", "…/HASH.name", tiles of the log that are full: see LISTS.md.
bool is_lasting(std::string_view target) {
  const std::string_view name = target.substr(target.rfind('/') + 1);
  if (target.find("/tile/") != std::string_view::npos) {
    return target.find(".p/") == std::string_view::npos;
  }
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view front = name.substr(0, dot);
  return std::all_of(front.begin(), front.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
         front.size() == 64;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::optional<ServedFile> open_served(const std::filesystem::path& repo, std::string_view target,
                                      bool& busy) {
  busy = false;
  if (!is_public(target)) return std::nullopt;
  errno = 0;
  Descriptor file = open_below(repo, target);
  busy = file.number() < 0 && is_passing(errno);
  struct stat about {};
  if (file.number() < 0 || ::fstat(file.number(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return std::nullopt;
  }
  // Files are replaced whole, by renaming: one that is open stays as it is.
  std::string etag = "\"" + std::to_string(about.st_ino) + "-" + std::to_string(about.st_size) +
                     "-" + std::to_string(about.st_mtim.tv_sec) + "." +
                     std::to_string(about.st_mtim.tv_nsec) + "\"";
  return ServedFile{.file = std::move(file),
                    .octets = static_cast<std::uint64_t>(about.st_size),
                    .etag = std::move(etag),
                    .type = type_of(target),
                    .lasting = is_lasting(target)};
}

std::optional<Range> parse_range(std::string_view field, std::uint64_t octets) {
  constexpr std::string_view kUnit = "bytes=";
  if (!field.starts_with(kUnit)) return std::nullopt;
  field.remove_prefix(kUnit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view front = field.substr(0, dash);
  const std::string_view back = field.substr(dash + 1);
  if (front.empty()) {  // the last ones
    const auto count = number_of(back);
    if (!count) return std::nullopt;
    const std::uint64_t some = std::min(*count, octets);
    return Range{octets - some, some};
  }
  const auto from = number_of(front);
  const auto last = back.empty() ? std::optional(UINT64_MAX) : number_of(back);
  if (!from || !last || *last < *from) return std::nullopt;
  if (*from >= octets) return Range{};
  return Range{*from, std::min(*last, octets - 1) - *from + 1};
}

}  // namespace sluice::authority
