// Any octets as the start of a client's stream: a preamble and its name lie inside it.
#include "dataplane/inspect/proxy/preamble.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::inspect;
  proxy::Preamble out;
  const Outcome outcome = proxy::parse_preamble({data, size}, out);
  SLUICE_EXPECT((outcome == Outcome::malformed) == (out.defect != proxy::Defect::none));
  SLUICE_EXPECT((outcome == Outcome::need_more) == (out.wanted > size));
  SLUICE_EXPECT((outcome == Outcome::found) == !out.name.empty());
  SLUICE_EXPECT(out.skip <= size && out.skip <= proxy::kMaxPreambleOctets);
  if (outcome != Outcome::found) return 0;
  const auto* at = reinterpret_cast<const std::uint8_t*>(out.name.data());
  SLUICE_EXPECT(at >= data && at + out.name.size() <= data + out.skip);
  return 0;
}
