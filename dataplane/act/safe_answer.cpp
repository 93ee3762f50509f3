#include "dataplane/act/safe_answer.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "dataplane/act/soa_record.h"
#include "dataplane/packet/bytes.h"

namespace sluice::act {
namespace {

using inspect::dns::kHeaderOctets;
using packet::load16;
using packet::store16;
using packet::store32;

constexpr std::uint16_t kPointer = 0xc000;
constexpr std::uint16_t kOptionCookie = 10;
constexpr std::uint16_t kOptionPadding = 12;
constexpr std::uint16_t kOptionError = 15;
/// RFC 8914 4.5, 4.1: what is answered was made for reasons of policy; why there is no answer.
constexpr std::uint16_t kForgedAnswer = 4;
constexpr std::uint16_t kOtherError = 0;
constexpr std::string_view kErrorText = "safe search";
constexpr std::size_t kErrorOctets = 6 + kErrorText.size();
constexpr std::size_t kCookieOctets = 20;
constexpr std::size_t kOptOctets = 11;

class Writer {
 public:
  explicit Writer(std::uint8_t* out) : out_(out) {}
  void put8(std::uint8_t value) { out_[size_++] = value; }
  void put16(std::uint16_t value) {
    store16(&out_[size_], value);
    size_ += 2;
  }
  void put32(std::uint32_t value) {
    store32(&out_[size_], value);
    size_ += 4;
  }
  void put(std::span<const std::uint8_t> octets) {
    if (!octets.empty()) std::memcpy(&out_[size_], octets.data(), octets.size());
    size_ += octets.size();
  }
  void put(std::string_view text) {
    std::memcpy(&out_[size_], text.data(), text.size());
    size_ += text.size();
  }
  void record(std::uint16_t owner, std::uint16_t type, std::uint32_t ttl, std::size_t octets) {
    put16(kPointer | owner);
    put16(type);
    put16(inspect::dns::kClassIn);
    put32(ttl);
    put16(static_cast<std::uint16_t>(octets));
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint8_t* out_;
  std::size_t size_ = 0;
};

// All but padding, of which a message of another length has no use, and the error, which is ours to
// tell.
void put_options(Writer& writer, std::span<const std::uint8_t> options, std::size_t room) {
  while (options.size() >= 4) {
    const std::size_t octets = 4U + load16(&options[2]);
    if (octets > options.size()) return;
    const std::uint16_t code = load16(options.data());
    if (code != kOptionPadding && code != kOptionError && octets <= room) {
      writer.put(options.first(octets));
      room -= octets;
    }
    options = options.subspan(octets);
  }
}

void put_opt(Writer& writer, const SafeAnswer& answer, std::uint8_t* out) {
  writer.put8(0);
  writer.put16(inspect::dns::kTypeOpt);
  writer.put16(answer.udp_size);
  writer.put8(answer.extended_rcode);
  writer.put8(0);
  writer.put16(answer.dnssec_ok ? 0x8000 : 0);
  const std::size_t length_at = writer.size();
  writer.put16(0);
  if (!answer.client_cookie.empty()) {  // as write_dns_message() does
    writer.put16(kOptionCookie);
    writer.put16(16);
    writer.put(answer.client_cookie);
    writer.put(answer.client_cookie);
  }
  put_options(writer, answer.options, kMaxSafeAnswer - kErrorOctets - writer.size());
  writer.put16(kOptionError);
  writer.put16(static_cast<std::uint16_t>(2 + kErrorText.size()));
  writer.put16((answer.flags & 0xf) == 0 ? kForgedAnswer : kOtherError);
  writer.put(kErrorText);
  store16(out + length_at, static_cast<std::uint16_t>(writer.size() - length_at - 2));
}

// A DO bit in the OPT of what was written: RFC 3225 3.
void clear_dnssec_ok(std::span<std::uint8_t> message, std::size_t at) {
  inspect::dns::Record record;
  while (inspect::dns::read_record(message, at, record) == inspect::dns::Defect::none) {
    if (record.type == inspect::dns::kTypeOpt) message[record.data - 4] &= 0x7f;
  }
}

}  // namespace

std::size_t write_safe_query(std::span<const std::uint8_t> message,
                             const inspect::dns::Query& query, std::span<const std::uint8_t> safe,
                             std::span<std::uint8_t, kMaxSafeQuery> out) {
  const std::size_t behind = kHeaderOctets + query.name.size();
  const auto rest = message.subspan(behind);
  const std::size_t octets = kHeaderOctets + safe.size() + rest.size();
  if (octets > out.size()) return 0;
  Writer writer(out.data());
  writer.put(message.first(kHeaderOctets));
  writer.put(safe);
  writer.put(rest);
  out[3] &= static_cast<std::uint8_t>(~0x20U);  // AD: RFC 6840 5.7
  clear_dnssec_ok(out.first(octets), kHeaderOctets + safe.size() + 4);
  return octets;
}

std::size_t write_safe_answer(const SafeAnswer& answer,
                              std::span<std::uint8_t, kMaxSafeAnswer> out) {
  constexpr std::size_t kAlias = 12 + kMaxSafeWire;
  static_assert(kHeaderOctets + kMaxSafeWire + 4 + kAlias + SoaTemplate::kOctets + kOptOctets +
                    kCookieOctets + kErrorOctets <=
                kMaxSafeAnswer);
  static_assert(kHeaderOctets + kMaxSafeWire + 4 + kAlias + inspect::dns::kMaxAddresses * 28 +
                    kOptOctets + kCookieOctets + kErrorOctets <=
                kMaxSafeAnswer);
  const std::size_t addresses = answer.addresses == nullptr ? 0 : answer.addresses->count;
  const bool no_data = answer.no_data && addresses == 0;
  const bool alias = !answer.safe.empty();
  Writer writer(out.data());
  writer.put16(answer.id);
  writer.put16(answer.flags);
  writer.put16(answer.question.empty() ? 0 : 1);
  writer.put16(static_cast<std::uint16_t>(addresses + (alias ? 1 : 0)));
  writer.put16(no_data ? 1 : 0);
  writer.put16(answer.has_opt ? 1 : 0);
  writer.put(answer.question);
  std::uint16_t owner = kHeaderOctets;
  if (alias) {
    writer.record(owner, inspect::dns::kTypeCname,
                  addresses == 0 ? answer.ttl : answer.addresses->ttl, answer.safe.size());
    owner = static_cast<std::uint16_t>(writer.size());
    writer.put(answer.safe);
  }
  for (std::size_t i = 0; i < addresses; ++i) {
    const std::size_t octets = answer.addresses->octets;
    writer.record(owner, octets == 4 ? inspect::dns::kTypeA : inspect::dns::kTypeAaaa,
                  answer.addresses->ttl, octets);
    writer.put(std::span(answer.addresses->list[i]).first(octets));
  }
  if (no_data) {
    const std::size_t at = writer.size();
    writer.put(std::span<const std::uint8_t>(kSoa.octets));
    store16(&out[at + SoaTemplate::kOwnerAt], kPointer | owner);
    store32(&out[at + SoaTemplate::kTtlAt], answer.ttl);
    store32(&out[at + SoaTemplate::kMinimumAt], answer.ttl);
  }
  if (answer.has_opt) put_opt(writer, answer, out.data());
  return writer.size();
}

}  // namespace sluice::act
