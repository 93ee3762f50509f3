// A stream's octets into its readings, the first copy of each and the last.
#include <algorithm>

#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

using stats::Id;

/// Octets that were read are others now: the reading begins anew.
void read_again(const flow::Flow& flow, flow::Reading& reading) {
  reading.kind = flow.base_kind;
  reading.start = 0;
  reading.wanted = 0;
  reading.names_judged = 0;
}

}  // namespace

// False where the octets are not to be read: the packet is withheld, or there is no room.
bool Pipeline::write_octets(Packet& packet, flow::Flow& flow, unsigned first, std::uint32_t at,
                            std::span<const std::uint8_t> octets) {
  const auto need =
      static_cast<std::uint32_t>(std::min<std::size_t>(flow::kLargeOctets, at + octets.size()));
  const unsigned second = first + 1;
  auto& readings = flow.readings;
  for (unsigned i = first; i <= second; ++i) {
    // Of what is settled, only other copies matter.
    if (i == second ? !readings[i].is_there() : readings[i].wanted == flow::kSettled) continue;
    if (flows_.reserve(flow, i, need, now_ms_)) continue;
    give_up(flow);
    in_doubt(packet, Id::flow_table_full);
    return false;
  }
  flows_.touch(flow, now_ms_);
  if (readings[second].is_there() &&
      readings[second].assembly.changes_again(at, octets, readings[first].assembly)) {
    // Two versions are read, and no sender that means one of them sends a third.
    packet.fate = Fate::drop;
    counters_.add(Id::flow_conflict_again);
    return false;
  }
  const flow::Written written = readings[first].assembly.write(at, octets);
  if (written == flow::Written::conflict && !readings[second].is_there()) {
    counters_.add(Id::flow_conflict);
    if (!flows_.reserve(flow, second, need, now_ms_)) {
      in_doubt(packet, Id::flow_table_full);
      return false;
    }
    readings[second].assembly.keep_last_copy();
  }
  if (readings[second].is_there() &&
      readings[second].assembly.write(at, octets) == flow::Written::conflict) {
    read_again(flow, readings[second]);
  }
  return true;
}

}  // namespace sluice::pipeline
