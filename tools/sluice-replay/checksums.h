// Which wrong TCP checksums mean something. A capture taken on a sender holds what the sender left
// for its network card to fill in, and some captures were edited; but a segment with a wrong
// checksum whose place another one with a right checksum takes is one that its receiver dropped.
//
// Thread safety: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace sluice::replay {

class Checksums {
 public:
  enum class Mode : std::uint8_t { automatic, verify, ignore };
  explicit Checksums(Mode mode) : mode_(mode) {}

  /// Counts each sender's right and wrong checksums in a capture that is about to be replayed. What
  /// cannot be read is left to the replay to tell.
  void learn(const std::filesystem::path& capture);

  /// Whether a wrong checksum of the frame says nothing: its sender fills in none, or no segment
  /// with a right one takes its place.
  [[nodiscard]] bool says_nothing(std::span<const std::uint8_t> ethernet) const;

 private:
  struct Count {
    std::uint64_t good = 0;
    std::uint64_t bad = 0;
  };
  Mode mode_;
  std::map<std::array<std::uint8_t, 16>, Count> senders_;
  std::set<std::pair<std::uint64_t, std::uint32_t>> good_;  // flow and sequence number
};

}  // namespace sluice::replay
