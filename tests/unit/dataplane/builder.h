// Builds frames and messages for tests, field by field, with correct lengths and checksums unless a
// test spoils them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"

namespace sluice::test {

using Bytes = std::vector<std::uint8_t>;

inline void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
inline void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
inline void put(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }
inline void put(Bytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

inline Bytes wire_name(std::string_view name) {
  Bytes out;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    put(out, label);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out.push_back(0);
  return out;
}

struct DnsOptions {
  std::uint16_t type = 1;
  std::uint16_t klass = 1;
  std::uint16_t flags = 0x0100;
  bool opt = false;
  bool dnssec_ok = false;
  Bytes options = {};  // RDATA of the OPT
};

inline Bytes dns_query(std::string_view name, const DnsOptions& o = {}) {
  Bytes out;
  put16(out, 0x1234);
  put16(out, o.flags);
  put16(out, 1);
  put16(out, 0);
  put16(out, 0);
  put16(out, o.opt ? 1 : 0);
  put(out, wire_name(name));
  put16(out, o.type);
  put16(out, o.klass);
  if (o.opt) {
    out.push_back(0);
    put16(out, 41);
    put16(out, 1232);
    put16(out, 0);
    put16(out, o.dnssec_ok ? 0x8000 : 0);
    put16(out, static_cast<unsigned>(o.options.size()));
    put(out, o.options);
  }
  return out;
}

inline Bytes extension(unsigned type, const Bytes& data) {
  Bytes out;
  put16(out, type);
  put16(out, static_cast<unsigned>(data.size()));
  put(out, data);
  return out;
}

inline Bytes server_name(std::initializer_list<std::string_view> names) {
  Bytes list;
  for (const auto name : names) {
    list.push_back(0);
    put16(list, static_cast<unsigned>(name.size()));
    put(list, name);
  }
  Bytes data;
  put16(data, static_cast<unsigned>(list.size()));
  put(data, list);
  return extension(0, data);
}

inline Bytes client_hello(const Bytes& extensions, std::uint8_t record_minor = 1) {
  Bytes body = {3, 3};
  body.resize(2 + 32, 7);
  body.push_back(0);  // session id
  put16(body, 2);
  put16(body, 0x1301);
  body.push_back(1);
  body.push_back(0);
  if (!extensions.empty()) {
    put16(body, static_cast<unsigned>(extensions.size()));
    put(body, extensions);
  }
  Bytes out = {22, 3, record_minor};
  put16(out, static_cast<unsigned>(body.size() + 4));
  out.push_back(1);
  out.push_back(0);
  put16(out, static_cast<unsigned>(body.size()));
  put(out, body);
  return out;
}

struct FrameOptions {
  bool ipv6 = false;
  std::vector<std::pair<std::uint16_t, std::uint16_t>> vlans = {};  // type, identifier
  std::uint8_t protocol = 17;
  std::uint16_t source_port = 50000;
  std::uint16_t destination_port = 53;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledgement = 2000;
  std::uint8_t tcp_flags = 0x18;
  Bytes ip_options = {};         // IPv4, a multiple of four octets
  Bytes extension_headers = {};  // IPv6, already chained to the transport
  std::uint8_t first_extension = 0;
  std::uint16_t fragment = 0x4000;
  std::size_t padding = 0;
  std::uint8_t last_source_octet = 2;
  std::uint8_t first_destination_octet = 0;  // 0: as usual
};

inline Bytes frame(const Bytes& payload, const FrameOptions& o = {}) {
  Bytes segment;
  put16(segment, o.source_port);
  put16(segment, o.destination_port);
  if (o.protocol == 17) {
    put16(segment, static_cast<unsigned>(8 + payload.size()));
    put16(segment, 0);
  } else {
    put32(segment, o.sequence);
    put32(segment, o.acknowledgement);
    segment.push_back(0x50);
    segment.push_back(o.tcp_flags);
    put16(segment, 65535);
    put16(segment, 0);
    put16(segment, 0);
  }
  put(segment, payload);

  Bytes out = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  for (const auto& [type, id] : o.vlans) {
    put16(out, type);
    put16(out, id);
  }
  Bytes addresses;
  if (o.ipv6) {
    put16(out, 0x86dd);
    put32(out, 0x60000000);
    put16(out, static_cast<unsigned>(o.extension_headers.size() + segment.size()));
    out.push_back(o.extension_headers.empty() ? o.protocol : o.first_extension);
    out.push_back(57);
    Bytes source = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, o.last_source_octet};
    Bytes destination = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    if (o.first_destination_octet != 0) destination[0] = o.first_destination_octet;
    put(addresses, source);
    put(addresses, destination);
    put(out, addresses);
    put(out, o.extension_headers);
  } else {
    put16(out, 0x0800);
    const std::size_t start = out.size();
    out.push_back(static_cast<std::uint8_t>(0x45 + o.ip_options.size() / 4));
    out.push_back(0);
    put16(out, static_cast<unsigned>(20 + o.ip_options.size() + segment.size()));
    put16(out, 7);
    put16(out, o.fragment);
    out.push_back(63);
    out.push_back(o.protocol);
    put16(out, 0);
    addresses = {192, 0, 2, o.last_source_octet, 192, 0, 2, 1};
    if (o.first_destination_octet != 0) addresses[4] = o.first_destination_octet;
    put(out, addresses);
    put(out, o.ip_options);
    packet::store16(&out[start + 10], packet::checksum_fold(packet::checksum_add(
                                          0, {&out[start], 20 + o.ip_options.size()})));
  }
  const std::size_t checksum_at = o.protocol == 17 ? 6 : 16;
  packet::store16(&segment[checksum_at],
                  packet::transport_checksum(addresses, o.protocol, segment));
  put(out, segment);
  out.resize(out.size() + o.padding);
  return out;
}

}  // namespace sluice::test
