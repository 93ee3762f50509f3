// Any octets as a frame from inside, through the whole pipeline: it leaves as it came, or becomes a
// right answer, or is withheld with right resets beside it.
#include <algorithm>
#include <cstring>
#include <vector>

#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/fuzz/reply_check.h"

namespace sluice::fuzz {
namespace {

using pipeline::Fate;

void check_emissions(const pipeline::Pipeline& pipeline) {
  for (const pipeline::Emission& emission : pipeline.emissions()) {
    const std::span bytes(emission.bytes.data(), emission.length);
    const packet::Frame frame = check_made_frame(bytes, packet::FrameKind::tcp);
    SLUICE_EXPECT((packet::tcp_fields(bytes, frame).flags & packet::kTcpRst) != 0);
    SLUICE_EXPECT(frame.payload_length == 0);
  }
}

void check_findings(const pipeline::Pipeline& pipeline, std::size_t groups) {
  const auto findings = pipeline.findings();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    SLUICE_EXPECT(findings[i].packet == 0 && findings[i].group < groups);
    SLUICE_EXPECT(findings[i].listed_labels <= pipeline.name(i).label_count);
    SLUICE_EXPECT(pipeline.name(i).view().size() <= name::kMaxWireOctets);
  }
}

void run(const index::Snapshot& snapshot, std::span<const std::uint8_t> input, std::size_t room) {
  static stats::Counters counters;
  static stats::EventRing events;
  static pipeline::Pipeline pipeline(0, 7, counters, &events);
  std::vector<std::uint8_t> buffer(input.size() + room);
  if (!input.empty()) std::memcpy(buffer.data(), input.data(), input.size());
  pipeline::Packet packet{.data = buffer.data(),
                          .length = static_cast<std::uint32_t>(input.size()),
                          .capacity = static_cast<std::uint32_t>(buffer.size()),
                          .judge = true};
  pipeline.process(snapshot, {&packet, 1});
  check_emissions(pipeline);
  check_findings(pipeline, snapshot.groups().groups().size());
  if (packet.fate == Fate::reply) {
    SLUICE_EXPECT(packet.length <= packet.capacity && pipeline.emissions().empty());
    const std::span bytes(packet.data, packet.length);
    const packet::Frame frame = check_made_frame(bytes, packet::FrameKind::udp);
    SLUICE_EXPECT((bytes[frame.payload_offset + 2U] & 0x80) != 0);
  } else {
    SLUICE_EXPECT(packet.length == input.size());
    SLUICE_EXPECT(std::equal(input.begin(), input.end(), buffer.begin()));
    SLUICE_EXPECT(packet.fate == Fate::drop || pipeline.emissions().empty());
  }
  while (events.pop(*std::make_unique<stats::BlockEvent>())) {
  }
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static const auto generation = fuzz::make_generation();
  static const auto nxdomain = fuzz::make_snapshot(generation, policy::DnsAnswer::nxdomain);
  static const auto address = fuzz::make_snapshot(generation, policy::DnsAnswer::address);
  for (const std::size_t room : {std::size_t{0}, std::size_t{512}}) {
    fuzz::run(*nxdomain, {data, size}, room);
    fuzz::run(*address, {data, size}, room);
  }
  return 0;
}
