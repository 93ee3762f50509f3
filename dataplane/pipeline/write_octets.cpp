// A stream's octets into its readings. Where copies of the same octets differ, which of them the
// server took is not known: a decoy may have a low TTL, or another checksum. So there is a reading
// for every choice of copies.
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

bool is_read(const flow::Flow& flow, const flow::Reading& of, std::uint32_t at,
             std::span<const std::uint8_t> octets) {
  return std::any_of(flow.readings.begin(), flow.readings.begin() + flow.reading_count,
                     [&](const flow::Reading& one) {
                       return one.stream == of.stream &&
                              one.assembly.is_other_with(of.assembly, at, octets);
                     });
}

}  // namespace

// False where the octets are not to be read: the packet is withheld, or there is no room.
bool Pipeline::write_octets(Packet& packet, flow::Flow& flow, std::uint8_t stream, std::uint32_t at,
                            std::span<const std::uint8_t> octets) {
  const auto need =
      static_cast<std::uint32_t>(std::min<std::size_t>(flow::kLargeOctets, at + octets.size()));
  const auto no_room = [&] {
    give_up(flow);
    in_doubt(packet, Id::flow_table_full);
    return false;
  };
  const unsigned count = flow.reading_count;
  bool first = true;
  for (unsigned i = 0; i < count; ++i) {
    flow::Reading& reading = flow.readings[i];
    if (reading.stream != stream) continue;
    first = false;
    // Of what is settled, only other copies matter.
    if (reading.wanted != flow::kSettled && !flows_.grow(flow, reading, need, now_ms_)) {
      return no_room();
    }
  }
  if (first) {
    if (count == flow::kMaxReadings) return too_many_copies(packet);
    flow::Reading* reading = flows_.add_reading(flow, stream, need, now_ms_);
    if (reading == nullptr) return no_room();
    (void)reading->assembly.write(at, octets);
  }
  flows_.touch(flow, now_ms_);
  for (unsigned i = 0; i < count; ++i) {
    flow::Reading& reading = flow.readings[i];
    if (reading.stream != stream) continue;
    if (reading.assembly.conflicts(at, octets) && !is_read(flow, reading, at, octets)) {
      if (flow.reading_count == flow::kMaxReadings) return too_many_copies(packet);
      counters_.add(Id::flow_conflict);
      flow::Reading* copy = flows_.add_copy(flow, reading, now_ms_);
      if (copy == nullptr) return no_room();
      copy->assembly.replace(at, octets);
      read_again(flow, *copy);
    }
    (void)reading.assembly.write(at, octets);
  }
  return true;
}

// No sender that means one of them sends so many.
bool Pipeline::too_many_copies(Packet& packet) {
  packet.fate = Fate::drop;
  counters_.add(Id::flow_conflict_again);
  return false;
}

}  // namespace sluice::pipeline
