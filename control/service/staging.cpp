#include "control/service/staging.h"

#include <algorithm>
#include <array>
#include <random>

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/service/log.h"
#include "control/tuf/digest.h"
#include "control/tuf/json.h"

namespace sluice::service {
namespace {

constexpr std::uint64_t kMaxStaging = 1 << 20;
constexpr std::uint64_t kMaxId = 256;

std::string content_of(const compile::ReleaseList& list) {
  return list.full.content_sha256 + ":" + list.orders.content_sha256;
}

}  // namespace

Staging::Staging(std::filesystem::path file) : file_(std::move(file)) { load(); }

void Staging::load() {
  const auto bytes = files::read_bounded(file_, kMaxStaging);
  if (!bytes) return;
  const auto parsed = tuf::parse_strict(*bytes, file_.string());
  if (!parsed) return;
  tuf::FieldReader fields(*parsed, file_.string());
  for (const auto& [department, value] : fields.object("seen", false).items()) {
    tuf::FieldReader one(value, file_.string());
    Seen seen{.content = one.text("content")};
    const auto first = tuf::parse_time(one.text("seen"));
    const auto since = tuf::parse_time(one.text("since"));
    if (!one.good() || !first || !since) continue;
    seen.seen = *first;
    seen.since = *since;
    seen_[department] = std::move(seen);
  }
  for (const auto& [department, seq] : fields.object("obeyed", false).items()) {
    if (seq.is_number_unsigned()) obeyed_[department] = seq.get<std::uint64_t>();
  }
}

void Staging::save() {
  tuf::Json seen = tuf::Json::object();
  for (const auto& [department, one] : seen_) {
    seen[department] = {{"content", one.content},
                        {"seen", tuf::to_text(one.seen)},
                        {"since", tuf::to_text(one.since)}};
  }
  tuf::Json all = {{"seen", std::move(seen)}};
  if (!obeyed_.empty()) all["obeyed"] = obeyed_;
  // Without it lists would wait anew after a restart, which is no reason to take none.
  if (auto status = files::write_atomic(file_, json_text(all)); !status) {
    log(Level::warning, "rollout", status.error().text());
  }
}

void Staging::set_obeyed(Obeyed obeyed) {
  if (obeyed == obeyed_) return;
  obeyed_ = std::move(obeyed);
  save();
}

std::vector<Waiting> Staging::hold_back(compile::Release& next, const compile::Release& in_use,
                                        const compile::Rollout& rollout, std::chrono::hours delay,
                                        tuf::Time now) {
  std::vector<Waiting> waiting;
  std::map<std::string, Seen> seen;
  for (auto list = next.lists.begin(); list != next.lists.end();) {
    const compile::ReleaseList* mine = in_use.find(list->department);
    const std::string content = content_of(*list);
    const auto halt = rollout.halted.find(list->department);
    const bool halted = halt != rollout.halted.end() && halt->second.seq == list->seq;
    // One that runs is gone back from, as far as there is something to go back to.
    const bool runs = mine != nullptr && content_of(*mine) == content;
    if (runs || (rollout.urgent.contains(list->department) && !halted)) {
      ++list;
      continue;
    }
    const auto known = seen_.find(list->department);
    Seen one{content, now, now};
    // A clock that was set back must not make anything wait for longer.
    if (known != seen_.end()) {
      one.since = std::min(known->second.since, now);
      if (known->second.content == content) one.seen = std::min(known->second.seen, now);
    }
    const tuf::Time due = std::min(one.seen + delay, one.since + 2 * delay);
    seen[list->department] = one;
    if (due <= now && !halted) {
      ++list;
      continue;
    }
    waiting.push_back({list->department, list->seq, one.seen, due, halted,
                       halted ? halt->second.reason : std::string()});
    if (mine != nullptr) {
      *list++ = *mine;
    } else {
      list = next.lists.erase(list);
    }
  }
  const bool changed = !std::equal(
      seen.begin(), seen.end(), seen_.begin(), seen_.end(), [](const auto& a, const auto& b) {
        return a.first == b.first && a.second.content == b.second.content &&
               a.second.seen == b.second.seen && a.second.since == b.second.since;
      });
  seen_ = std::move(seen);
  if (changed) save();
  return waiting;
}

Result<std::string> appliance_id(const std::string& configured, const std::filesystem::path& file) {
  if (!configured.empty()) return configured;
  if (auto kept = files::read_bounded(file, kMaxId)) {
    while (!kept->empty() && static_cast<unsigned char>(kept->back()) <= ' ') kept->pop_back();
    if (!kept->empty()) return kept;
  }
  std::random_device random;
  std::array<std::uint8_t, 8> octets{};
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
  const std::string id = "gw-" + tuf::to_hex(octets);
  if (auto status = files::write_atomic(file, id + "\n"); !status) return fail(status.error());
  return id;
}

}  // namespace sluice::service
