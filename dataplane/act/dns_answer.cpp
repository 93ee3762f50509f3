#include "dataplane/act/dns_answer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"
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

/// Appends to a message of bounded size, and adds up its checksum on the way, from the values rather
/// than from memory that was written just now; the bound is a programming error to reach, so appends
/// past it are dropped and good() tells.
class Message {
 public:
  explicit Message(std::span<std::uint8_t> out) : out_(out) {}

  /// What stands there already.
  void keep(std::span<const std::uint8_t> bytes) {
    sum_ += in_place(packet::checksum_add(0, bytes));
    size_ += bytes.size();
  }
  void put(std::span<const std::uint8_t> bytes) { put(bytes, packet::checksum_add(0, bytes)); }
  /// Of octets whose checksum_add() is known.
  void put(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
    if (!has_room(bytes.size())) return;
    std::memcpy(&out_[size_], bytes.data(), bytes.size());
    sum_ += in_place(sum);
    size_ += bytes.size();
  }
  void put(std::string_view text) {
    put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void put8(std::uint8_t value) { put({&value, 1}); }
  void put16(std::uint16_t value) {
    if (!has_room(2)) return;
    size_ += 2;
    set16(size_ - 2, value);
  }
  void put32(std::uint32_t value) {
    put16(static_cast<std::uint16_t>(value >> 16));
    put16(static_cast<std::uint16_t>(value));
  }
  /// Where there are zeros, or octets that do not count yet.
  void set16(std::size_t at, std::size_t value) {
    const auto word = static_cast<std::uint16_t>(value);
    store16(&out_[at], word);
    sum_ += at % 2 == 0 ? word : __builtin_bswap16(word);
  }
  void set32(std::size_t at, std::uint32_t value) {
    set16(at, value >> 16);
    set16(at + 2, value & 0xffff);
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::uint32_t sum() const { return sum_; }

 private:
  bool has_room(std::size_t octets) {
    good_ = good_ && octets <= out_.size() - size_;
    return good_;
  }
  // The sum of octets that start at size_: from an odd place on, their words are turned.
  [[nodiscard]] std::uint32_t in_place(std::uint32_t sum) const {
    const auto folded = static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
    return size_ % 2 == 0 ? folded : __builtin_bswap16(folded);
  }

  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  std::uint32_t sum_ = 0;  // of a few hundred words at most
  bool good_ = true;
};

/// A message that was written, and its checksum_add().
struct Written {
  std::size_t octets = 0;  // 0: it does not fit
  std::uint32_t sum = 0;
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

/// An SOA record, but for its owner and the two fields of its TTL. MNAME: no server to ask (RFC 6761
/// 6.3); RNAME: no mailbox (RFC 6761 6.4); SERIAL 1, REFRESH 3,600, RETRY 600, EXPIRE 86,400.
struct SoaTemplate {
  static constexpr std::size_t kOwnerAt = 0;
  static constexpr std::size_t kTtlAt = 6;
  static constexpr std::size_t kOctets = 59;
  static constexpr std::size_t kMinimumAt = kOctets - 4;

  std::array<std::uint8_t, kOctets> octets{};
  std::uint32_t sum = 0;

  constexpr SoaTemplate() {
    using namespace std::string_view_literals;
    constexpr auto kText =
        "\0\0\0\6\0\1\0\0\0\0\0\x2f"
        "\x09localhost\0\x06nobody\x07invalid\0"
        "\0\0\0\x01\0\0\x0e\x10\0\0\x02\x58\0\x01\x51\x80\0\0\0\0"sv;
    static_assert(kText.size() == kOctets && kText[11] == kOctets - 12);
    for (std::size_t i = 0; i < kOctets; ++i) {
      octets[i] = static_cast<std::uint8_t>(kText[i]);
      sum += std::uint32_t{octets[i]} << (i % 2 == 0 ? 8 : 0);
    }
    sum = (sum & 0xffff) + (sum >> 16);
  }
};
constexpr SoaTemplate kSoa;

// RFC 2308: the TTL and MINIMUM bound how long the answer is remembered.
void put_soa(Message& message, std::uint16_t owner, std::uint32_t ttl) {
  const std::size_t at = message.size();
  message.put(kSoa.octets, kSoa.sum);
  if (!message.good()) return;
  message.set16(at + SoaTemplate::kOwnerAt, kPointer | owner);
  message.set32(at + SoaTemplate::kTtlAt, ttl);
  message.set32(at + SoaTemplate::kMinimumAt, ttl);
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

Written write_message(std::span<const std::uint8_t> request, const inspect::dns::Query& query,
                      const DnsBlock& block, std::span<std::uint8_t, kMaxDnsMessage> out) {
  Cookie cookie{};  // stands behind the question, where the answer may be written to
  std::copy(query.client_cookie.begin(), query.client_cookie.end(), cookie.begin());
  const std::size_t front = query.question_end;
  if (front > out.size()) return {};
  const auto id = packet::load16(request.data());
  // QR, RD as asked; RA, CD as asked.
  const unsigned flags = 0x8080U | (packet::load16(&request[2]) & 0x0110U);
  const bool exists = block.answer->dns == policy::DnsAnswer::address;
  if (out.data() != request.data()) std::memcpy(out.data(), request.data(), front);

  Message message(out);
  message.put16(id);
  message.put16(static_cast<std::uint16_t>(flags | (exists ? 0U : kNxDomain)));
  message.put16(query.question_count);
  for (unsigned i = 0; i < 3; ++i) message.put16(0);
  message.keep(request.subspan(kHeaderOctets, front - kHeaderOctets));
  const std::uint16_t answers = put_records(message, query, block);
  message.set16(6, answers);
  message.set16(8, answers == 0 ? 1 : 0);
  message.set16(10, query.has_opt ? 1 : 0);
  if (query.has_opt) put_opt(message, query, cookie, block);
  return message.good() ? Written{message.size(), message.sum()} : Written{};
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
  packet::write_udp_headers(original, parsed, way, message.size(),
                            packet::checksum_add(0, message), out);
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
    packet::write_udp_headers(original, parsed, way, written.octets, written.sum, out);
    packet::finish_layers(parsed, out, headers + written.octets);
    return headers + written.octets;
  }
  std::array<std::uint8_t, kMaxDnsMessage> message;
  const std::size_t octets = write_dns_message(request, query, block, message);
  return octets == 0 ? 0
                     : write_udp_datagram(original, parsed, way, {message.data(), octets}, out,
                                          capacity);
}

}  // namespace sluice::act
