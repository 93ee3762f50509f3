// Any octets as a DNS message of safe search: as a response, what is given to the client holds the
// alias and addresses of its target alone; as a query, what goes on asks for the safe name and is
// otherwise the same.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "dataplane/act/safe_answer.h"
#include "dataplane/inspect/dns/addresses.h"
#include "dataplane/inspect/dns/response.h"
#include "dataplane/packet/bytes.h"
#include "tests/fuzz/expect.h"

namespace sluice::fuzz {
namespace {

namespace dns = inspect::dns;
using Octets = std::span<const std::uint8_t>;

constexpr std::array<std::uint8_t, 15> kAsked = {3,   'w', 'W', 'w', 4,   'f', 'i', 'n',
                                                 'd', 3,   'n', 'e', 't', 0,   0};
constexpr std::array<std::uint8_t, 15> kSafe = {4,   's', 'a', 'f', 'e', 4,   'f', 'i',
                                                'n', 'd', 3,   'n', 'e', 't', 0};
const Octets kAskedName = Octets(kAsked).first(14);

/// Whether the octets are the data of any record of the answer section.
bool stands_in(Octets message, std::size_t at, std::uint16_t type, Octets address) {
  for (unsigned i = 0; i < packet::load16(&message[6]); ++i) {
    dns::Record record;
    if (dns::read_record(message, at, record) != dns::Defect::none) return false;
    if (record.type == type &&
        std::ranges::equal(message.subspan(record.data, record.length), address))
      return true;
  }
  return false;
}

void check_answer(Octets message, Octets safe, std::uint16_t type) {
  const dns::AddressResponse read = dns::read_addresses(message, safe, type);
  if (read.answered == dns::Answered::other) return;
  SLUICE_EXPECT(read.addresses.count <= dns::kMaxAddresses);
  std::vector<std::uint8_t> question(kAskedName.begin(), kAskedName.end());
  for (const std::uint16_t word : {type, dns::kClassIn}) {
    question.push_back(static_cast<std::uint8_t>(word >> 8));
    question.push_back(static_cast<std::uint8_t>(word));
  }
  const bool alias = read.answered == dns::Answered::read;
  const auto out = std::make_unique<std::array<std::uint8_t, act::kMaxSafeAnswer>>();
  const std::size_t octets =
      act::write_safe_answer({.question = question,
                              .id = packet::load16(message.data()),
                              .flags = static_cast<std::uint16_t>(0x8180 | read.rcode),
                              .safe = alias ? safe : Octets(),
                              .addresses = alias ? &read.addresses : nullptr,
                              .no_data = alias,
                              .ttl = 30,
                              .has_opt = read.has_opt,
                              .dnssec_ok = true,
                              .udp_size = read.udp_size,
                              .extended_rcode = read.extended_rcode,
                              .options = read.options},
                             *out);
  const Octets answer(out->data(), octets);
  SLUICE_EXPECT(std::equal(question.begin(), question.end(), answer.begin() + 12));
  std::array<std::uint8_t, dns::kResponseScratchOctets> scratch;
  dns::Response parsed;
  SLUICE_EXPECT(dns::parse_response(answer, scratch, parsed) != inspect::Outcome::malformed);
  SLUICE_EXPECT(parsed.question.has_opt == read.has_opt);
  const bool itself = dns::is_same_name(safe, kAskedName);
  SLUICE_EXPECT(parsed.count == (alias && !itself && safe.size() > 1 ? 1U : 0U));
  SLUICE_EXPECT(parsed.count == 0 || dns::is_same_name(parsed.names[0], safe));
  // Each record behind the alias is one of the response's own.
  std::size_t at = 12 + question.size();
  std::size_t found = 0;
  std::size_t asked_at = dns::kHeaderOctets;
  Octets asked;
  (void)dns::read_question_name(message, asked_at, asked);
  for (unsigned i = 0; i < packet::load16(&answer[6]); ++i) {
    dns::Record record;
    SLUICE_EXPECT(dns::read_record(answer, at, record) == dns::Defect::none);
    if (i == 0) {
      SLUICE_EXPECT(record.type == dns::kTypeCname);
      continue;
    }
    SLUICE_EXPECT(record.type == type && record.length == dns::address_octets(type));
    SLUICE_EXPECT(
        stands_in(message, asked_at + 4, type, answer.subspan(record.data, record.length)));
    ++found;
  }
  SLUICE_EXPECT(found == (alias ? read.addresses.count : 0U));
}

void check_query(Octets message) {
  dns::Query query;
  std::array<std::uint8_t, dns::kQuestionScratchOctets> scratch;
  if (dns::parse_query(message, query, scratch) != inspect::Outcome::found) return;
  const bool plain = query.question_count == 1 && query.name.size() > 1 &&
                     query.name.data() == message.data() + dns::kHeaderOctets;
  if (!plain) return;
  const auto out = std::make_unique<std::array<std::uint8_t, act::kMaxSafeQuery>>();
  const std::size_t octets = act::write_safe_query(message, query, kSafe, *out);
  if (octets == 0) {
    SLUICE_EXPECT(message.size() + kSafe.size() > act::kMaxSafeQuery);
    return;
  }
  const Octets onward(out->data(), octets);
  SLUICE_EXPECT(octets == message.size() - query.name.size() + kSafe.size());
  dns::Query asked;
  SLUICE_EXPECT(dns::parse_query(onward, asked, scratch) == inspect::Outcome::found);
  SLUICE_EXPECT(std::ranges::equal(asked.name, kSafe) && asked.type == query.type);
  SLUICE_EXPECT(std::equal(onward.begin(), onward.begin() + 3, message.begin()));
  SLUICE_EXPECT(!asked.dnssec_ok && (onward[3] & 0x20) == 0);
  SLUICE_EXPECT(asked.has_opt == query.has_opt && asked.udp_size == query.udp_size);
  SLUICE_EXPECT(asked.client_cookie.size() == query.client_cookie.size());
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace dns = inspect::dns;
  const std::span<const std::uint8_t> message(data, size);
  fuzz::check_query(message);
  if (size < dns::kHeaderOctets) return 0;
  // Of the name that it repeats, so that it is read at all; and of another.
  std::size_t at = dns::kHeaderOctets;
  std::span<const std::uint8_t> name;
  const bool whole = dns::read_question_name(message, at, name) == dns::Defect::none;
  for (const std::uint16_t type : {dns::kTypeA, dns::kTypeAaaa}) {
    if (whole && name.size() <= act::kMaxSafeWire) fuzz::check_answer(message, name, type);
    fuzz::check_answer(message, fuzz::kSafe, type);
  }
  return 0;
}
