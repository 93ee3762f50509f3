// Any octets as an Initial's plaintext, which the tag hides from quic_fuzz: CRYPTO octets stay
// inside the assembly, and the ClientHello is read from whatever they make.
#include <algorithm>

#include "dataplane/flow/assembly.h"
#include "dataplane/inspect/quic/frames.h"
#include "dataplane/inspect/quic/gquic.h"
#include "dataplane/inspect/tls/client_hello.h"
#include "tests/fuzz/expect.h"

namespace {

std::size_t read_frames(std::span<const std::uint8_t> payload,
                        sluice::inspect::quic::Dialect dialect, sluice::flow::Assembly& stream) {
  sluice::inspect::quic::FrameReader reader(payload, dialect);
  std::uint64_t offset = 0;
  std::span<const std::uint8_t> octets;
  std::size_t count = 0;
  while (reader.next_crypto(offset, octets)) {
    count += octets.size();
    (void)stream.write(offset, octets);
  }
  return count;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  namespace quic = inspect::quic;
  static flow::AssemblyStorage<2048> storage;
  flow::Assembly stream(storage);
  // Two packets, so that the second meets what the first left.
  const std::span bytes(data, size);
  const std::size_t cut = size == 0 ? 0 : data[0] * size / 256;
  const auto dialect = size % 2 == 0 ? quic::Dialect::ietf : quic::Dialect::google;
  std::uint32_t crypto_octets = 0;
  for (const auto payload : {bytes.first(cut), bytes.subspan(cut)}) {
    const std::size_t read = read_frames(payload, dialect, stream);
    SLUICE_EXPECT(read <= payload.size());
    crypto_octets += static_cast<std::uint32_t>(read);
  }
  SLUICE_EXPECT(stream.end() <= stream.capacity());
  SLUICE_EXPECT(stream.contiguous().size() <= stream.end());
  SLUICE_EXPECT(stream.contiguous().size() <= crypto_octets);
  // Once more, it is all there already: nothing grows, and nothing is another value than before
  // unless it was the first time.
  const std::uint32_t end = stream.end();
  const std::size_t contiguous = stream.contiguous().size();
  (void)read_frames(bytes.first(cut), dialect, stream);
  SLUICE_EXPECT(stream.end() == end && stream.contiguous().size() == contiguous);
  inspect::tls::ClientHello hello;
  if (contiguous > 0) (void)inspect::tls::parse_handshake(stream.contiguous(), hello);
  if (quic::parse_chlo(stream.contiguous(), hello.names[0]) == inspect::Outcome::found) {
    hello.name_count = std::max<std::size_t>(hello.name_count, 1);
  }
  for (std::size_t i = 0; i < hello.name_count; ++i) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(hello.names[i].data());
    SLUICE_EXPECT(hello.names[i].empty() ||
                  (at >= storage.bytes && at + hello.names[i].size() <= storage.bytes + end));
  }
  return 0;
}
