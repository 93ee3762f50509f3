#include "dataplane/act/dns_answer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/act/soa_record.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/reply.h"

namespace sluice::act {
namespace {

using inspect::dns::kHeaderOctets;
using packet::checksum_add;
using packet::store16;
using packet::store32;
using packet::Sum;

constexpr std::size_t kUdpOctets = 8;
// Header (12), the longest question (259), SOA (59), OPT (11) with cookie (20) and error (6) with
// its text: 431 octets at most, which every client takes (RFC 1035 4.2.1). Nothing is ever cut.
// More than one question, which RFC 9619 forbids, may make it longer.
constexpr std::size_t kMaxErrorText = 81;
constexpr std::size_t kMaxRecords = 59 + 11 + 20 + 6 + kMaxErrorText;
constexpr std::uint16_t kOurUdpSize = 1232;
constexpr std::uint8_t kNxDomain = 3;

/// Appends to a message for which there is room, and adds up its checksum on the way, from the
/// values rather than from memory that was written just now.
class Message {
 public:
  /// Behind a header, whose octets are set once they are known.
  explicit Message(std::uint8_t* out) : out_(out), size_(kHeaderOctets) {}

  /// What stands there already.
  void keep(std::span<const std::uint8_t> bytes) { count(bytes.size(), checksum_add(0, bytes)); }
  void put(std::span<const std::uint8_t> bytes) {
    std::memcpy(&out_[size_], bytes.data(), bytes.size());
    keep(bytes);
  }
  void put(std::string_view text) {
    put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  /// Of octets whose checksum_add() is known.
  template <std::size_t kOctets>
  void put(const std::array<std::uint8_t, kOctets>& bytes, Sum sum) {
    std::memcpy(&out_[size_], bytes.data(), kOctets);
    count(kOctets, sum);
  }
  void put8(std::uint8_t value) {
    out_[size_] = value;
    count(1, Sum{value} << 8);
  }
  void put16(std::uint16_t value) {
    store16(&out_[size_], value);
    count(2, value);
  }
  void put32(std::uint32_t value) {
    store32(&out_[size_], value);
    count(4, value);
  }
  /// Where octets do not count yet, or are zeros.
  void set16(std::size_t at, std::uint16_t value) {
    store16(&out_[at], value);
    add(at, value);
  }
  void set32(std::size_t at, std::uint32_t value) {
    store32(&out_[at], value);
    add(at, value);
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Sum sum() const { return sum_; }

 private:
  void add(std::size_t at, Sum sum) { sum_ += at % 2 == 0 ? sum : packet::turned(sum); }
  void count(std::size_t octets, Sum sum) {
    add(size_, sum);
    size_ += octets;
  }

  std::uint8_t* out_;
  std::size_t size_;
  Sum sum_ = 0;
};

/// A message that was written, and its checksum_add().
struct Written {
  std::size_t octets = 0;  // 0: it does not fit
  Sum sum = 0;
};

constexpr std::uint16_t kPointer = 0xc000;

void put_address(Message& message, std::uint16_t type, std::uint32_t ttl,
                 std::span<const std::uint8_t> address) {
  message.put16(kPointer | kHeaderOctets);
  message.put16(type);
  message.put16(inspect::dns::kClassIn);
  message.put32(ttl);
  message.put16(static_cast<std::uint16_t>(address.size()));
  message.put(address);
}

// RFC 2308: the TTL and MINIMUM bound how long the answer is remembered.
void put_soa(Message& message, std::uint16_t owner, std::uint32_t ttl) {
  const std::size_t at = message.size();
  message.put(kSoa.octets, kSoa.sum);
  message.set16(at + SoaTemplate::kOwnerAt, kPointer | owner);
  message.set32(at + SoaTemplate::kTtlAt, ttl);
  message.set32(at + SoaTemplate::kMinimumAt, ttl);
}

bool is_label(std::span<const std::uint8_t> name, std::size_t offset) {
  std::size_t at = 0;
  while (at < offset) at += name[at] + 1U;
  return at == offset;
}

/// Where the name of the SOA stands in the message: QNAME's last octets, as long as a listed name's
/// labels.
std::uint16_t owner_offset(const inspect::dns::Query& query, std::size_t listed_octets) {
  const std::size_t octets = std::max<std::size_t>(query.name.size(), 1) - 1;  // but for the root
  std::size_t owner = listed_octets < octets ? octets - listed_octets : 0;
  // Of several questions, another one's name may be listed.
  if (query.question_count > 1 && !is_label(query.name, owner)) owner = 0;
  return static_cast<std::uint16_t>(kHeaderOctets + owner);
}

bool has_page(const DnsBlock& block) {
  return block.answer->dns == policy::DnsAnswer::address && block.may_have_page;
}

/// Returns the number of answer records; 0 means that a SOA was put as authority.
std::uint16_t put_records(Message& message, const inspect::dns::Query& query,
                          const DnsBlock& block) {
  const policy::BlockAnswer& answer = *block.answer;
  std::uint16_t records = 0;
  if (has_page(block)) {
    const bool any = query.type == inspect::dns::kTypeAny;
    if (answer.page_ipv4 && (any || query.type == inspect::dns::kTypeA)) {
      put_address(message, inspect::dns::kTypeA, answer.ttl_seconds, *answer.page_ipv4);
      ++records;
    }
    if (answer.page_ipv6 && (any || query.type == inspect::dns::kTypeAaaa)) {
      put_address(message, inspect::dns::kTypeAaaa, answer.ttl_seconds, *answer.page_ipv6);
      ++records;
    }
  }
  if (records == 0) {
    put_soa(message, owner_offset(query, block.listed_octets), answer.ttl_seconds);
  }
  return records;
}

using Cookie = std::array<std::uint8_t, 8>;

void put_opt(Message& message, const inspect::dns::Query& query, const Cookie& cookie,
             const DnsBlock& block) {
  message.put8(0);
  message.put16(inspect::dns::kTypeOpt);
  message.put16(kOurUdpSize);
  message.put16(0);  // extended RCODE, version 0
  message.put16(query.dnssec_ok ? 0x8000 : 0);
  const std::size_t length_at = message.size();
  message.put16(0);
  if (!query.client_cookie.empty()) {
    // A response carries both cookies (RFC 7873 5.2). The server half only has to be well formed:
    // the real server issues its own to whoever comes back with it.
    message.put16(10);
    message.put16(16);
    message.put(cookie);
    message.put(cookie);
  }
  message.put16(15);
  const std::size_t error_length_at = message.size();
  message.put16(0);
  message.put16(static_cast<std::uint16_t>(block.error));
  message.put(block.category.substr(0, kMaxErrorText - 37));
  if (block.reason == policy::Reason::budget) message.put(std::string_view("; time is used up"));
  message.put(std::string_view("; incident "));
  message.put(view(block.incident.text()));
  const std::size_t end = message.size();
  message.set16(error_length_at, static_cast<std::uint16_t>(end - error_length_at - 2));
  message.set16(length_at, static_cast<std::uint16_t>(end - length_at - 2));
}

inline Written write_message(std::span<const std::uint8_t> request,
                             const inspect::dns::Query& query, const DnsBlock& block,
                             std::span<std::uint8_t, kMaxDnsMessage> out) {
  Cookie cookie{};  // stands behind the question, where the answer may be written to
  std::copy(query.client_cookie.begin(), query.client_cookie.end(), cookie.begin());
  const std::size_t front = query.question_end;
  if (front > out.size() - kMaxRecords) return {};
  // QR, RD as asked; RA, CD as asked.
  const std::uint32_t asked = packet::load32(request.data());
  // What asks for SVCB records asks for a service of a name that is there (RFC 9462 4: NODATA).
  const bool exists = has_page(block) || query.type == inspect::dns::kTypeSvcb;
  const std::uint32_t id_and_flags = (asked & 0xffff0110U) | 0x8080U | (exists ? 0U : kNxDomain);
  if (out.data() != request.data()) std::memcpy(out.data(), request.data(), front);

  Message message(out.data());
  message.keep(request.subspan(kHeaderOctets, front - kHeaderOctets));
  const std::uint32_t answers = put_records(message, query, block);
  message.set32(0, id_and_flags);
  message.set32(4, std::uint32_t{query.question_count} << 16 | answers);
  message.set32(8, (answers == 0 ? 0x10000U : 0U) | (query.has_opt ? 1U : 0U));
  if (query.has_opt) put_opt(message, query, cookie, block);
  return {message.size(), message.sum()};
}

}  // namespace

std::size_t write_dns_message(std::span<const std::uint8_t> request,
                              const inspect::dns::Query& query, const DnsBlock& block,
                              std::span<std::uint8_t, kMaxDnsMessage> out) {
  return write_message(request, query, block, out).octets;
}

std::size_t write_udp_datagram(std::span<const std::uint8_t> original, const packet::Frame& parsed,
                               packet::Way way, std::span<const std::uint8_t> message,
                               std::uint8_t* out, std::size_t capacity) {
  const std::size_t headers = parsed.network_offset + (parsed.ipv6 ? 40U : 20U) + kUdpOctets;
  if (headers + message.size() > capacity) return 0;
  packet::write_udp_headers(original, parsed, way, message.size(), checksum_add(0, message), out);
  std::memcpy(out + headers, message.data(), message.size());
  packet::finish_layers(parsed, out, headers + message.size());
  return headers + message.size();
}

std::size_t write_dns_datagram(std::span<const std::uint8_t> original, const packet::Frame& parsed,
                               packet::Way way, std::span<const std::uint8_t> request,
                               const inspect::dns::Query& query, const DnsBlock& block,
                               std::uint8_t* out, std::size_t capacity) {
  // Behind headers of the usual length, the question stays where it is.
  const std::size_t headers = parsed.network_offset + (parsed.ipv6 ? 40U : 20U) + kUdpOctets;
  if (original.data() == out && request.data() == out + headers &&
      capacity >= headers + kMaxDnsMessage) {
    const std::span<std::uint8_t, kMaxDnsMessage> place(out + headers, kMaxDnsMessage);
    const Written written = write_message(request, query, block, place);
    if (written.octets == 0) return 0;
    if (way == packet::Way::back && packet::is_plain_ipv4(parsed)) {
      return packet::turn_udp_headers(out, parsed, written.octets, written.sum) + written.octets;
    }
    packet::write_udp_headers(original, parsed, way, written.octets, written.sum, out);
    packet::finish_layers(parsed, out, headers + written.octets);
    return headers + written.octets;
  }
  std::array<std::uint8_t, kMaxDnsMessage> message;
  const std::size_t octets = write_dns_message(request, query, block, message);
  return octets == 0
             ? 0
             : write_udp_datagram(original, parsed, way, {message.data(), octets}, out, capacity);
}

}  // namespace sluice::act
