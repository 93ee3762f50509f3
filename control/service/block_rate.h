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

/// Names that the dataplane judged since its start, and how many of them it blocked; and of the
/// blocks that it has reported, how many there are and how many were by what the authority lists.
struct Verdicts {
  std::uint64_t blocked = 0;
  std::uint64_t judged = 0;
  std::uint64_t reported = 0;
  std::uint64_t by_authority = 0;
};

/// What the dataplane tells at one time.
struct Look {
  Verdicts sums;
  std::uint64_t generation = 0;
  // Which schedules and modes hold: what else makes the share of blocked names another one.
  std::string period;
};
/// Of its answers to {"command":"status"} and {"command":"stats"}; nullopt where they are none.
[[nodiscard]] std::optional<Look> look_of(const nlohmann::json& status,
                                          const nlohmann::json& stats);

class BlockRate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What a release is compared with, and how long it is watched.
  static constexpr std::chrono::hours kWindow{1};
  /// Shares of fewer names say nothing.
  static constexpr std::uint64_t kLeastJudged = 1000;
  /// A share below is taken for this: from next to nothing, any block is many times more.
  static constexpr double kLeastShare = 0.005;

  /// A release that is about to take effect, in the place of a generation that is kept.
  struct Watched {
    std::string release;       // compile::release_id()
    std::uint64_t made = 0;    // its generation
    std::uint64_t before = 0;  // the other one
    double most_ratio = 0;     // of the shares after and before
  };
  void expect(Watched what) { expected_ = std::move(what); }
  void forget() {
    expected_.reset();
    watched_.reset();
  }

  /// To be called every so often. The release is watched from when its generation is seen; what is
  /// known is forgotten with any other generation, be it of the site's lists, of a mode or urgent,
  /// with any other period, and with another process, which counts from zero. Nothing is watched
  /// where too little is known of the time before.
  void take(Time now, const Look& look);
  [[nodiscard]] bool watches() const { return watched_.has_value(); }
  /// Or is about to.
  [[nodiscard]] bool is_wanted() const { return watches() || expected_.has_value(); }

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
  std::deque<Sample> samples_;  // of the last kWindow, under one generation and period
  Look latest_;
  std::optional<Watched> expected_;
  std::optional<Watched> watched_;
  Time since_;
  Verdicts before_;  // of the kWindow before since_
  Verdicts from_;    // the sums at since_
};

}  // namespace sluice::service
