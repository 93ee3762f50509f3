#include "dataplane/act/dns_answer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/reply.h"

namespace sluice::act {
namespace {

using inspect::dns::kHeaderOctets;
using packet::store16;
using packet::store32;

constexpr std::size_t kUdpOctets = 8;
// Header (12), the longest question (259), SOA (59), OPT (11) with cookie (20) and error (6) with
// its text: 431 octets at most, which every client takes (RFC 1035 4.2.1). Nothing is ever cut.
// More than one question, which RFC 9619 forbids, may make it longer.
constexpr std::size_t kMaxErrorText = 64;
constexpr std::uint16_t kOurUdpSize = 1232;
constexpr std::uint8_t kNxDomain = 3;

/// Appends to a message of bounded size; the bound is a programming error to reach, so appends past
/// it are dropped and good() tells.
class Message {
 public:
  /// `size` octets of it are there.
  Message(std::span<std::uint8_t> out, std::size_t size) : out_(out), size_(size) {}

  void put(std::span<const std::uint8_t> bytes) {
    if (bytes.size() > out_.size() - size_) {
      good_ = false;
      return;
    }
    std::memcpy(&out_[size_], bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void put(std::string_view text) {
    put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void put8(std::uint8_t value) { put({&value, 1}); }
  void put16(std::uint16_t value) {
    std::array<std::uint8_t, 2> bytes;
    store16(bytes.data(), value);
    put(bytes);
  }
  void put32(std::uint32_t value) {
    std::array<std::uint8_t, 4> bytes;
    store32(bytes.data(), value);
    put(bytes);
  }
  void set16(std::size_t at, std::size_t value) {
    store16(&out_[at], static_cast<std::uint16_t>(value));
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  bool good_ = true;
};

constexpr std::uint16_t kPointer = 0xc000;

/// The offset, within the message, of the suffix of `labels` labels of QNAME.
std::uint16_t suffix_offset(std::span<const std::uint8_t> name, unsigned labels) {
  unsigned total = 0;
  for (std::size_t at = 0; name[at] != 0; at += name[at] + 1U) ++total;
  std::size_t at = 0;
  for (unsigned skip = total > labels ? total - labels : 0; skip > 0; --skip) at += name[at] + 1U;
  return static_cast<std::uint16_t>(kHeaderOctets + at);
}

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
  using namespace std::string_view_literals;
  constexpr std::size_t kOwnerAt = 0;
  constexpr std::size_t kTtlAt = 6;
  // MNAME: no server to ask (RFC 6761 6.3); RNAME: no mailbox (RFC 6761 6.4); SERIAL 1, REFRESH
  // 3,600, RETRY 600, EXPIRE 86,400.
  constexpr std::string_view kRecord =
      "\0\0" "\0\6" "\0\1" "\0\0\0\0" "\0\x2f"
      "\x09localhost\0" "\x06nobody\x07invalid\0"
      "\0\0\0\x01" "\0\0\x0e\x10" "\0\0\x02\x58" "\0\x01\x51\x80" "\0\0\0\0"sv;
  static_assert(kRecord.size() == 12 + 0x2f);
  std::array<char, kRecord.size()> record;
  std::memcpy(record.data(), kRecord.data(), kRecord.size());
  auto* const octets = reinterpret_cast<std::uint8_t*>(record.data());
  store16(octets + kOwnerAt, kPointer | owner);
  store32(octets + kTtlAt, ttl);
  store32(octets + kRecord.size() - 4, ttl);
  message.put(std::string_view(record.data(), record.size()));
}

/// Returns the number of answer records; 0 means that a SOA was put as authority.
std::uint16_t put_records(Message& message, const inspect::dns::Query& query,
                          const DnsBlock& block) {
  const policy::BlockAnswer& answer = *block.answer;
  std::uint16_t records = 0;
  if (answer.dns == policy::DnsAnswer::address) {
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
    put_soa(message, suffix_offset(query.name, block.listed_labels), answer.ttl_seconds);
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
  message.put(block.category.substr(0, kMaxErrorText - 20));
  message.put(std::string_view("; incident "));
  message.put(block.incident.view());
  message.set16(error_length_at, message.size() - error_length_at - 2);
  message.set16(length_at, message.size() - length_at - 2);
}

}  // namespace

std::size_t write_dns_message(std::span<const std::uint8_t> request,
                              const inspect::dns::Query& query, const DnsBlock& block,
                              std::span<std::uint8_t, kMaxDnsMessage> out) {
  Cookie cookie{};  // stands behind the question, where the answer may be written to
  std::copy(query.client_cookie.begin(), query.client_cookie.end(), cookie.begin());
  const std::array<std::uint8_t, 2> flags = {request[2], request[3]};
  if (query.question_end > out.size()) return 0;
  if (out.data() != request.data()) std::memcpy(out.data(), request.data(), query.question_end);
  Message message(out, query.question_end);
  const std::uint16_t answers = put_records(message, query, block);
  const bool exists = block.answer->dns == policy::DnsAnswer::address;
  if (!message.good()) return 0;

  out[2] = static_cast<std::uint8_t>(0x80 | (flags[0] & 0x01));  // QR, RD as asked
  out[3] = static_cast<std::uint8_t>(0x80 | (flags[1] & 0x10) | (exists ? 0 : kNxDomain));
  message.set16(4, query.question_count);
  message.set16(6, answers);
  message.set16(8, answers == 0 ? 1 : 0);
  message.set16(10, query.has_opt ? 1 : 0);
  if (query.has_opt) put_opt(message, query, cookie, block);
  return message.good() ? message.size() : 0;
}

std::size_t write_udp_datagram(std::span<const std::uint8_t> original, const packet::Frame& parsed,
                               packet::Way way, std::span<const std::uint8_t> message,
                               std::uint8_t* out, std::size_t capacity) {
  const std::size_t network_octets = parsed.ipv6 ? 40 : 20;
  if (parsed.network_offset + network_octets + kUdpOctets + message.size() > capacity) return 0;
  std::array<std::uint8_t, 4> ports;  // read before the headers move over them
  std::memcpy(ports.data(), &original[parsed.transport_offset], ports.size());
  const packet::ReplyHeaders headers =
      packet::write_headers(original, parsed, way, packet::kProtocolUdp, out);
  std::uint8_t* udp = out + headers.transport_offset;
  const bool back = way == packet::Way::back;
  std::memcpy(udp, &ports[back ? 2 : 0], 2);
  std::memcpy(udp + 2, &ports[back ? 0 : 2], 2);
  const std::size_t segment = kUdpOctets + message.size();
  store16(udp + 4, static_cast<std::uint16_t>(segment));
  if (message.data() != udp + kUdpOctets) {
    std::memcpy(udp + kUdpOctets, message.data(), message.size());
  }
  return packet::finish_headers(headers, parsed, out, segment, 6);
}

std::size_t write_dns_datagram(std::span<const std::uint8_t> original, const packet::Frame& parsed,
                               packet::Way way, std::span<const std::uint8_t> request,
                               const inspect::dns::Query& query, const DnsBlock& block,
                               std::uint8_t* out, std::size_t capacity) {
  // Behind headers of the usual length, the question stays where it is.
  const std::size_t headers = parsed.network_offset + (parsed.ipv6 ? 40U : 20U) + kUdpOctets;
  if (original.data() == out && request.data() == out + headers &&
      capacity >= headers + kMaxDnsMessage) {
    const std::span<std::uint8_t, kMaxDnsMessage> message(out + headers, kMaxDnsMessage);
    const std::size_t octets = write_dns_message(request, query, block, message);
    return octets == 0
               ? 0
               : write_udp_datagram(original, parsed, way, message.first(octets), out, capacity);
  }
  std::array<std::uint8_t, kMaxDnsMessage> message;
  const std::size_t octets = write_dns_message(request, query, block, message);
  return octets == 0 ? 0
                     : write_udp_datagram(original, parsed, way, {message.data(), octets}, out,
                                          capacity);
}

}  // namespace sluice::act
