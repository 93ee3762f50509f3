#include "control/service/block_rate.h"

#include <algorithm>
#include <cmath>

namespace sluice::service {
namespace {

Verdicts between(const Verdicts& from, const Verdicts& to) {
  return {to.blocked - from.blocked, to.judged - from.judged, to.reported - from.reported,
          to.by_authority - from.by_authority};
}

/// Of names that the authority's lists block. What the site itself blocks is no release's fault.
double share(const Verdicts& verdicts) {
  const double of_all =
      static_cast<double>(verdicts.blocked) / static_cast<double>(verdicts.judged);
  // Reports may be lost, of whichever: the shares among them hold all the same.
  if (verdicts.reported == 0) return of_all;
  return of_all * static_cast<double>(verdicts.by_authority) /
         static_cast<double>(verdicts.reported);
}

std::string percent(double part) {
  return std::to_string(std::lround(part * 1000) / 10) + "." +
         std::to_string(std::lround(part * 1000) % 10) + " %";
}

}  // namespace

std::optional<Look> look_of(const nlohmann::json& status, const nlohmann::json& stats) {
  const auto counters = stats.find("counters");
  const auto generation = status.find("generation");
  if (counters == stats.end() || !counters->is_object() || generation == status.end() ||
      !generation->is_number_unsigned()) {
    return std::nullopt;
  }
  Look out{.generation = generation->get<std::uint64_t>()};
  for (const char* name : {"verdict_pass", "verdict_block", "verdict_log", "verdict_rewrite"}) {
    const auto value = counters->find(name);
    if (value == counters->end() || !value->is_number_unsigned()) return std::nullopt;
    out.sums.judged += value->get<std::uint64_t>();
  }
  out.sums.blocked = counters->at("verdict_block").get<std::uint64_t>();
  if (const auto blocks = stats.find("blocks"); blocks != stats.end() && blocks->is_object()) {
    out.sums.by_authority = blocks->value("authority", std::uint64_t{0});
    out.sums.reported = out.sums.by_authority + blocks->value("site", std::uint64_t{0});
  }
  for (const char* name : {"schedules", "modes"}) {
    if (const auto part = status.find(name); part != status.end())
      out.period += part->dump() + "\n";
  }
  return out;
}

void BlockRate::take(Time now, const Look& look) {
  const bool restarted = look.sums.judged < latest_.sums.judged ||
                         look.sums.blocked < latest_.sums.blocked ||
                         look.sums.reported < latest_.sums.reported ||
                         look.sums.by_authority < latest_.sums.by_authority;
  if (restarted || look.period != latest_.period) {
    samples_.clear();
    watched_.reset();
  } else if (look.generation != latest_.generation) {
    watched_.reset();
    if (expected_ && expected_->made == look.generation && !samples_.empty()) {
      before_ = between(samples_.front().sums, latest_.sums);
      if (before_.judged >= kLeastJudged) watched_ = std::move(expected_);
      since_ = now;
      from_ = look.sums;
    }
    samples_.clear();
  }
  if (look.generation != latest_.generation) expected_.reset();
  latest_ = look;
  samples_.push_back({now, look.sums});
  while (now - samples_.front().at > kWindow) samples_.pop_front();
}

std::optional<BlockRate::Halt> BlockRate::halt(Time now) {
  if (!watched_) return std::nullopt;
  if (now - since_ > kWindow) {
    watched_.reset();
    return std::nullopt;
  }
  const Verdicts after = between(from_, latest_.sums);
  if (after.judged < kLeastJudged) return std::nullopt;
  const double most = watched_->most_ratio * std::max(share(before_), kLeastShare);
  if (share(after) <= most) return std::nullopt;
  Halt out{std::move(*watched_), "by the authority's lists it blocks " + percent(share(after)) +
                                     " of " + std::to_string(after.judged) +
                                     " names, where it were " + percent(share(before_)) + " of " +
                                     std::to_string(before_.judged) + " before"};
  watched_.reset();
  samples_.clear();
  return out;
}

}  // namespace sluice::service
