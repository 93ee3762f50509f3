// SHA-256 and hexadecimal, as TUF metadata carries them.
//
// Thread safety: a Sha256 belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct evp_md_ctx_st;

namespace sluice::tuf {

class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  /// 64 lower-case hexadecimal digits; the object is spent.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] std::string sha256(std::string_view bytes);
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// Lower-case digits only, an even number of them.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);
/// 64 lower-case hexadecimal digits: a digest, and so a safe part of a file name.
[[nodiscard]] bool is_sha256(std::string_view text);

}  // namespace sluice::tuf
