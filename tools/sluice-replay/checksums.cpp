#include "tools/sluice-replay/checksums.h"

#include "dataplane/flow/key.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/frame.h"
#include "tools/sluice-replay/capture.h"

namespace sluice::replay {
namespace {

// Where a segment's octets stand: its flow, hashed, and its sequence number.
std::pair<std::uint64_t, std::uint32_t> place_of(std::span<const std::uint8_t> bytes,
                                                 const packet::Frame& frame) {
  const packet::TcpFields tcp = packet::tcp_fields(bytes, frame);
  const flow::Key key{.client = packet::source_address(bytes, frame),
                      .server = packet::destination_address(bytes, frame),
                      .client_port = tcp.source_port,
                      .server_port = tcp.destination_port};
  return {flow::hash(key, 1), tcp.sequence};
}

}  // namespace

void Checksums::learn(const std::filesystem::path& capture) {
  senders_.clear();
  good_.clear();
  if (mode_ != Mode::automatic) return;
  auto reader = Reader::open(capture);
  if (!reader) return;
  for (;;) {
    auto packet = reader->next();
    if (!packet || !*packet) return;
    const auto bytes = (*packet)->ethernet_view();
    const packet::Frame frame = packet::parse_frame(bytes);
    if (frame.kind != packet::FrameKind::tcp || frame.cut) continue;
    const auto addresses =
        bytes.subspan(frame.network_offset + (frame.ipv6 ? 8U : 12U), frame.ipv6 ? 32 : 8);
    const std::size_t octets =
        frame.payload_offset + std::size_t{frame.payload_length} - frame.transport_offset;
    const auto state =
        packet::tcp_checksum(addresses, bytes.subspan(frame.transport_offset, octets));
    if (state == packet::ChecksumState::good && frame.payload_length > 0) {
      good_.insert(place_of(bytes, frame));
    }
    Count& count = senders_[packet::source_address(bytes, frame)];
    ++(state == packet::ChecksumState::good ? count.good : count.bad);
  }
}

bool Checksums::says_nothing(std::span<const std::uint8_t> ethernet) const {
  if (mode_ != Mode::automatic) return mode_ == Mode::ignore;
  const packet::Frame frame = packet::parse_frame(ethernet);
  if (frame.kind != packet::FrameKind::tcp) return false;
  const auto found = senders_.find(packet::source_address(ethernet, frame));
  if (found != senders_.end() && found->second.bad > found->second.good) return true;
  return !good_.contains(place_of(ethernet, frame));
}

}  // namespace sluice::replay
