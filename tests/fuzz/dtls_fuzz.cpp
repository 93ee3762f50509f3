// Any octets as two datagrams of one DTLS client, cut where the first octet says: names lie inside
// the assembly.
#include "dataplane/inspect/tls/dtls.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace tls = inspect::tls;
  if (size == 0) return 0;
  const std::span bytes(data + 1, size - 1);
  const std::size_t cut = bytes.size() * data[0] / 255;
  flow::AssemblyStorage<2048> storage;
  flow::Assembly assembly(storage);
  for (const auto datagram : {bytes.first(cut), bytes.subspan(cut)}) {
    (void)tls::may_be_dtls(datagram);
    tls::DtlsHello out;
    const inspect::Outcome outcome = tls::parse_dtls(datagram, assembly, out);
    SLUICE_EXPECT((outcome == inspect::Outcome::malformed) ==
                  (out.defect != tls::DtlsDefect::none));
    if (outcome != inspect::Outcome::found) continue;
    for (std::size_t i = 0; i < out.hello.name_count; ++i) {
      const auto* at = reinterpret_cast<const std::uint8_t*>(out.hello.names[i].data());
      SLUICE_EXPECT(at >= storage.bytes);
      SLUICE_EXPECT(at + out.hello.names[i].size() <= storage.bytes + assembly.end());
    }
  }
  return 0;
}
