// The sealed trailer that closes a generation file: proof that the whole file is there and as it
// was written, checked before LMDB is let near it (LMDB follows damaged page numbers blindly).
//
// Thread safety: free functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"

struct evp_md_ctx_st;

namespace sluice::generation {

inline constexpr std::size_t kTrailerOctets = 64;
inline constexpr std::string_view kTrailerMagic = "SLUICEG1";

/// SHA-256, piece by piece.
class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;
  Sha256();
  void add(std::string_view bytes);
  /// Length-prefixed (u32), so that two different sequences never look alike.
  void add_field(std::string_view bytes);
  [[nodiscard]] Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  void flush();
  std::unique_ptr<evp_md_ctx_st, Free> context_;
  std::string fields_;  // gathered, since the library's call costs more than a short field's hash
};

[[nodiscard]] std::string hex(const Sha256::Digest& digest);

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Appends the trailer to a finished file and syncs it.
[[nodiscard]] Status seal(const std::filesystem::path& file, std::uint32_t format);

struct Content {
  Descriptor memory;  // a memfd with the content, without the trailer; or the file itself
  std::uint64_t octets = 0;
  std::uint32_t format = 0;
};

/// The format that a file's trailer names, after a look at the trailer alone.
[[nodiscard]] Result<std::uint32_t> sealed_format(const std::filesystem::path& file);

/// Copies a sealed file into memory, checking it on the way.
[[nodiscard]] Result<Content> load_verified(const std::filesystem::path& file);

/// The file itself, of which only the trailer was looked at.
[[nodiscard]] Result<Content> open_unverified(const std::filesystem::path& file);

}  // namespace sluice::generation
