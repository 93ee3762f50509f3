// Which addresses are one device's: seen here, made something of by the control thread
// (neighbour/book.h), and used where a policy is looked for. Where no policy names an address
// alone, nothing of it happens.
#include "dataplane/inspect/neighbour.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {

using inspect::NeighbourClaim;
using stats::Id;

void Pipeline::note_sighting(const policy::Client& client, neighbour::Seen seen) {
  if (!sightings_.push({neighbour::Place::of(client), seen})) counters_.add(Id::neighbours_lost);
}

void Pipeline::read_claim(const Packet& packet) {
  if (packet.pieced) return;  // RFC 6980 section 5: no receiver may act on one that is in fragments
  const NeighbourClaim claim = inspect::read_neighbour(packet.view);
  if (claim.kind == NeighbourClaim::Kind::none) return;
  counters_.add(Id::neighbour_claims);
  note_sighting(
      {.mac = claim.mac,
       .has_ip = true,
       .ipv6 = claim.ipv6,
       .address = claim.address,
       .outer_vlan = claim.outer_vlan,
       .inner_vlan = claim.inner_vlan,
       .port = packet.port},
      claim.kind == NeighbourClaim::Kind::claim ? neighbour::Seen::claim : neighbour::Seen::probe);
}

// Of one burst from outside every few milliseconds, to which named addresses frames go: often
// enough to tell that somebody is there. What comes from an address tells nothing: anybody may
// write it.
void Pipeline::sample_uses() {
  const policy::GroupTable& groups = snapshot_->groups();
  for (const Packet& packet : packets_) {
    if (!packet.answers) continue;
    sampled_ms_ = now_ms_;
    const packet::FrameKind kind = packet.frame.kind;
    const bool plain = kind == packet::FrameKind::udp || kind == packet::FrameKind::tcp;
    if (!plain || packet.pieced || packet.frame.tunnelled()) continue;
    const policy::Client client = sender_of(packet, true);
    if ((client.mac[0] & 1) != 0) continue;  // to a group of stations
    if (groups.names_host(client)) note_sighting(client, neighbour::Seen::use);
  }
}

void Pipeline::stand_in(policy::Client& client) const {
  (void)table_->neighbours->stand_in(client);
}

}  // namespace sluice::pipeline
