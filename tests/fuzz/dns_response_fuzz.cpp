// Any octets as a DNS response: what is found lies inside the scratch and is a whole name; its ECH
// configurations are taken out once and for all, and where there are none, nothing changes.
#include <algorithm>
#include <array>
#include <vector>

#include "config/name/name.h"
#include "dataplane/act/withhold_ech.h"
#include "dataplane/inspect/dns/response.h"
#include "dataplane/inspect/dns/stream.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace dns = inspect::dns;
  std::span<const std::uint8_t> framed;
  if (dns::next_message({data, size}, framed) == inspect::Outcome::found) {
    SLUICE_EXPECT(framed.data() == data + dns::kLengthOctets && framed.size() + 2 <= size);
  }

  std::array<std::uint8_t, dns::kResponseScratchOctets> scratch;
  dns::Response response;
  const inspect::Outcome outcome = dns::parse_response({data, size}, scratch, response);
  SLUICE_EXPECT((outcome == inspect::Outcome::malformed) == (response.defect != dns::Defect::none));
  SLUICE_EXPECT(outcome != inspect::Outcome::need_more);
  SLUICE_EXPECT(outcome == inspect::Outcome::malformed ||
                (outcome == inspect::Outcome::found) == (response.count > 0));
  SLUICE_EXPECT(response.count <= dns::kMaxChain && response.ech_count <= dns::kMaxEchConfigs);
  for (std::size_t i = 0; i < response.count; ++i) {
    const auto wire = response.names[i];
    SLUICE_EXPECT(wire.size() > 1 && wire.size() <= name::kMaxWireOctets && wire.back() == 0);
    SLUICE_EXPECT(wire.data() >= scratch.data());
    SLUICE_EXPECT(wire.data() + wire.size() <= scratch.data() + scratch.size());
    name::FoldedName found;
    name::fold_wire(wire, found);
    SLUICE_EXPECT(found.view().size() + 1U == wire.size());
  }
  for (std::size_t i = 0; i < response.ech_count; ++i) {
    const auto name = response.ech[i].public_name;
    const auto* at = reinterpret_cast<const std::uint8_t*>(name.data());
    SLUICE_EXPECT(!name.empty() && at >= data && at + name.size() <= data + size);
  }
  if (response.question.question_end == 0) return 0;
  std::vector<std::uint8_t> without(data, data + size);
  const unsigned withheld = act::withhold_ech(without, response.question.question_end);
  // What goes on is judged once more: a pointer may have led into what was moved.
  SLUICE_EXPECT(act::withhold_ech(without, response.question.question_end) == 0);
  SLUICE_EXPECT(withheld != 0 || std::ranges::equal(without, std::span(data, size)));
  return 0;
}
