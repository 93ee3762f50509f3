// Any octets as a DNS message: what is found lies inside it and is a whole name.
#include "config/name/name.h"
#include "dataplane/inspect/dns/query.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace dns = inspect::dns;
  dns::Query query;
  std::array<std::uint8_t, dns::kQuestionScratchOctets> scratch;
  const inspect::Outcome outcome = dns::parse_query({data, size}, query, scratch);
  // A fault behind a readable question takes nothing from it.
  if (outcome == inspect::Outcome::malformed) {
    SLUICE_EXPECT(query.defect != dns::Defect::none && query.name_count == 0);
  }
  SLUICE_EXPECT(outcome != inspect::Outcome::need_more);
  dns::Query plain;
  name::FoldedName name;
  if (dns::parse_plain_query({data, size}, plain, name)) {
    name::FoldedName expected;
    name::fold_wire(query.names[0], expected);
    SLUICE_EXPECT(outcome == inspect::Outcome::found && query.defect == dns::Defect::none);
    SLUICE_EXPECT(query.name_count == 1 && name.view() == expected.view());
    SLUICE_EXPECT(name.label_count == expected.label_count);
    SLUICE_EXPECT(plain.names[0].data() == query.names[0].data() &&
                  plain.names[0].size() == query.names[0].size());
    SLUICE_EXPECT(plain.type == query.type && plain.question_end == query.question_end);
    SLUICE_EXPECT(plain.has_opt == query.has_opt && plain.dnssec_ok == query.dnssec_ok);
    SLUICE_EXPECT(plain.client_cookie.data() == query.client_cookie.data());
  }
  if (outcome != inspect::Outcome::found) return 0;
  const auto inside = [](const std::uint8_t* begin, std::size_t octets, const std::uint8_t* at) {
    return at >= begin && at < begin + octets;
  };
  SLUICE_EXPECT(query.name.data() == data + dns::kHeaderOctets || query.name.size() == 1);
  SLUICE_EXPECT(query.question_end >= dns::kHeaderOctets + query.name.size() + 4);
  SLUICE_EXPECT(query.question_end <= size && query.udp_size >= 512);
  SLUICE_EXPECT(query.name_count > 0 && query.name_count <= query.question_count);
  if (!query.client_cookie.empty()) {
    SLUICE_EXPECT(query.client_cookie.size() == 8 && query.client_cookie.data() >= data);
    SLUICE_EXPECT(query.client_cookie.data() + 8 <= data + size);
  }
  for (std::size_t i = 0; i < query.name_count; ++i) {
    const auto wire = query.names[i];
    SLUICE_EXPECT(wire.size() > 1 && wire.size() <= name::kMaxWireOctets && wire.back() == 0);
    SLUICE_EXPECT(inside(scratch.data(), scratch.size(), &wire.back()) ||
                  inside(data, query.question_end - 4, &wire.back()));
    name::FoldedName found;
    name::fold_wire(wire, found);
    SLUICE_EXPECT(found.view().size() + 1U == wire.size());
    SLUICE_EXPECT(found.suffix(found.label_count) == found.view());
    (void)name::display(found);
  }
  return 0;
}
