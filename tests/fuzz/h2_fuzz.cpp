// Any octets behind HTTP/2's preface: names lie inside the stream or the scratch.
#include <algorithm>
#include <vector>

#include "dataplane/inspect/http/h2.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::inspect;
  (void)http::may_be_h2({data, size});
  std::vector<std::uint8_t> stream(http::kH2Preface.begin(), http::kH2Preface.end());
  stream.insert(stream.end(), data, data + size);
  std::vector<std::uint8_t> scratch(4096);
  http::H2Request request;
  const Outcome outcome = http::parse_h2(stream, scratch, request);
  SLUICE_EXPECT((outcome == Outcome::malformed) == (request.defect != http::H2Defect::none));
  SLUICE_EXPECT(outcome != Outcome::need_more || request.wanted > stream.size());
  SLUICE_EXPECT(request.consumed <= stream.size() && request.name_count <= http::kMaxNames);
  for (std::size_t i = 0; i < request.name_count; ++i) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(request.names[i].data());
    const auto* end = at + request.names[i].size();
    SLUICE_EXPECT((at >= stream.data() && end <= stream.data() + stream.size()) ||
                  (at >= scratch.data() && end <= scratch.data() + scratch.size()));
  }
  return 0;
}
