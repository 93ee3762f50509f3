// Connections and devices over time: what may end later on, and the minutes that it costs.
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {

using packet::Way;
using stats::Id;

void Pipeline::keep_active(const Packet& packet, flow::Admitted what) {
  const flow::Key key = key_of(packet, false);
  active_.put(key, flow::hash(key, secret_), what, now_ms_);
}

// Under a name of categories that the clock may block, or in which minutes are spent.
void Pipeline::track(Finding& finding, const generation::Answer& answer,
                     const policy::Masks& masks) {
  if (!hangs_on_policy(finding.verdict)) return;
  const Packet& packet = packets_[finding.packet];
  if ((answer.categories & masks.budgeted) != 0) {
    const auto used_up = spend(packet, finding.response, answer.categories, masks, true);
    if (used_up != 0) {
      const policy::CategoryMask why = answer.categories & snapshot_->categories_of(used_up);
      finding.verdict = {policy::Action::block, policy::Reason::budget, policy::most_severe(why)};
      return;
    }
  }
  if (finding.protocol != stats::Protocol::dns) {
    keep_active(packet, {.categories = answer.categories});
  }
}

// Budgets of any of the categories that the device has used up; where there are none, the minute is
// counted, if the frame counts.
std::uint32_t Pipeline::spend(const Packet& packet, bool from_server,
                              policy::CategoryMask categories, const policy::Masks& masks,
                              bool counts) {
  const index::Snapshot::Budgets& now = table_->budgets;
  const std::uint32_t budgets = snapshot_->budgets_of(categories & masks.budgeted) & masks.budgets;
  const auto device =
      budget::Device::of(client_of(packet, from_server), snapshot_->policy().devices_by_address);
  if (now.exhausted != nullptr) {
    if (const std::uint32_t used_up = now.exhausted->of(device) & budgets) return used_up;
  }
  if (counts &&
      !activity_.mark(device, budget::hash(device, secret_), {now.minute, now.epoch, budgets})) {
    counters_.add(Id::budget_table_full);
  }
  return 0;
}

bool Pipeline::is_cut(Packet& packet, bool from_server, std::uint64_t hash) {
  if (!active_.may_hold(hash)) return false;
  const flow::Key key = key_of(packet, from_server);
  const bool tcp = packet.frame.kind == packet::FrameKind::tcp;
  if (tcp && !from_server &&
      (packet::tcp_fields(packet.view, packet.frame).flags & packet::kTcpSyn) != 0) {
    active_.drop(key, hash);  // another connection
    return false;
  }
  const flow::Admitted* const what = active_.find(key, hash, now_ms_);
  if (what == nullptr || what->always) return false;
  const policy::Masks& masks = masks_of(packet, from_server);
  const bool counts = packet.frame.payload_length > budget::kLeastOctets;
  const bool goes_on = (what->categories & masks.blocked & masks.cut) == 0 &&
                       ((what->categories & masks.budgeted) == 0 ||
                        spend(packet, from_server, what->categories, masks, counts) == 0);
  if (goes_on) return false;
  counters_.add(Id::flow_cut);
  end_connection(packet);
  return true;
}

// A connection that is there already; a datagram's sender is not answered, for nothing tells what
// it would understand.
void Pipeline::end_connection(Packet& packet) {
  packet.fate = Fate::drop;
  if (packet.frame.kind != packet::FrameKind::tcp) return;
  const packet::TcpFields tcp = packet::tcp_fields(packet.view, packet.frame);
  if ((tcp.flags & packet::kTcpRst) != 0 || !may_refuse(packet)) return;
  packet.server_expects = tcp.sequence;
  reset(packet, Way::back);
  reset(packet, Way::onward);
}

}  // namespace sluice::pipeline
