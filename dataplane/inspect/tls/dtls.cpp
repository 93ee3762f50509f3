#include "dataplane/inspect/tls/dtls.h"

#include <algorithm>
#include <array>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::tls {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kRecordHeaderOctets = 13;
constexpr std::size_t kFragmentHeaderOctets = 12;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;

// The assembly begins with message_seq, by which fragments of another message are known; behind it
// stands the message as TLS would have it: type, length, body.
constexpr std::size_t kSequenceOctets = 2;
constexpr std::size_t kMessageHeaderOctets = 4;
constexpr std::size_t kBodyAt = kSequenceOctets + kMessageHeaderOctets;
using Key = std::array<std::uint8_t, kBodyAt>;

/// A handshake record of epoch 0. Versions count down from fe ff; DTLS 1.3 says fe fd here.
bool is_handshake_record(const std::uint8_t* record) {
  return record[0] == kHandshake && record[1] == 0xfe && (record[2] == 0xff || record[2] == 0xfd) &&
         record[3] == 0 && record[4] == 0;
}

bool has_key(const flow::Assembly& assembly, const Key& key) {
  const Bytes there = assembly.contiguous();
  return there.size() >= key.size() && std::equal(key.begin(), key.end(), there.begin());
}

void write(flow::Assembly& assembly, const Key& key, std::size_t offset, Bytes piece) {
  if (has_key(assembly, key) && assembly.write(kBodyAt + offset, piece) == flow::Written::stored) {
    return;
  }
  assembly.clear();
  (void)assembly.write(0, key);
  (void)assembly.write(kBodyAt + offset, piece);
}

/// The fragments of one record.
DtlsDefect read_fragments(Bytes record, flow::Assembly& assembly) {
  while (!record.empty()) {
    if (record.size() < kFragmentHeaderOctets) return DtlsDefect::fragment;
    const std::uint8_t* header = record.data();
    const std::size_t length = packet::load24(header + 1);
    const std::size_t offset = packet::load24(header + 6);
    const std::size_t octets = packet::load24(header + 9);
    if (octets > record.size() - kFragmentHeaderOctets || offset + octets > length) {
      return DtlsDefect::fragment;
    }
    if (header[0] != kClientHello) return DtlsDefect::not_client_hello;
    if (kBodyAt + length > assembly.capacity()) return DtlsDefect::message_too_long;
    const Key key = {header[4], header[5], header[0], header[1], header[2], header[3]};
    write(assembly, key, offset, record.subspan(kFragmentHeaderOctets, octets));
    record = record.subspan(kFragmentHeaderOctets + octets);
  }
  return DtlsDefect::none;
}

DtlsDefect read_records(Bytes datagram, flow::Assembly& assembly) {
  if (!may_be_dtls(datagram)) return DtlsDefect::not_dtls;
  while (datagram.size() >= kRecordHeaderOctets) {
    const std::size_t length = packet::load16(&datagram[11]);
    if (length > datagram.size() - kRecordHeaderOctets) return DtlsDefect::cut_record;
    if (is_handshake_record(datagram.data())) {
      const DtlsDefect defect =
          read_fragments(datagram.subspan(kRecordHeaderOctets, length), assembly);
      if (defect != DtlsDefect::none) return defect;
    }
    datagram = datagram.subspan(kRecordHeaderOctets + length);
  }
  return DtlsDefect::none;
}

}  // namespace

bool may_be_dtls(std::span<const std::uint8_t> datagram) {
  return datagram.size() >= kRecordHeaderOctets + kFragmentHeaderOctets &&
         is_handshake_record(datagram.data()) && datagram[kRecordHeaderOctets] == kClientHello;
}

Outcome parse_dtls(std::span<const std::uint8_t> datagram, flow::Assembly& assembly,
                   DtlsHello& out) {
  out = {};
  out.defect = read_records(datagram, assembly);
  if (out.defect != DtlsDefect::none) return Outcome::malformed;
  const Bytes there = assembly.contiguous();
  if (there.size() < kBodyAt) {  // only an empty record
    out.defect = DtlsDefect::not_client_hello;
    return Outcome::malformed;
  }
  const Outcome outcome = parse_handshake(there.subspan(kSequenceOctets), out.hello, true);
  if (outcome == Outcome::malformed) out.defect = DtlsDefect::client_hello;
  return outcome;
}

}  // namespace sluice::inspect::tls
