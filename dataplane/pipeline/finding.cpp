// What the inspectors' results become: findings to be looked up, or doubts.
#include <cstring>
#include <memory>

#include "dataplane/inspect/dns/response.h"
#include "dataplane/inspect/http/authority.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {

using stats::Id;
using stats::Protocol;

// A host name as text; false where it is none, which is counted.
bool Pipeline::find_text(Packet& packet, Protocol protocol, std::string_view text) {
  if (!read_text(packet, add_finding(packet, protocol), text)) return false;
  begin_look_up();
  return true;
}

bool Pipeline::read_text(Packet& packet, Finding& finding, std::string_view text) {
  const Protocol protocol = finding.protocol;
  // Mostly it is nothing but a host name.
  if (name::fold_text(text, names_[found_ - 1]) == name::Defect::none) return true;
  // Some servers take a server name up to its colon, as they do with Host (nginx).
  const bool whole = protocol == Protocol::http || text.find('@') != std::string_view::npos;
  const std::string_view host = whole ? text : inspect::http::host_of(text);
  const name::Defect defect = name::fold_text(host, names_[found_ - 1]);
  if (defect == name::Defect::none) return true;
  const bool odd = defect != name::Defect::ip_literal && defect != name::Defect::too_long &&
                   name::fold_odd_text(host, names_[found_ - 1]);
  if (odd) {
    finding.odd = true;
  } else {
    drop_last_finding();
  }
  // An address is no name, and no doubt either: connections to addresses are not judged.
  if (defect == name::Defect::ip_literal) {
    counters_.add(protocol == Protocol::http ? Id::http_ip_literal : Id::tls_ip_literal);
  } else {
    in_doubt(packet, protocol == Protocol::http ? Id::http_bad_name : Id::tls_bad_name);
  }
  return odd;
}

Ech Pipeline::ech_of(const inspect::tls::ClientHello& hello) {
  if (!hello.ech.offered) return Ech::none;
  for (std::size_t i = 0; i < hello.name_count; ++i) {
    if (ech_.has(hello.ech.config_id, hello.names[i])) return Ech::real;
  }
  return Ech::grease;
}

// The names from `from` on; returns how many there are by now.
std::uint8_t Pipeline::find_hello(Packet& packet, Protocol protocol,
                                  const inspect::tls::ClientHello& hello, std::uint8_t from) {
  const Ech ech = ech_of(hello);
  for (std::size_t i = from; i < hello.name_count; ++i) {
    if (find_text(packet, protocol, hello.names[i])) findings_[found_ - 1].ech = ech;
  }
  if (hello.complete && ech != Ech::none) {
    counters_.add(ech == Ech::real ? Id::ech_real : Id::ech_grease);
  }
  if (hello.defect != inspect::tls::Defect::none && hello.name_count > 0) {
    counters_.add(Id::tls_cut_in_flight);
  }
  return static_cast<std::uint8_t>(hello.name_count);
}

// Of octets that do not stay; null where there is no room.
Asked* Pipeline::keep_copy(Packet& packet, std::span<const std::uint8_t> message) {
  if (message.size() > messages_.size() - messages_used_) {
    in_doubt(packet, Id::burst_full);
    return nullptr;
  }
  std::memcpy(&messages_[messages_used_], message.data(), message.size());
  Asked& asked = keep_message({&messages_[messages_used_], message.size()});
  messages_used_ += message.size();
  return &asked;
}

// What cannot be judged passes, or is refused where the group's policy says so.
void Pipeline::in_doubt(Packet& packet, Id reason) {
  counters_.add(reason);
  if (!packet.judge || packet.fate != Fate::forward) return;
  if (!masks_of(packet, false).strict) return;
  packet.fate = Fate::drop;
  if (packet.frame.kind != packet::FrameKind::tcp || !may_refuse(packet)) return;
  reset(packet, packet::Way::back);
  reset(packet, packet::Way::onward);
}

}  // namespace sluice::pipeline
