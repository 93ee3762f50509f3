// Any octets as the start of an HTTP/1 client's stream: names lie inside it, and a shorter start
// tells no name that the longer one does not tell.
#include <algorithm>

#include "config/name/name.h"
#include "dataplane/inspect/http/request.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace http = inspect::http;
  const std::span bytes(data, size);
  (void)http::may_be_http(bytes);
  http::Request request;
  const inspect::Outcome outcome = http::parse_request(bytes, request);
  SLUICE_EXPECT((outcome == inspect::Outcome::malformed) == (request.defect != http::Defect::none));
  SLUICE_EXPECT(request.name_count <= http::kMaxNames && request.head_octets <= size);
  SLUICE_EXPECT(outcome == inspect::Outcome::malformed || request.complete ||
                request.wanted > size);
  for (std::size_t i = 0; i < request.name_count; ++i) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(request.names[i].data());
    SLUICE_EXPECT(!request.names[i].empty());
    SLUICE_EXPECT(at >= data && at + request.names[i].size() <= data + size);
    name::FoldedName found;
    (void)name::fold_text(request.names[i], found);
  }
  if (size == 0) return 0;
  http::Request half;
  (void)http::parse_request(bytes.first(size / 2), half);
  SLUICE_EXPECT(half.name_count <= request.name_count);
  for (std::size_t i = 0; i < half.name_count; ++i) {
    SLUICE_EXPECT(half.names[i] == request.names[i]);
  }
  return 0;
}
