// A file while it comes: ".NAME.part" beside its place, of a length and a hash that are signed for.
// What is there of it may be of an earlier attempt and of another mirror; whoever poisons it is
// found out by the hash of the whole, and then nothing of it is kept.
//
// Thread safety: one thread per file.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::sync {

class PartFile {
 public:
  [[nodiscard]] static Result<PartFile> open(const std::filesystem::path& to, std::uint64_t length,
                                             std::string_view sha256);

  /// The file is in its place already, and right.
  [[nodiscard]] bool is_done() const { return done_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t length() const { return length_; }
  /// Why it cannot be written: nothing that another mirror could help.
  [[nodiscard]] bool fault() const { return fault_; }

  /// Forgets what is there.
  [[nodiscard]] Status restart();
  [[nodiscard]] Status add(std::string_view bytes);
  void discard();
  /// Checks length and hash, syncs and renames. What is wrong is discarded; `url` is for the error.
  [[nodiscard]] Status finish(const std::string& url);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[nodiscard]] tl::unexpected<Error> system_fault(const char* what);

  std::filesystem::path to_;
  std::filesystem::path part_;
  std::uint64_t length_ = 0;
  std::string sha256_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t size_ = 0;
  bool done_ = false;
  bool fault_ = false;
};

}  // namespace sluice::sync
