// Any octets as the start of a TLS client's stream: names lie inside it.
#include "config/name/name.h"
#include "dataplane/inspect/tls/client_hello.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace tls = inspect::tls;
  const std::span bytes(data, size);
  (void)tls::may_be_tls(bytes);
  tls::ClientHello hello;
  const inspect::Outcome outcome = tls::parse_client_hello(bytes, hello);
  SLUICE_EXPECT((outcome == inspect::Outcome::malformed) == (hello.defect != tls::Defect::none));
  if (outcome != inspect::Outcome::found) return 0;
  SLUICE_EXPECT(hello.name_count > 0 && hello.name_count <= tls::kMaxNames);
  for (std::size_t i = 0; i < hello.name_count; ++i) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(hello.names[i].data());
    SLUICE_EXPECT(hello.names[i].empty() ||
                  (at >= data && at + hello.names[i].size() <= data + size));
    name::LookupName found;
    if (name::from_text(hello.names[i], found) != name::Defect::none) continue;
    SLUICE_EXPECT(found.label_count > 0 && found.key_length <= name::kMaxTextOctets + 1);
    SLUICE_EXPECT(found.suffix(found.label_count) == found.view());
    SLUICE_EXPECT(name::canonical(name::display(found)).has_value());
  }
  return 0;
}
