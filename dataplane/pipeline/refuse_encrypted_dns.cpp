// DNS over TLS (RFC 7858) and QUIC (RFC 9250), which are refused by their port, before any name is
// there.
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {

using packet::Way;
using stats::Id;

// A stream that is there already ends as well. Of datagrams only what asks for a QUIC connection is
// answered: for others (DNS over DTLS, a connection from before) nothing tells what would be
// understood.
bool Pipeline::refuse_encrypted_dns(Packet& packet, bool stream) {
  if (!masks_of(packet, false).refuse_encrypted_dns) return false;
  packet.fate = Fate::drop;
  counters_.add(Id::encrypted_dns_refused);
  if (!stream) {
    close_initial(packet);
    return true;
  }
  if (!may_refuse(packet)) return true;
  packet.server_expects = packet::tcp_fields(packet.view, packet.frame).sequence;
  reset(packet, Way::back);
  if ((packet::tcp_fields(packet.view, packet.frame).flags & packet::kTcpSyn) == 0) {
    reset(packet, Way::onward);
  }
  return true;
}

// Nothing of the connection has to be kept: no server ever sees one of its Initials, so that each
// holds all that its refusal needs.
void Pipeline::close_initial(const Packet& packet) {
  const auto payload = payload_of(packet);
  if (crypto_ == nullptr || snapshot_->groups().answer().quic == policy::QuicRefusal::drop) return;
  if (!inspect::quic::may_be_initial(payload) || !may_refuse(packet)) return;
  expect_initials(packet);
  inspect::quic::Connection connection;
  inspect::quic::InitialReader reader(payload, *crypto_, connection);
  inspect::quic::Opened opened;
  if (reader.next(opened)) close_quic(packet, connection);
}

}  // namespace sluice::pipeline
