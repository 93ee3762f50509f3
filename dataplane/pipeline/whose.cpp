// Verdicts where it matters whose a name is, for groups' policies differ, or which name it is, and
// not only what is listed of it.
//
// Thread safety: the pipeline's.
#include <array>
#include <cstring>
#include <span>

#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

/// The client's MAC address as Claims::find_mac() takes it.
std::uint64_t mac_of(const Packet& packet, bool response) {
  std::uint64_t octets;  // two more than it has, which are the header's
  std::memcpy(&octets, &packet.view[packet.frame.link_offset + (response ? 0U : 6U)],
              sizeof octets);
  return octets << 16 >> 16;
}

/// And its address, as Claims::find_ipv4() does.
std::uint32_t ipv4_of(const Packet& packet, bool response) {
  std::uint32_t octets;
  std::memcpy(&octets, &packet.view[packet.frame.network_offset + (response ? 16U : 12U)],
              sizeof octets);
  return octets;
}

}  // namespace

std::uint16_t Pipeline::group_of_device(const Packet& packet, bool response) const {
  const policy::GroupTable& groups = snapshot_->groups();
  if (groups.any_device_mode()) [[unlikely]] {
    return groups.find(client_of(packet, response), masks_);
  }
  if (const auto group = groups.claims().find_mac(mac_of(packet, response))) return group;
  return group_behind_mac(packet, response);
}

// By what else its frame says, where nobody claims its MAC address.
std::uint16_t Pipeline::group_behind_mac(const Packet& packet, bool response) const {
  return snapshot_->groups().claims().find_behind_mac(client_of(packet, response)).group;
}

bool Pipeline::claims_curated(const Packet& packet, bool response) const {
  const policy::Claims& claims = *table_->curated_claims;
  if (claims.any_mac() && claims.find_mac(mac_of(packet, response)) != 0) return true;
  if (claims.only_macs()) return false;
  if (packet.frame.ipv6 || table_->neighbours != nullptr || claims.any_placed()) {
    return claims.find_behind_mac(client_of(packet, response)).group != 0;
  }
  if (claims.find_ipv4(ipv4_of(packet, response)) != 0) return true;
  const policy::VlanMatch vlans{packet.frame.outer_vlan, packet.frame.inner_vlan};
  return claims.find_place(vlans, packet.port).group != 0;
}

// Of these names before the first verdict: what is read for them is fetched meanwhile.
[[gnu::always_inline]] inline void Pipeline::find_groups(std::span<const std::uint16_t> asked) {
  const policy::GroupTable& groups = snapshot_->groups();
  const policy::Claims& claims = groups.claims();
  const bool all = table_->any_curated;
  const bool claims_tell = !claims.empty() && !groups.any_device_mode();
  const bool any_mac = claims.any_mac();
  // An IPv4 address counts as it is.
  const bool plainly = table_->neighbours == nullptr && !claims.any_placed();
  const auto by_claims = [&](const Packet& packet, bool response) -> std::uint16_t {
    if (any_mac) {
      if (const auto group = claims.find_mac(mac_of(packet, response))) return group;
    }
    const packet::Frame& frame = packet.frame;
    if (!plainly || frame.ipv6) return group_behind_mac(packet, response);
    if (const auto group = claims.find_ipv4(ipv4_of(packet, response))) return group;
    return claims.find_place({frame.outer_vlan, frame.inner_vlan}, packet.port).group;
  };
  for (const std::uint16_t i : asked) {
    if (!all && answers_[i].categories == 0) continue;  // whose the name is makes no difference
    Finding& finding = findings_[i];
    const Packet& packet = packets_[finding.packet];
    const std::uint16_t group =
        claims_tell ? by_claims(packet, finding.response) : group_of(packet, finding.response);
    finding.group = group;
    __builtin_prefetch(&masks_[group]);
  }
}

[[gnu::always_inline]] inline void Pipeline::decide_of_group(Finding& finding,
                                                             const generation::Answer& answer,
                                                             const name::FoldedName& name) {
  const policy::Masks& masks = masks_[finding.group];
  if (masks.curated) [[unlikely]]
    return decide_by_lists(finding, answer, name);
  finding.verdict = policy::decide(answer, masks.blocked, masks.watched);
  if ((answer.categories & (masks.cut | masks.budgeted)) != 0) track(finding, answer, masks);
}

// Of a name that was asked about by nobody, the verdict stays what a Finding begins with.
void Pipeline::decide_whose(bool count) {
  const policy::SafeSearchNames* const engines =
      table_->any_safe_search ? &snapshot_->safe_search() : nullptr;
  const bool all = table_->any_curated;
  std::array<std::uint16_t, kMaxFindings> asked;
  std::size_t asked_count = 0;
  for (std::size_t i = 0; i < found_; ++i) {
    const bool listed =
        answers_[i].matched_labels != 0 ||
        (all && may_be_curated(packets_[findings_[i].packet], findings_[i].response));
    if (!listed && (engines == nullptr || !engines->may_hold(names_[i]))) continue;
    asked[asked_count++] = static_cast<std::uint16_t>(i);
  }
  find_groups({asked.data(), asked_count});
  std::uint64_t passed = found_ - asked_count;
  std::uint64_t blocked = 0;
  for (std::size_t at = 0; at < asked_count; ++at) {
    const std::size_t i = asked[at];
    Finding& finding = findings_[i];
    const generation::Answer& answer = answers_[i];
    finding.listed_labels = answer.matched_labels;
    if (finding.group != kNoGroup) {
      decide_of_group(finding, answer, names_[i]);
    } else {
      finding.verdict = policy::decide(answer, 0, 0);
    }
    if (finding.verdict.action == policy::Action::block) {
      ++blocked;
      continue;
    }
    if (engines != nullptr && engines->may_hold(names_[i])) [[unlikely]] {
      decide_safe_search(finding, names_[i]);
    }
    if (finding.verdict.action == policy::Action::pass) {
      ++passed;
    } else if (count) {
      count_verdict(finding);
    }
  }
  if (!count) return;
  counters_.add(stats::Id::verdict_pass, passed);
  counters_.add(stats::Id::verdict_block, blocked);
}

// Of a group that may reach only what is on its lists.
void Pipeline::decide_by_lists(Finding& finding, const generation::Answer& answer,
                               const name::FoldedName& name) {
  const policy::Masks& masks = masks_[finding.group];
  // What an answer leads to is nobody's choice but the server's: only the name that was asked for
  // has to be on a list.
  const bool by_lists = !finding.led_to;
  const std::uint64_t lists = by_lists ? snapshot_->curated().lists_of(name::LookupName(name)) : 0;
  finding.verdict = by_lists ? policy::decide(answer, masks, lists)
                             : policy::decide(answer, masks.blocked, masks.watched);
  if ((answer.categories & (masks.cut | masks.budgeted)) != 0) track(finding, answer, masks);
  if (finding.verdict.action == policy::Action::block || finding.response) return;
  const bool datagram = finding.protocol == stats::Protocol::dns &&
                        packets_[finding.packet].frame.kind != packet::FrameKind::tcp;
  if (datagram || !masks.refuse_unnamed) return;
  keep_active(packets_[finding.packet], {.categories = answer.categories,
                                         .lists = lists,
                                         .order = snapshot_->curated().order(),
                                         .always = !hangs_on_policy(finding.verdict)});
}

}  // namespace sluice::pipeline
