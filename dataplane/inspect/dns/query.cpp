#include "dataplane/inspect/dns/query.h"

#include <algorithm>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {
namespace {

using packet::load16;

constexpr std::size_t kMaxNameOctets = 255;
constexpr std::size_t kRecordFixedOctets = 10;  // TYPE, CLASS, TTL, RDLENGTH
constexpr std::uint16_t kOptionCookie = 10;
constexpr std::uint16_t kMinUdpSize = 512;

// Walks an uncompressed name from `at`; sets `end` behind the root label.
Defect walk_question_name(std::span<const std::uint8_t> message, std::size_t at, std::size_t& end) {
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
  end = at;
  return Defect::none;
}

// Skips a record's owner name: its content does not matter, so pointers are not followed.
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

void read_options(std::span<const std::uint8_t> data, Query& out) {
  while (data.size() >= 4) {
    const std::size_t length = load16(&data[2]);
    if (length > data.size() - 4) return;  // a broken option harms only what is echoed
    if (load16(data.data()) == kOptionCookie && length >= 8) out.client_cookie = data.subspan(4, 8);
    data = data.subspan(4 + length);
  }
}

Defect walk_records(std::span<const std::uint8_t> message, std::size_t at, Query& out) {
  const unsigned before = load16(&message[6]) + load16(&message[8]);
  const unsigned records = before + load16(&message[10]);
  for (unsigned i = 0; i < records; ++i) {
    if (!skip_owner_name(message, at)) return Defect::cut_record;
    if (message.size() - at < kRecordFixedOctets) return Defect::cut_record;
    const std::uint8_t* record = &message[at];
    const std::size_t length = load16(record + 8);
    at += kRecordFixedOctets;
    if (length > message.size() - at) return Defect::cut_record;
    if (i >= before && load16(record) == kTypeOpt) {
      if (out.has_opt) return Defect::duplicate_opt;
      out.has_opt = true;
      out.udp_size = std::max(kMinUdpSize, load16(record + 2));
      out.dnssec_ok = (record[6] & 0x80) != 0;
      read_options(message.subspan(at, length), out);
    }
    at += length;
  }
  return Defect::none;
}

}  // namespace

Outcome parse_query(std::span<const std::uint8_t> message, Query& out) {
  out = {};
  const auto refuse = [&out](Defect defect) {
    out.defect = defect;
    return Outcome::malformed;
  };
  if (message.size() < kHeaderOctets) return refuse(Defect::short_header);
  // A response, or any opcode but QUERY: not a question that is asked here.
  if ((message[2] & 0xf8) != 0) return Outcome::no_name;
  if (load16(&message[4]) != 1) return refuse(Defect::question_count);

  std::size_t end = 0;
  if (const Defect defect = walk_question_name(message, kHeaderOctets, end);
      defect != Defect::none) {
    return refuse(defect);
  }
  if (message.size() - end < 4) return refuse(Defect::cut_question);
  out.name = message.subspan(kHeaderOctets, end - kHeaderOctets);
  out.type = load16(&message[end]);
  const std::uint16_t query_class = load16(&message[end + 2]);
  out.question_end = static_cast<std::uint16_t>(end + 4);
  if (const Defect defect = walk_records(message, out.question_end, out); defect != Defect::none) {
    return refuse(defect);
  }
  if (query_class != kClassIn && query_class != kClassAny) return Outcome::no_name;
  return out.name.size() > 1 ? Outcome::found : Outcome::no_name;
}

}  // namespace sluice::inspect::dns
