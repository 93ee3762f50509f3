// Frames of ARP and Neighbor Discovery, field by field.
#pragma once

#include <array>

#include "config/policy/policy.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::test {

using Mac = policy::Mac;
using Address = std::array<std::uint8_t, 16>;

inline Address ip(std::string_view text) { return policy::parse_prefix(text).value().address; }
inline Mac mac(std::uint8_t last) { return {2, 0, 0, 0, 0, last}; }

struct EthernetOptions {
  Mac source = mac(2);
  std::vector<std::uint16_t> vlans = {};
};

inline Bytes ethernet(unsigned type, const Bytes& payload, const EthernetOptions& o = {}) {
  Bytes out(6, 0xff);
  out.insert(out.end(), o.source.begin(), o.source.end());
  for (const std::uint16_t vlan : o.vlans) {
    put16(out, 0x8100);
    put16(out, vlan);
  }
  put16(out, type);
  put(out, payload);
  return out;
}

struct ArpOptions {
  unsigned operation = 1;
  Mac sender = mac(2);
  EthernetOptions ethernet = {};
};

/// `sender` and `target`: IPv4 addresses.
inline Bytes arp(std::string_view sender, std::string_view target, const ArpOptions& o = {}) {
  Bytes out;
  for (const unsigned field : {1U, 0x0800U, 0x0604U, o.operation}) put16(out, field);
  out.insert(out.end(), o.sender.begin(), o.sender.end());
  const Address from = ip(sender);
  const Address to = ip(target);
  out.insert(out.end(), from.begin(), from.begin() + 4);
  out.insert(out.end(), 6, 0);
  out.insert(out.end(), to.begin(), to.begin() + 4);
  return ethernet(0x0806, out, o.ethernet);
}

struct NdOptions {
  std::uint8_t type = 136;
  std::uint8_t hop_limit = 255;
  std::uint8_t code = 0;
  std::uint8_t option = 2;  // 0: none
  Mac link_layer = mac(2);
  unsigned spoil = 0;  // added to the checksum
  EthernetOptions ethernet = {};
};

inline Bytes neighbour_discovery(std::string_view source, std::string_view target,
                                 const NdOptions& o = {}) {
  Bytes message = {o.type, o.code, 0, 0, 0, 0, 0, 0};
  if (o.type != 133) {
    const Address to = ip(target);
    message.insert(message.end(), to.begin(), to.end());
  }
  if (o.option != 0) {
    message.insert(message.end(), {o.option, 1});
    message.insert(message.end(), o.link_layer.begin(), o.link_layer.end());
  }
  Bytes header = {0x60, 0, 0, 0};
  put16(header, static_cast<unsigned>(message.size()));
  header.insert(header.end(), {58, o.hop_limit});
  for (const Address& one : {ip(source), ip("ff02::1")}) {
    header.insert(header.end(), one.begin(), one.end());
  }
  const unsigned sum =
      packet::transport_checksum(std::span(header).subspan(8), 58, message) + o.spoil;
  message[2] = static_cast<std::uint8_t>(sum >> 8);
  message[3] = static_cast<std::uint8_t>(sum);
  put(header, message);
  return ethernet(0x86dd, header, o.ethernet);
}

}  // namespace sluice::test
