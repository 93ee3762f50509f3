#include "control/service/block_rate.h"

#include <algorithm>
#include <cmath>

namespace sluice::service {
namespace {

Verdicts between(const Verdicts& from, const Verdicts& to) {
  return {to.blocked - from.blocked, to.judged - from.judged};
}

double share(const Verdicts& verdicts) {
  return static_cast<double>(verdicts.blocked) / static_cast<double>(verdicts.judged);
}

std::string percent(double part) {
  return std::to_string(std::lround(part * 1000) / 10) + "." +
         std::to_string(std::lround(part * 1000) % 10) + " %";
}

}  // namespace

std::optional<Verdicts> verdicts(const nlohmann::json& reply) {
  const auto counters = reply.find("counters");
  if (counters == reply.end() || !counters->is_object()) return std::nullopt;
  Verdicts out;
  for (const char* name : {"verdict_pass", "verdict_block", "verdict_log", "verdict_rewrite"}) {
    const auto value = counters->find(name);
    if (value == counters->end() || !value->is_number_unsigned()) return std::nullopt;
    out.judged += value->get<std::uint64_t>();
  }
  out.blocked = counters->at("verdict_block").get<std::uint64_t>();
  return out;
}

void BlockRate::count(Time now, Verdicts sums) {
  if (sums.judged < latest_.judged || sums.blocked < latest_.blocked) {
    samples_.clear();
    watched_.reset();
  }
  latest_ = sums;
  samples_.push_back({now, sums});
  while (now - samples_.front().at > kWindow) samples_.pop_front();
}

void BlockRate::watch(Time now, Watched what) {
  watched_.reset();
  if (samples_.empty()) return;
  before_ = between(samples_.front().sums, latest_);
  if (before_.judged < kLeastJudged) return;
  watched_ = std::move(what);
  since_ = now;
  from_ = latest_;
}

std::optional<BlockRate::Halt> BlockRate::halt(Time now) {
  if (!watched_) return std::nullopt;
  if (now - since_ > kWindow) {
    watched_.reset();
    return std::nullopt;
  }
  const Verdicts after = between(from_, latest_);
  if (after.judged < kLeastJudged) return std::nullopt;
  const double most = watched_->most_ratio * std::max(share(before_), kLeastShare);
  if (share(after) <= most) return std::nullopt;
  Halt out{std::move(*watched_), "it blocks " + percent(share(after)) + " of " +
                                     std::to_string(after.judged) + " names, where it were " +
                                     percent(share(before_)) + " of " +
                                     std::to_string(before_.judged) + " before"};
  watched_.reset();
  samples_.clear();
  return out;
}

}  // namespace sluice::service
