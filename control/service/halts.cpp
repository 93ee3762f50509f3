// What the authority halts, by the signed rollout: nobody takes it any more, and who runs it goes
// back to what ran before.
#include <algorithm>

#include "control/service/log.h"
#include "control/service/updater.h"

namespace sluice::service {

/// Of the first release that is taken, or of one that is to make good for lists that were lost.
Status Updater::check_left_out(const compile::Release& release,
                               const std::vector<Waiting>& left_out) const {
  const auto current = running_.current();
  const auto runs = current ? compile::sources_from_json(current->sources_json()).seqs
                            : std::map<std::string, std::uint64_t>();
  for (const Waiting& one : left_out) {
    const bool is_lost = runs.contains(one.department);
    if (!is_lost && !release.lists.empty()) continue;
    return fail("the authority has halted list " + std::to_string(one.seq) + " of " +
                    one.department + " (" + one.reason + "), and " +
                    (is_lost ? "the one that runs here is lost besides" : "there is no other list"),
                {}, "what runs stays as it is; the next list is taken at once");
  }
  return {};
}

/// Where a list runs that the authority has halted, what ran before it is gone back to, as after a
/// halt by itself; until another release comes, or the authority lets that one go on.
void Updater::obey_halts() {
  if (!release_) return;
  const std::map<std::string, compile::Rollout::Halted> none;
  const auto& halted = rollout_ ? rollout_->halted : none;
  const std::string release = compile::release_id(*release_);
  const auto is_halted = [&](const std::string& department, std::uint64_t seq) {
    const auto found = halted.find(department);
    return found != halted.end() && found->second.seq == seq;
  };
  Staging::Obeyed obeyed = staging_.obeyed();
  const std::size_t lifted =
      std::erase_if(obeyed, [&](const auto& one) { return !is_halted(one.first, one.second); });
  const auto hold = running_.held();
  if (lifted != 0 && obeyed.empty() && hold && hold->halted == release) {
    (void)running_.resume(
        {.who = kSelf, .reason = "the authority no longer halts it", .at = clock_()});
  }
  for (const compile::ReleaseList& list : release_->lists) {
    // Another hold is somebody's word, and comes first.
    if (!is_halted(list.department, list.seq) || obeyed.contains(list.department)) continue;
    if (running_.held() || !runs_release()) break;
    obeyed[list.department] = list.seq;
    go_back_from_halted(is_halted, "the authority has halted list " + std::to_string(list.seq) +
                                       " of " + list.department + ": " +
                                       halted.at(list.department).reason);
  }
  staging_.set_obeyed(std::move(obeyed));
}

void Updater::go_back_from_halted(
    const std::function<bool(const std::string& department, std::uint64_t seq)>& is_halted,
    const std::string& reason) {
  const std::uint64_t current = running_.current()->header().generation;
  for (const std::uint64_t number : running_.kept()) {
    if (number >= current) continue;
    const auto opened = running_.verify(number);
    if (!opened) continue;
    const auto sources = compile::sources_from_json((*opened)->sources_json());
    const bool any = std::any_of(sources.seqs.begin(), sources.seqs.end(),
                                 [&](const auto& one) { return is_halted(one.first, one.second); });
    if (sources.seqs.empty() || any) continue;
    return halt({.what = {.release = compile::release_id(*release_),
                          .made = current,
                          .before = number,
                          .most_ratio = 0},
                 .reason = reason});
  }
  log(Level::error, "halt", reason + "; it goes on, for no generation without it is kept");
}

/// An emergency comes into force upon what a halt went back to; the rest of it is what was halted.
bool Updater::changes_what_was_halted(const compile::Release& release) const {
  const auto others = [](compile::Release of) {
    std::erase_if(of.lists, [](const auto& one) { return one.department == compile::kEmergency; });
    return compile::release_id(of);
  };
  return !release_ || others(release) != others(*release_);
}

}  // namespace sluice::service
