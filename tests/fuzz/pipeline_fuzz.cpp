// Any octets as frames from both sides, in bursts, while the clock moves, through the whole
// pipeline: each leaves as it came, or becomes a right answer, or is withheld with right frames
// beside it.
//
// An input is frames: an octet of flags (kFromServer…), the length in two, and the frame.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/neighbour/book.h"
#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/reply_check.h"

namespace sluice::fuzz {
namespace {

using pipeline::Fate;

constexpr std::uint8_t kFromServer = 0x01;  // not from a client
constexpr std::uint8_t kFromBoth = 0x02;    // as in a capture, which does not tell
constexpr std::uint8_t kNoRoom = 0x04;      // for an answer longer than the frame
constexpr std::uint8_t kSnapped = 0x08;
constexpr std::uint8_t kTrustChecksum = 0x10;
constexpr std::uint8_t kEndsBurst = 0x20;
constexpr unsigned kClockShift = 6;  // of the step of the clock that follows the burst
constexpr std::array<std::uint64_t, 4> kStepsMs = {0, 20, 1'100, 31'000};

constexpr std::size_t kRoom = 512;
constexpr std::size_t kMaxFrames = 64;

struct Sent {
  std::uint8_t flags = 0;
  std::span<const std::uint8_t> frame;
  std::unique_ptr<std::uint8_t[]> buffer;  // of the capacity, for ASan to see every write past it
};

bool is_tcp(std::span<const std::uint8_t> bytes) {
  return packet::parse_frame(bytes).kind == packet::FrameKind::tcp;
}

/// `changed` is `frame` but for TCP's URG and urgent pointer, and its checksum is as right.
void check_urgent_cleared(std::span<const std::uint8_t> frame,
                          std::span<const std::uint8_t> changed) {
  const packet::Frame parsed = packet::parse_frame(frame);
  SLUICE_EXPECT(parsed.kind == packet::FrameKind::tcp && frame.size() == changed.size());
  std::vector<std::uint8_t> expected(frame.begin(), frame.end());
  const std::size_t tcp = parsed.transport_offset;
  expected[tcp + 13] &= static_cast<std::uint8_t>(~packet::kTcpUrg);
  packet::store16(&expected[tcp + 18], 0);
  packet::store16(&expected[tcp + 16], packet::load16(&changed[tcp + 16]));
  SLUICE_EXPECT(std::equal(expected.begin(), expected.end(), changed.begin()));
  const auto sum = [&](std::span<const std::uint8_t> bytes) {
    return ones_sum(bytes.subspan(tcp, 20)) % 0xffff;  // nothing else has changed
  };
  SLUICE_EXPECT(sum(frame) == sum(changed));
}

void check_emissions(const pipeline::Pipeline& pipeline,
                     std::span<const pipeline::Packet> packets) {
  for (const pipeline::Emission& emission : pipeline.emissions()) {
    SLUICE_EXPECT(emission.packet < packets.size());
    SLUICE_EXPECT(packets[emission.packet].fate == Fate::drop);
    const std::span bytes(emission.bytes.data(), emission.length);
    if (!is_tcp(bytes)) {  // a QUIC Initial with CONNECTION_CLOSE, or a query of our own
      const packet::Frame frame = check_made_frame(bytes, packet::FrameKind::udp);
      if (emission.way == packet::Way::onward) {
        SLUICE_EXPECT(frame.payload_length > 12 && (bytes[frame.payload_offset + 2U] & 0x80) == 0);
        continue;
      }
      SLUICE_EXPECT((bytes[frame.payload_offset] & 0xc0) == 0xc0);
      SLUICE_EXPECT(emission.way == packet::Way::back);
      continue;
    }
    const packet::Frame frame = check_made_frame(bytes, packet::FrameKind::tcp);
    const std::uint8_t flags = packet::tcp_fields(bytes, frame).flags;
    if ((flags & packet::kTcpRst) != 0) {
      SLUICE_EXPECT(frame.payload_length == 0);
    } else {
      SLUICE_EXPECT((flags & packet::kTcpFin) != 0 && (flags & packet::kTcpSyn) == 0);
      SLUICE_EXPECT(frame.payload_length > 0);
    }
  }
}

void check_findings(const pipeline::Pipeline& pipeline, std::size_t packets, std::size_t groups) {
  const auto findings = pipeline.findings();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    SLUICE_EXPECT(findings[i].packet < packets && pipeline.group(findings[i]) < groups);
    SLUICE_EXPECT(findings[i].listed_labels <= pipeline.name(i).label_count);
    SLUICE_EXPECT(pipeline.name(i).view().size() <= name::kMaxWireOctets);
  }
}

void check_packet(const pipeline::Packet& packet, const Sent& sent) {
  SLUICE_EXPECT(packet.length <= packet.capacity);
  const std::span<const std::uint8_t> bytes(packet.data, packet.length);
  const bool same = std::equal(bytes.begin(), bytes.end(), sent.frame.begin(), sent.frame.end());
  switch (packet.fate) {
    case Fate::forward:
      SLUICE_EXPECT(same);
      return;
    case Fate::drop:
      // A rewritten response of safe search may be refused, and find no room for that.
      if (!same && is_tcp(sent.frame)) check_urgent_cleared(sent.frame, bytes);
      return;
    case Fate::rewrite:
      if (is_tcp(bytes)) return check_urgent_cleared(sent.frame, bytes);
      break;
    case Fate::reply:
      SLUICE_EXPECT(packet.judge);
      break;
  }
  const packet::Frame frame = check_made_frame(bytes, packet::FrameKind::udp);
  SLUICE_EXPECT(frame.payload_length >= 12);
  const bool answer = (bytes[frame.payload_offset + 2U] & 0x80) != 0;
  // A query goes on as one for another name.
  SLUICE_EXPECT(answer ? packet.answers || packet.fate == Fate::reply : packet.judge);
}

class Gateway {
 public:
  explicit Gateway(std::unique_ptr<const index::Snapshot> snapshot)
      : snapshot_(std::move(snapshot)) {}

  /// What earlier inputs left is over.
  void begin() { now_ms_ += 100'000; }

  void process(std::span<Sent> burst) {
    std::array<pipeline::Packet, pipeline::kBurst> packets;
    for (std::size_t i = 0; i < burst.size(); ++i) {
      Sent& sent = burst[i];
      const std::size_t capacity = sent.frame.size() + ((sent.flags & kNoRoom) != 0 ? 0 : kRoom);
      sent.buffer = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
      std::copy(sent.frame.begin(), sent.frame.end(), sent.buffer.get());
      packets[i] = {.data = sent.buffer.get(),
                    .length = static_cast<std::uint32_t>(sent.frame.size()),
                    .capacity = static_cast<std::uint32_t>(capacity),
                    .judge = (sent.flags & (kFromServer | kFromBoth)) != kFromServer,
                    .answers = (sent.flags & (kFromServer | kFromBoth)) != 0,
                    .snapped = (sent.flags & kSnapped) != 0,
                    .trust_checksum = (sent.flags & kTrustChecksum) != 0};
    }
    const std::span processed(packets.data(), burst.size());
    pipeline_.process(*snapshot_, processed, now_ms_);
    check_emissions(pipeline_, processed);
    check_findings(pipeline_, burst.size(), snapshot_->groups().groups().size());
    for (std::size_t i = 0; i < burst.size(); ++i) check_packet(packets[i], burst[i]);
    now_ms_ += kStepsMs[burst.back().flags >> kClockShift];
    follow_devices();
    stats::BlockEvent event;
    while (events_.pop(event)) SLUICE_EXPECT(event.listed_length < name::kMaxWireOctets);
  }

 private:
  void follow_devices() {
    const auto now = static_cast<neighbour::Seconds>(now_ms_ / 1000);
    for (neighbour::Sighting seen; pipeline_.sightings().pop(seen);) neighbours_.add(seen, now);
    neighbours_.age(now);
    if (auto table = neighbours_.table(snapshot_->groups(), now)) {
      snapshot_->set_neighbours(std::move(table));
      (void)snapshot_->set_time(policy::Moment{1});
    }
  }

  std::unique_ptr<const index::Snapshot> snapshot_;
  neighbour::Book neighbours_;
  stats::Counters counters_;
  stats::EventRing events_;
  pipeline::Pipeline pipeline_{0, 7, counters_, &events_};
  std::uint64_t now_ms_ = 0;
};

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static const auto generation = fuzz::make_generation();
  static fuzz::Gateway nxdomain(
      fuzz::make_snapshot(generation, policy::DnsAnswer::nxdomain, policy::SafeSearch::strict));
  static fuzz::Gateway address(fuzz::make_snapshot(generation, policy::DnsAnswer::address));
  static fuzz::Gateway curated(fuzz::make_curated_snapshot(generation));
  nxdomain.begin();
  address.begin();
  curated.begin();
  fuzz::Input input(data, size);
  std::vector<fuzz::Sent> burst;
  for (std::size_t frames = 0; frames < fuzz::kMaxFrames && !input.empty(); ++frames) {
    const std::uint8_t flags = input.next8();
    const std::uint16_t length = input.next16();
    burst.push_back({flags, input.take(length), nullptr});
    const bool ends = (flags & fuzz::kEndsBurst) != 0 || input.empty();
    if (!ends && burst.size() < pipeline::kBurst) continue;
    nxdomain.process(burst);
    address.process(burst);
    curated.process(burst);
    burst.clear();
  }
  return 0;
}
