#include "dataplane/act/quic_close.h"

#include <array>
#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::act {
namespace {

namespace quic = inspect::quic;

constexpr std::uint8_t kConnectionClose = 0x1c;
constexpr std::uint8_t kConnectionRefused = 0x02;
constexpr std::uint16_t kTwoOctetVarint = 0x4000;
constexpr std::size_t kPacketNumberOctets = 2;
/// Above what a server has sent while it waits for a ClientHello, so that the client cannot take
/// the packet for a repeated one.
constexpr std::uint16_t kPacketNumber = 1000;

class Writer {
 public:
  explicit Writer(std::uint8_t* at) : start_(at), at_(at) {}

  void octet(std::size_t value) { *at_++ = static_cast<std::uint8_t>(value); }
  void two(std::size_t value) {
    packet::store16(at_, static_cast<std::uint16_t>(value));
    at_ += 2;
  }
  void four(std::uint32_t value) {
    packet::store32(at_, value);
    at_ += 4;
  }
  void connection_id(const quic::ConnectionId& id) {
    octet(id.length);
    std::memcpy(at_, id.bytes.data(), id.length);
    at_ += id.length;
  }
  void text(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  [[nodiscard]] std::size_t length() const { return static_cast<std::size_t>(at_ - start_); }

 private:
  std::uint8_t* start_;
  std::uint8_t* at_;
};

}  // namespace

std::size_t write_quic_close(const quic::Connection& connection, std::string_view reason,
                             quic::Crypto& crypto, std::uint8_t* out) {
  const quic::Origin* origin = connection.origin();
  if (origin == nullptr) return 0;
  const quic::VersionTraits* traits = quic::version_traits(origin->version);
  if (traits == nullptr || traits->dialect != quic::Dialect::ietf) return 0;

  std::array<std::uint8_t, 5 + kMaxQuicReasonOctets> frame;
  Writer body(frame.data());
  reason = reason.substr(0, kMaxQuicReasonOctets);
  body.octet(kConnectionClose);
  body.octet(kConnectionRefused);
  body.octet(0);  // no frame of the client's was the cause
  body.two(kTwoOctetVarint | reason.size());
  body.text(reason);

  Writer header(out);
  header.octet(0xc0 | quic::initial_type_bits(*traits) | (kPacketNumberOctets - 1));
  header.four(static_cast<std::uint32_t>(origin->version));
  header.connection_id(origin->source);
  // Once the server has answered, the client takes packets of that source only (RFC 9000 section
  // 7.2); before, of any.
  header.connection_id(origin->answered ? origin->server : origin->latest);
  header.octet(0);  // no token
  header.two(kTwoOctetVarint | (kPacketNumberOctets + body.length() + quic::kTagOctets));
  const std::size_t number_at = header.length();
  header.two(kPacketNumber);

  const quic::Keys keys =
      quic::derive_keys(*traits, origin->destination.octets(), quic::Side::server);
  if (!crypto.seal(keys, kPacketNumber, {out, header.length()}, {frame.data(), body.length()},
                   out + header.length())) {
    return 0;
  }
  const auto mask = crypto.header_mask(keys, std::span<const std::uint8_t, quic::kSampleOctets>(
                                                 out + number_at + 4, quic::kSampleOctets));
  out[0] ^= mask[0] & 0x0f;
  for (std::size_t i = 0; i < kPacketNumberOctets; ++i) out[number_at + i] ^= mask[i + 1];
  return header.length() + body.length() + quic::kTagOctets;
}

}  // namespace sluice::act
