#include "dataplane/inspect/dns/addresses.h"

#include <algorithm>
#include <cstring>

#include "dataplane/inspect/dns/query.h"
#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {
namespace {

using packet::load16;
using packet::load32;
using Bytes = std::span<const std::uint8_t>;

constexpr unsigned kMaxAliases = 8;
constexpr std::size_t kMaxRecords = 64;  // of the answer section; what is behind is not looked at
constexpr std::size_t kMaxNameOctets = 255;
constexpr std::uint8_t kNxDomain = 3;
/// RFC 2181 8: a TTL with its first bit set is none.
constexpr std::uint32_t kMaxTtl = 0x7fffffff;

class Reader {
 public:
  Reader(Bytes message, AddressResponse& out) : message_(message), out_(out) {}

  /// The records of the answer section; false where it breaks off.
  bool read_records(std::size_t at, unsigned answers, unsigned others) {
    for (unsigned i = 0; i < answers; ++i) {
      Record record;
      if (read_record(message_, at, record) != Defect::none) return false;
      if (count_ < kMaxRecords) records_[count_++] = record;
    }
    // What is wrong behind the answers harms only what is echoed.
    for (unsigned i = 0; i < others; ++i) {
      Record record;
      if (read_record(message_, at, record) != Defect::none) break;
      if (record.type == kTypeOpt && !out_.has_opt) take_opt(record);
    }
    return true;
  }

  void collect(Bytes name, std::uint16_t type) {
    std::copy(name.begin(), name.end(), name_.begin());
    octets_ = name.size();
    std::uint32_t ttl = kMaxTtl;
    for (unsigned alias = 0; alias < kMaxAliases && follow(ttl); ++alias) {
    }
    Addresses& addresses = out_.addresses;
    addresses.octets = address_octets(type);
    for (std::size_t i = 0; i < count_; ++i) {
      const Record& record = records_[i];
      const bool counts = record.type == type && record.klass == kClassIn &&
                          record.length == addresses.octets && is_owner(record);
      if (!counts || addresses.count == kMaxAddresses) continue;
      std::memcpy(addresses.list[addresses.count++].data(), &message_[record.data],
                  addresses.octets);
      ttl = std::min(ttl, ttl_of(record));
    }
    addresses.ttl = addresses.count == 0 ? 0 : ttl;
  }

 private:
  /// From the name at hand to what it is an alias for; false where it is none.
  bool follow(std::uint32_t& ttl) {
    for (std::size_t i = 0; i < count_; ++i) {
      const Record& record = records_[i];
      if (record.type != kTypeCname || record.klass != kClassIn || !is_owner(record)) continue;
      Bytes target;
      std::size_t end = 0;
      if (expand_name(message_, record.data, scratch_, target, end) != Defect::none ||
          end > record.data + record.length) {
        return false;
      }
      std::copy(target.begin(), target.end(), name_.begin());
      octets_ = target.size();
      ttl = std::min(ttl, ttl_of(record));
      return true;
    }
    return false;
  }
  bool is_owner(const Record& record) {
    Bytes owner;
    std::size_t end = 0;
    return expand_name(message_, record.owner, scratch_, owner, end) == Defect::none &&
           is_same_name(owner, Bytes(name_).first(octets_));
  }
  [[nodiscard]] std::uint32_t ttl_of(const Record& record) const {
    const std::uint32_t ttl = load32(&message_[record.data - 6]);
    return ttl > kMaxTtl ? 0 : ttl;
  }
  void take_opt(const Record& record) {
    out_.has_opt = true;
    out_.udp_size = record.klass;
    out_.extended_rcode = message_[record.data - 6];
    out_.options = message_.subspan(record.data, record.length);
  }

  Bytes message_;
  AddressResponse& out_;
  std::array<Record, kMaxRecords> records_;
  std::size_t count_ = 0;
  std::array<std::uint8_t, kMaxNameOctets> name_;
  std::array<std::uint8_t, kMaxNameOctets> scratch_;
  std::size_t octets_ = 0;
};

}  // namespace

AddressResponse read_addresses(Bytes message, Bytes name, std::uint16_t type) {
  AddressResponse out;
  if (message.size() < kHeaderOctets || (message[2] & 0xf8) != 0x80) return out;
  out.rcode = message[3] & 0xf;
  const bool cut = (message[2] & 2) != 0;
  const unsigned questions = load16(&message[4]);
  // Some servers repeat no question where they could not read it.
  if (questions == 0 && out.rcode != 0 && message.size() == kHeaderOctets) {
    out.answered = Answered::failed;
    return out;
  }
  Query query;
  if (questions != 1 || read_questions(message, 1, query, {}) != Defect::none) return out;
  const bool same = query.type == type && load16(&message[query.question_end - 2U]) == kClassIn &&
                    is_same_name(query.name, name);
  if (!same) return out;
  Reader reader(message, out);
  const bool whole = reader.read_records(query.question_end, load16(&message[6]),
                                         load16(&message[8]) + load16(&message[10]));
  if (!whole && !cut) {
    out.answered = Answered::malformed;
    return out;
  }
  if (out.rcode != 0 && out.rcode != kNxDomain) {
    out.answered = Answered::failed;
    return out;
  }
  reader.collect(name, type);
  out.answered = cut && out.addresses.count == 0 ? Answered::truncated : Answered::read;
  return out;
}

}  // namespace sluice::inspect::dns
