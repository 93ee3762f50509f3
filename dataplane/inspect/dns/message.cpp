#include "dataplane/inspect/dns/message.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {
namespace {

using packet::load16;

constexpr std::size_t kMaxNameOctets = 255;
constexpr std::size_t kRecordFixedOctets = 10;  // TYPE, CLASS, TTL, RDLENGTH
constexpr std::uint16_t kOptionCookie = 10;
constexpr std::uint16_t kMinUdpSize = 512;
constexpr unsigned kMaxHops = 16;

bool skip_owner_name(std::span<const std::uint8_t> message, std::size_t& at) {
  while (at < message.size()) {
    const std::uint8_t length = message[at];
    if ((length & 0xc0) == 0xc0) {
      at += 2;
      return at <= message.size();
    }
    if ((length & 0xc0) != 0) return false;
    at += 1U + length;
    if (length == 0) return at <= message.size();
  }
  return false;
}

void read_options(std::span<const std::uint8_t> data, Edns& out) {
  while (data.size() >= 4) {
    const std::size_t length = load16(&data[2]);
    if (length > data.size() - 4) return;  // a broken option harms only what is echoed
    if (load16(data.data()) == kOptionCookie && length >= 8) out.client_cookie = data.subspan(4, 8);
    data = data.subspan(4 + length);
  }
}

}  // namespace

Defect read_question_name(std::span<const std::uint8_t> message, std::size_t& at,
                          std::span<const std::uint8_t>& name) {
  const std::size_t start = at;
  for (;;) {
    if (at >= message.size()) return Defect::cut_question;
    const std::uint8_t length = message[at];
    if ((length & 0xc0) == 0xc0) return Defect::pointer;
    if ((length & 0xc0) != 0) return Defect::label_type;
    at += 1U + length;
    if (at - start > kMaxNameOctets) return Defect::name_too_long;
    if (length == 0) break;
  }
  name = message.subspan(start, at - start);
  return Defect::none;
}

Defect read_record(std::span<const std::uint8_t> message, std::size_t& at, Record& record) {
  record.owner = at;
  if (!skip_owner_name(message, at)) return Defect::cut_record;
  if (message.size() - at < kRecordFixedOctets) return Defect::cut_record;
  const std::uint8_t* fixed = &message[at];
  record.type = load16(fixed);
  record.klass = load16(fixed + 2);
  record.flags = load16(fixed + 6);
  record.length = load16(fixed + 8);
  record.data = at + kRecordFixedOctets;
  if (record.length > message.size() - record.data) return Defect::cut_record;
  at = record.data + record.length;
  return Defect::none;
}

Defect read_opt(std::span<const std::uint8_t> message, const Record& record, Edns& out) {
  if (record.type != kTypeOpt) return Defect::none;
  if (out.has_opt) return Defect::duplicate_opt;
  out.has_opt = true;
  out.udp_size = std::max(kMinUdpSize, record.klass);
  out.dnssec_ok = (record.flags & 0x8000) != 0;
  read_options(message.subspan(record.data, record.length), out);
  return Defect::none;
}

Defect expand_name(std::span<const std::uint8_t> message, std::size_t at,
                   std::span<std::uint8_t> scratch, std::span<const std::uint8_t>& name,
                   std::size_t& end) {
  const std::size_t bound = std::min(scratch.size(), kMaxNameOctets);
  std::size_t size = 0;
  unsigned hops = 0;
  for (;;) {
    if (at >= message.size()) return Defect::cut_record;
    const std::uint8_t length = message[at];
    if ((length & 0xc0) == 0xc0) {
      if (message.size() - at < 2) return Defect::cut_record;
      if (hops == 0) end = at + 2;
      const std::size_t target = load16(&message[at]) & 0x3fffU;
      if (target >= message.size() || ++hops > kMaxHops) return Defect::pointer;
      at = target;
      continue;
    }
    if ((length & 0xc0) != 0) return Defect::label_type;
    const std::size_t octets = 1U + length;
    if (octets > message.size() - at) return Defect::cut_record;
    if (octets > bound - size) return Defect::name_too_long;
    std::memcpy(&scratch[size], &message[at], octets);
    size += octets;
    at += octets;
    if (length == 0) break;
  }
  if (hops == 0) end = at;
  name = scratch.first(size);
  return Defect::none;
}

bool is_same_name(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  // Length octets are below 64, so that folding letters leaves them alone.
  const auto lower = [](std::uint8_t c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](std::uint8_t x, std::uint8_t y) { return lower(x) == lower(y); });
}

}  // namespace sluice::inspect::dns
