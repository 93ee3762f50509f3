// What a generation would block of the names that passed lately. All of its keys go by, each
// through the hash that those names were kept by, against the set of theirs: no index is built, and
// who has only hashes needs no names.
//
// Thread safety: a Trial, and an Attempt, belong to one thread at a time.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "config/policy/timetable.h"
#include "dataplane/index/suffix_hash.h"
#include "dataplane/trial/passed_names.h"

namespace sluice::trial {

/// Fewer names say nothing of a generation, and too much of themselves.
inline constexpr std::uint64_t kLeastAsked = 100;
/// Counts are told in steps, rounded down: nobody learns of one name by a generation that lists it.
inline constexpr std::uint64_t kStep = 5;

struct Counts {
  std::uint64_t asked = 0;
  std::uint64_t blocked = 0;
  std::map<std::uint8_t, std::uint64_t> by_category;
};

class Trial {
 public:
  explicit Trial(const index::SuffixHash& hash) : hash_(hash) {}

  void add(const PassedName& name);
  [[nodiscard]] std::size_t size() const { return names_.size(); }

  /// What `candidate` would block and `running`, which may be null, does not, where these
  /// categories are blocked. Reads every key of the candidate, and of the other where it matters.
  [[nodiscard]] Result<Counts> ask(const generation::Generation& candidate,
                                   const generation::Generation* running,
                                   policy::CategoryMask blocked) const;

 private:
  /// By name, the category that it is blocked for; 0: it is not.
  [[nodiscard]] Result<std::vector<std::uint8_t>> verdicts(const generation::Generation& of,
                                                           policy::CategoryMask blocked) const;

  static constexpr unsigned kFilterBits = 20;
  using Filter = std::bitset<std::size_t{1} << kFilterBits>;
  [[nodiscard]] static std::size_t filter_bit(std::uint64_t hash) {
    return static_cast<std::size_t>(hash >> (64 - kFilterBits));
  }

  index::SuffixHash hash_;
  std::vector<std::uint64_t> names_;  // labels of each
  // Most keys are no suffix of any name: the filter tells so in a line of memory.
  std::unique_ptr<Filter> filter_ = std::make_unique<Filter>();
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_suffix_;  // which names
};

/// A trial that is begun where names and policy are at hand, and done by any one thread.
class Attempt {
 public:
  Attempt(std::filesystem::path file, Trial trial,
          std::shared_ptr<const generation::Generation> running, policy::CategoryMask blocked)
      : file_(std::move(file)),
        trial_(std::move(trial)),
        running_(std::move(running)),
        blocked_(blocked) {}

  /// Verifies the generation, and asks. Takes seconds and the memory of a generation where that is
  /// of another base than the running one; so one is made at a time.
  [[nodiscard]] Result<Counts> make() const;
  [[nodiscard]] const generation::Generation& running() const { return *running_; }

 private:
  std::filesystem::path file_;
  Trial trial_;
  std::shared_ptr<const generation::Generation> running_;
  policy::CategoryMask blocked_;
};

/// What any group's policy blocks at some time, those above it included.
[[nodiscard]] policy::CategoryMask blocked_at_some_time(const policy::PolicySet& set,
                                                        const policy::GroupTable& groups,
                                                        const policy::Timetable& timetable,
                                                        policy::Moment moment);

}  // namespace sluice::trial
