#include "config/files/tar.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "config/files/file.h"

namespace sluice::files {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaxNames = 8;
using Block = std::array<char, kBlock>;

// Where the fields of a header are, and how long.
struct Place {
  std::size_t at;
  std::size_t length;
};
constexpr Place kName{0, 100};
constexpr Place kMode{100, 8};
constexpr Place kOwner{108, 8};
constexpr Place kGroup{116, 8};
constexpr Place kSize{124, 12};
constexpr Place kTime{136, 12};
constexpr Place kSum{148, 8};
constexpr Place kType{156, 1};
constexpr Place kMagic{257, 8};
constexpr Place kPrefix{345, 155};

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string text_at(const Block& block, Place place) {
  const char* const from = block.data() + place.at;
  return {from, std::find(from, from + place.length, '\0')};
}

/// Octal digits, closed by a space or NUL; nullopt where they are none. No base-256.
std::optional<std::uint64_t> number_at(const Block& block, Place place) {
  std::uint64_t value = 0;
  bool any = false;
  for (std::size_t i = place.at; i < place.at + place.length; ++i) {
    const char c = block[i];
    if (c == ' ' && !any) continue;
    if (c == ' ' || c == '\0') break;
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

std::uint64_t sum_of(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const bool own = i >= kSum.at && i < kSum.at + kSum.length;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

bool is_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

tl::unexpected<Error> disk_fault(const std::filesystem::path& path) {
  return fail(std::string("cannot be written: ") + std::strerror(errno), path.string(),
              "free some space, and check owner and mode");
}

class Unpacker {
 public:
  Unpacker(const std::filesystem::path& file, std::filesystem::path folder, TarBounds bounds)
      : where_(file.string()), folder_(std::move(folder)), bounds_(bounds), in_(open(file)) {}

  Status run(const std::function<bool(const std::string&)>& takes);

 private:
  /// A file, or a stick that was written to without a file system. Nothing that may never end.
  [[nodiscard]] static File open(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    const bool fits =
        std::filesystem::is_regular_file(status) || std::filesystem::is_block_file(status);
    return File(fits ? std::fopen(file.c_str(), "rbe") : nullptr);
  }
  [[nodiscard]] tl::unexpected<Error> refuse(const std::string& what) const {
    return fail(what, where_, "nothing of it is used; write it again with sluice-authority bundle");
  }
  bool read(Block& block) { return std::fread(block.data(), 1, kBlock, in_.get()) == kBlock; }
  Status take(const Block& header, const std::function<bool(const std::string&)>& takes);
  Status copy(const std::string& path, std::uint64_t size);

  std::string where_;
  std::filesystem::path folder_;
  TarBounds bounds_;
  File in_;
  std::uint64_t files_ = 0;
  std::uint64_t octets_ = 0;
};

Status Unpacker::run(const std::function<bool(const std::string&)>& takes) {
  if (!in_) {
    return fail("cannot be read", where_, "give the path of a bundle");
  }
  Block header;
  for (;;) {
    if (!read(header)) return refuse("is cut");
    if (is_zero(header)) return {};
    if (auto status = take(header, takes); !status) return status;
  }
}

Status Unpacker::take(const Block& header, const std::function<bool(const std::string&)>& takes) {
  if (number_at(header, kSum) != sum_of(header)) return refuse("is damaged, or no tar archive");
  if (text_at(header, {kMagic.at, 5}) != "ustar") return refuse("is no ustar archive");
  std::string path = text_at(header, kName);
  // GNU tar's own form has other fields there, and "ustar  ".
  const bool posix = header[kMagic.at + 5] == '\0';
  if (const std::string prefix = text_at(header, kPrefix); posix && !prefix.empty()) {
    path = prefix + "/" + path;
  }
  if (path.starts_with("./")) path.erase(0, 2);
  while (path.ends_with('/')) path.pop_back();
  const char type = header[kType.at];
  const auto size = number_at(header, kSize);
  if (!size || *size > bounds_.file_octets) return refuse("holds a file that is too long: " + path);
  if (type == '5' && (path.empty() || is_plain_path(path)) && *size == 0) return {};
  if (type != '0' && type != '\0') {
    return refuse("holds what is neither file nor folder: " + path);
  }
  if (!is_plain_path(path) || !takes(path)) return refuse("holds what is no part of it: " + path);
  if (++files_ > bounds_.files) return refuse("holds too many files");
  octets_ += *size;
  if (octets_ > bounds_.all_octets) return refuse("is too long");
  return copy(path, *size);
}

Status Unpacker::copy(const std::string& path, std::uint64_t size) {
  const std::filesystem::path to = folder_ / path;
  if (auto status = make_folder(to.parent_path()); !status) return status;
  const File out(std::fopen(to.c_str(), "wbxe"));  // never over one that is there
  if (!out && errno == EEXIST) return refuse("holds a file twice: " + path);
  if (!out) return disk_fault(to);
  Block block;
  for (std::uint64_t left = size; left > 0;) {
    if (!read(block)) return refuse("is cut");
    const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBlock));
    if (std::fwrite(block.data(), 1, now, out.get()) != now) return disk_fault(to);
    left -= now;
  }
  return std::fflush(out.get()) == 0 ? Status{} : disk_fault(to);
}

void put(Block& block, Place place, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(place.at));
}

void put_number(Block& block, Place place, std::uint64_t value) {
  for (std::size_t i = place.length - 1; i-- > 0; value /= 8) {
    block[place.at + i] = static_cast<char>('0' + value % 8);
  }
}

/// A name of over 100 octets is cut at a slash.
Result<Block> header_of(const std::string& path, std::uint64_t size) {
  Block block{};
  std::size_t cut = 0;
  if (path.size() > kName.length) {
    cut = path.find('/', path.size() - kName.length - 1);
    if (cut == path.npos || cut > kPrefix.length) return fail("has too long a name", path);
    put(block, kPrefix, std::string_view(path).substr(0, cut));
    ++cut;
  }
  put(block, kName, std::string_view(path).substr(cut));
  put_number(block, kMode, 0644);
  put_number(block, kOwner, 0);
  put_number(block, kGroup, 0);
  put_number(block, kSize, size);
  put_number(block, kTime, 0);
  put(block, kType, "0");
  put(block, kMagic, std::string_view("ustar\00000", 8));
  put_number(block, {kSum.at, 7}, sum_of(block));
  block[kSum.at + 7] = ' ';
  return block;
}

Status append(std::FILE* out, const std::filesystem::path& folder, const std::string& path,
              const std::filesystem::path& to) {
  std::error_code error;
  const auto size = std::filesystem::file_size(folder / path, error);
  const File in(std::fopen((folder / path).c_str(), "rbe"));
  if (error || !in) return fail("cannot be read", (folder / path).string());
  auto header = header_of(path, size);
  if (!header) return fail(header.error());
  if (std::fwrite(header->data(), 1, kBlock, out) != kBlock) return disk_fault(to);
  for (std::uint64_t left = size; left > 0;) {
    Block block{};
    const std::size_t now = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBlock));
    if (std::fread(block.data(), 1, now, in.get()) != now) {
      return fail("changed while it was read", (folder / path).string(), "try again");
    }
    if (std::fwrite(block.data(), 1, kBlock, out) != kBlock) return disk_fault(to);
    left -= now;
  }
  return {};
}

}  // namespace

bool is_plain_path(std::string_view path) {
  std::size_t names = 0;
  while (true) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    const bool plain = !name.empty() && name.find_first_not_of('.') != name.npos &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                       });
    if (!plain || ++names > kMaxNames) return false;
    if (slash == path.size()) return true;
    path.remove_prefix(slash + 1);
  }
}

Status unpack_tar(const std::filesystem::path& file, const std::filesystem::path& folder,
                  const TarBounds& bounds, const std::function<bool(const std::string&)>& takes) {
  return Unpacker(file, folder, bounds).run(takes);
}

Status pack_tar(const std::filesystem::path& folder, const std::vector<std::string>& paths,
                const std::filesystem::path& file) {
  const std::filesystem::path temporary =
      file.parent_path() / ("." + file.filename().string() + std::string(kTemporarySuffix));
  const auto write = [&]() -> Status {
    const File out(std::fopen(temporary.c_str(), "wbe"));
    if (!out) return disk_fault(temporary);
    for (const std::string& path : paths) {
      if (auto status = append(out.get(), folder, path, temporary); !status) return status;
    }
    const std::array<char, 2 * kBlock> end{};
    const bool good = std::fwrite(end.data(), 1, end.size(), out.get()) == end.size() &&
                      std::fflush(out.get()) == 0;
    return good ? Status{} : disk_fault(temporary);
  };
  auto status = write();
  if (status) status = sync_file(temporary);
  if (status) return rename_synced(temporary, file);
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  return status;
}

}  // namespace sluice::files
