// Any octets as the start of a TLS client's stream: names lie inside it.
#include <array>

#include "config/name/name.h"
#include "dataplane/inspect/tls/client_hello.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace tls = inspect::tls;
  const std::span bytes(data, size);
  (void)tls::may_be_tls(bytes);
  tls::ClientHello hello;
  static std::array<std::uint8_t, 20480> scratch;
  const inspect::Outcome outcome = tls::parse_client_hello(bytes, scratch, hello);
  if (outcome == inspect::Outcome::malformed) SLUICE_EXPECT(hello.defect != tls::Defect::none);
  if (outcome == inspect::Outcome::need_more) SLUICE_EXPECT(hello.wanted > size);
  if (hello.complete) SLUICE_EXPECT(hello.consumed <= size || hello.defect != tls::Defect::none);
  if (outcome != inspect::Outcome::found) return 0;
  SLUICE_EXPECT(hello.name_count > 0 && hello.name_count <= tls::kMaxNames);
  for (std::size_t i = 0; i < hello.name_count; ++i) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(hello.names[i].data());
    const auto lies_in = [&](const std::uint8_t* start, std::size_t octets) {
      return at >= start && at + hello.names[i].size() <= start + octets;
    };
    SLUICE_EXPECT(hello.names[i].empty() || lies_in(data, size) ||
                  lies_in(scratch.data(), scratch.size()));
    name::FoldedName found;
    if (name::fold_text(hello.names[i], found) != name::Defect::none) continue;
    SLUICE_EXPECT(found.label_count > 0 && found.view().size() <= name::kMaxTextOctets + 1);
    SLUICE_EXPECT(found.suffix(found.label_count) == found.view());
    SLUICE_EXPECT(name::canonical(name::display(found)).has_value());
  }
  return 0;
}
