// Any octets as one client's TCP stream, and how it is cut, shuffled, repeated and overlapped into
// segments: the names of the stream in one piece are found, and what goes on of a stream that is
// blocked does not tell a server the blocked name.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/reply_check.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::fuzz {
namespace {

using pipeline::Fate;
using test::Bytes;

constexpr std::size_t kMaxStream = 6000;
constexpr std::uint32_t kStart = 0xfffff000;  // the sequence numbers wrap on the way
constexpr std::array<std::uint16_t, 5> kPorts = {443, 80, 53, 1080, 4711};

/// (protocol, name): what a stream asks for.
using Names = std::set<std::pair<stats::Protocol, std::string>>;

struct Segment {
  std::size_t offset = 0;
  std::size_t octets = 0;
};

struct Plan {
  std::uint16_t port = 0;
  std::size_t burst = 1;
  std::vector<Segment> segments;
};

/// Segments wherever the input puts them; then, so that all of the stream is sent, the rest of it
/// in pieces of one size, forward or backward.
Plan decode(Input& input, std::span<const std::uint8_t>& stream) {
  Plan plan;
  const std::uint8_t what = input.next8();
  plan.port = kPorts[what % kPorts.size()];
  constexpr std::array<std::size_t, 4> kBursts = {1, 2, 7, pipeline::kBurst};
  plan.burst = kBursts[what >> 6];
  const bool backward = (what & 0x20) != 0;
  const std::size_t piece = 1U + input.next8();
  const unsigned chosen = input.next8() % 48;
  std::vector<std::pair<std::uint16_t, std::uint8_t>> places;
  for (unsigned i = 0; i < chosen; ++i) {
    const std::uint16_t at = input.next16();
    places.emplace_back(at, input.next8());
  }
  stream = input.take(kMaxStream);
  if (stream.empty()) return plan;
  std::vector<bool> sent(stream.size());
  const auto send = [&](std::size_t offset, std::size_t octets) {
    octets = std::min(octets, stream.size() - offset);
    plan.segments.push_back({offset, octets});
    for (std::size_t i = 0; i < octets; ++i) sent[offset + i] = true;
  };
  for (const auto& [at, octets] : places) send(at % stream.size(), 1U + octets);
  const std::size_t pieces = (stream.size() + piece - 1) / piece;
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t offset = (backward ? pieces - 1 - i : i) * piece;
    const auto from = sent.begin() + static_cast<std::ptrdiff_t>(offset);
    const auto length = static_cast<std::ptrdiff_t>(std::min(piece, stream.size() - offset));
    if (std::find(from, from + length, false) != from + length) send(offset, piece);
  }
  return plan;
}

Bytes make_segment(std::span<const std::uint8_t> stream, const Segment& segment,
                   std::uint16_t port) {
  const auto octets = stream.subspan(segment.offset, segment.octets);
  return test::frame({octets.begin(), octets.end()},
                     {.protocol = packet::kProtocolTcp,
                      .destination_port = port,
                      .sequence = static_cast<std::uint32_t>(kStart + 1 + segment.offset)});
}

Bytes make_syn(std::uint16_t port) {
  return test::frame({}, {.protocol = packet::kProtocolTcp,
                          .destination_port = port,
                          .sequence = kStart,
                          .acknowledgement = 0,
                          .tcp_flags = packet::kTcpSyn});
}

struct Sent {
  Names found;
  Names blocked;
  bool refused = false;
  std::vector<Segment> forwarded;
};

class Gateway {
 public:
  explicit Gateway(const std::shared_ptr<const generation::Generation>& generation)
      : snapshot_(make_snapshot(generation, policy::DnsAnswer::nxdomain)) {}

  /// A SYN, and then the segments.
  Sent send(std::span<const std::uint8_t> stream, const Plan& plan) {
    now_ms_ += 100'000;  // no flow, SYN or allowance of an earlier stream counts any more
    Sent sent;
    std::vector<Bytes> frames = {make_syn(plan.port)};
    process(frames, {}, sent);
    for (std::size_t at = 0; at < plan.segments.size(); at += plan.burst) {
      const auto segments =
          std::span(plan.segments).subspan(at, std::min(plan.burst, plan.segments.size() - at));
      frames.clear();
      for (const Segment& segment : segments) {
        frames.push_back(make_segment(stream, segment, plan.port));
      }
      process(frames, segments, sent);
    }
    return sent;
  }

 private:
  void process(std::vector<Bytes>& frames, std::span<const Segment> segments, Sent& sent) {
    std::array<pipeline::Packet, pipeline::kBurst> packets;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto length = static_cast<std::uint32_t>(frames[i].size());
      packets[i] = {.data = frames[i].data(), .length = length, .capacity = length, .judge = true};
    }
    pipeline_.process(*snapshot_, {packets.data(), frames.size()}, ++now_ms_);
    const auto findings = pipeline_.findings();
    for (std::size_t i = 0; i < findings.size(); ++i) {
      const auto key = pipeline_.name(i).view();
      const std::pair name(findings[i].protocol, std::string(key));
      sent.found.insert(name);
      if (findings[i].verdict.action != policy::Action::block) continue;
      SLUICE_EXPECT(packets[findings[i].packet].fate == Fate::drop);
      sent.blocked.insert(name);
    }
    SLUICE_EXPECT(segments.size() == frames.size() || packets[0].fate == Fate::forward);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      // Behind what was refused, nothing of the flow goes on.
      if (packets[i].fate == Fate::drop) sent.refused = true;
      SLUICE_EXPECT(packets[i].fate == (sent.refused ? Fate::drop : Fate::forward));
      if (!sent.refused) sent.forwarded.push_back(segments[i]);
    }
    for (const pipeline::Emission& emission : pipeline_.emissions()) {
      check_made_frame({emission.bytes.data(), emission.length}, packet::FrameKind::tcp);
    }
  }

  std::shared_ptr<const index::Snapshot> snapshot_;
  stats::Counters counters_;
  pipeline::Pipeline pipeline_{0, 7, counters_, nullptr};
  std::uint64_t now_ms_ = 0;
};

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  static Gateway passing(make_empty_generation());
  static Gateway blocking(make_generation());
  Input input(data, size);
  std::span<const std::uint8_t> stream;
  const Plan plan = decode(input, stream);
  if (stream.empty()) return 0;
  const Sent whole = passing.send(stream, {plan.port, 1, {{0, stream.size()}}});
  const Sent cut = passing.send(stream, plan);
  // What is no stream of ours as a whole may have pieces that look like the start of one.
  SLUICE_EXPECT(
      std::includes(cut.found.begin(), cut.found.end(), whole.found.begin(), whole.found.end()));
  SLUICE_EXPECT(!cut.refused && !whole.refused);

  const Sent judged = blocking.send(stream, plan);
  SLUICE_EXPECT(judged.blocked.empty() != judged.refused);
  const Sent reaches = passing.send(stream, {plan.port, 1, judged.forwarded});
  for (const auto& name : judged.blocked) SLUICE_EXPECT(!reaches.found.contains(name));
  return 0;
}
