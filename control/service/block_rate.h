// Whether a release makes this appliance block far more than it did before: the halt condition
// `block_rate_ratio_gt` of a rollout. Sums of verdicts are all that is looked at, and no name.
//
// Thread safety: belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace sluice::service {

/// Names that the dataplane judged since its start, and how many of them it blocked.
struct Verdicts {
  std::uint64_t blocked = 0;
  std::uint64_t judged = 0;
};

/// Of the dataplane's answer to {"command":"stats"}; nullopt where it is none.
[[nodiscard]] std::optional<Verdicts> verdicts(const nlohmann::json& reply);

class BlockRate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What a release is compared with, and how long it is watched.
  static constexpr std::chrono::hours kWindow{1};
  /// Shares of fewer names say nothing.
  static constexpr std::uint64_t kLeastJudged = 1000;
  /// A share below is taken for this: from next to nothing, any block is many times more.
  static constexpr double kLeastShare = 0.005;

  /// To be called every so often. Counts that went back are another process's, from zero.
  void count(Time now, Verdicts sums);

  /// A release took effect just now, in the place of a generation that is kept. Not watched where
  /// too little is known of the time before.
  struct Watched {
    std::string release;  // compile::release_id()
    std::uint64_t before = 0;
    double most_ratio = 0;  // of the shares after and before
  };
  void watch(Time now, Watched what);
  void forget() { watched_.reset(); }
  [[nodiscard]] bool watches() const { return watched_.has_value(); }

  /// What has to end, and why; nothing is watched then.
  struct Halt {
    Watched what;
    std::string reason;
  };
  [[nodiscard]] std::optional<Halt> halt(Time now);

 private:
  struct Sample {
    Time at;
    Verdicts sums;
  };
  std::deque<Sample> samples_;  // of the last kWindow
  Verdicts latest_;
  std::optional<Watched> watched_;
  Time since_;
  Verdicts before_;  // of the kWindow before since_
  Verdicts from_;    // the sums at since_
};

}  // namespace sluice::service
