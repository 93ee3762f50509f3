// One packet that opens under two sets of keys, each with a payload of its own. GCM commits to no
// key: to a block of cipher text that is free, the difference of the two tags is linear, so that
// 128 equations over bits give a block for which there is none (Dodis et al., "Fast Message
// Franking", section 3).
#include <array>
#include <bitset>
#include <gtest/gtest.h>

#include "tests/unit/dataplane/quic/initial_builder.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice::inspect::quic {
namespace {

using test::Bytes;
using Bits = std::bitset<128>;

constexpr std::size_t kNumberOctets = 4;
constexpr std::size_t kBlock = 16;

Bits bits_of(std::span<const std::uint8_t> octets) {
  Bits bits;
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = (octets[i / 8] >> (i % 8) & 1) != 0;
  return bits;
}

/// x, where the sum of columns[i] over the bits i of x is `sum`; it is there but by bad luck.
Bits solve(std::array<Bits, 128> columns, Bits sum) {
  std::array<Bits, 128> from;  // which of the given columns each is the sum of now
  for (std::size_t i = 0; i < from.size(); ++i) from[i][i] = true;
  Bits x;
  for (std::size_t row = 0, next = 0; row < 128; ++row) {
    std::size_t at = next;
    while (at < 128 && !columns[at][row]) ++at;
    if (at == 128) continue;
    std::swap(columns[at], columns[next]);
    std::swap(from[at], from[next]);
    for (std::size_t i = next + 1; i < 128; ++i) {
      if (!columns[i][row]) continue;
      columns[i] ^= columns[next];
      from[i] ^= from[next];
    }
    if (sum[row]) {
      sum ^= columns[next];
      x ^= from[next];
    }
    ++next;
  }
  EXPECT_TRUE(sum.none());
  return x;
}

/// A packet under one of its two sets of keys.
struct Under {
  Keys keys;
  std::uint32_t number = 0;
  Bytes header;  // unprotected

  [[nodiscard]] Bytes apply_keystream(Crypto& crypto, const Bytes& octets) const {
    Bytes out(octets.size() + kTagOctets);
    EXPECT_TRUE(crypto.seal(keys, number, header, octets, out.data()));
    out.resize(octets.size());
    return out;
  }
  [[nodiscard]] Bytes tag(Crypto& crypto, const Bytes& sealed) const {
    Bytes out(sealed.size() + kTagOctets);
    EXPECT_TRUE(crypto.seal(keys, number, header, apply_keystream(crypto, sealed), out.data()));
    return {out.end() - kTagOctets, out.end()};
  }
};

/// A header under both, from one on the wire; false where the two disagree on its length.
bool unprotect(Crypto& crypto, const Bytes& header, const Bytes& sealed, Under& under) {
  const auto mask = crypto.header_mask(under.keys, std::span(sealed).first<kSampleOctets>());
  under.header = header;
  under.header[0] ^= mask[0] & 0x0f;
  under.number = 0;
  for (std::size_t i = 0; i < kNumberOctets; ++i) {
    std::uint8_t& octet = under.header[header.size() - kNumberOctets + i];
    octet ^= mask[1 + i];
    under.number = under.number << 8 | octet;
  }
  return (under.header[0] & 3) == kNumberOctets - 1;
}

/// To `destination`, under its keys with `payload`, and under those of `other` with whatever comes
/// of it, a PING first. `payload` is followed by a block that is free.
Bytes make_packet(Crypto& crypto, const Bytes& destination, const Bytes& other, Bytes payload) {
  const auto& traits = *version_traits(Version::v1);
  payload.resize((payload.size() + kBlock - 1) / kBlock * kBlock + kBlock);
  Bytes plain_header = {0xc0 | (kNumberOctets - 1), 0, 0, 0, 1};
  plain_header.push_back(static_cast<std::uint8_t>(destination.size()));
  test::put(plain_header, destination);
  plain_header.insert(plain_header.end(), {0, 0});  // no source ID, no token
  test::put_varint(plain_header, kNumberOctets + payload.size() + kTagOctets, 2);
  for (std::uint32_t number = 0; number < 100'000; ++number) {
    Under own{.keys = derive_keys(traits, destination, Side::client), .number = number};
    Under others{.keys = derive_keys(traits, other, Side::client)};
    Bytes sealed = own.apply_keystream(crypto, payload);
    Bytes header = plain_header;
    for (std::size_t i = kNumberOctets; i-- > 0;) {
      header.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    }
    Bytes wire = header;
    const auto mask = crypto.header_mask(own.keys, std::span(sealed).first<kSampleOctets>());
    wire[0] ^= mask[0] & 0x0f;
    for (std::size_t i = 0; i < kNumberOctets; ++i) {
      wire[wire.size() - kNumberOctets + i] ^= mask[1 + i];
    }
    if (!unprotect(crypto, wire, sealed, own) || !unprotect(crypto, wire, sealed, others)) continue;
    if (others.apply_keystream(crypto, sealed)[0] != 1) continue;

    const auto difference = [&](const Bytes& of) {
      return bits_of(own.tag(crypto, of)) ^ bits_of(others.tag(crypto, of));
    };
    const std::size_t free_at = sealed.size() - kBlock;
    std::fill(sealed.begin() + static_cast<std::ptrdiff_t>(free_at), sealed.end(), 0);
    const Bits constant = difference(sealed);
    std::array<Bits, 128> columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      Bytes one = sealed;
      one[free_at + i / 8] = static_cast<std::uint8_t>(1U << (i % 8));
      columns[i] = difference(one) ^ constant;
    }
    const Bits block = solve(columns, constant);
    for (std::size_t i = 0; i < block.size(); ++i) {
      sealed[free_at + i / 8] |= static_cast<std::uint8_t>(block[i] << (i % 8));
    }
    const Bytes tag = own.tag(crypto, sealed);
    EXPECT_EQ(tag, others.tag(crypto, sealed));
    return test::joined({wire, sealed, tag});
  }
  ADD_FAILURE() << "no packet number fits";
  return {};
}

TEST(QuicTwoKeys, BothPayloadsAreRead) {
  const auto crypto = Crypto::create();
  ASSERT_NE(crypto, nullptr);
  const Bytes first(8, 1);
  const Bytes second(8, 2);
  const Bytes permitted = test::handshake_hello("www.example.com", 300);
  const Bytes hidden = test::handshake_hello("www.example.net", 300);
  const Bytes packet = make_packet(*crypto, second, first, test::crypto_frame(0, hidden));

  // To a server that did not answer yet, `second` may be its own ID or begin a connection.
  test::Streams streams;
  Connection connection;
  const auto opened = streams.see(
      test::protect(test::crypto_frame(0, permitted), {.destination = first}), *crypto, connection);
  EXPECT_EQ(opened.hello.names[0], "www.example.com");
  const auto seen = streams.see(packet, *crypto, connection);
  EXPECT_EQ(seen.opened, 2U);
  EXPECT_EQ(seen.outcome, Outcome::found);
  EXPECT_EQ(seen.hello.names[0], "www.example.net");

  // Once both attempts are known, too.
  const auto again = streams.see(packet, *crypto, connection);
  EXPECT_EQ(again.opened, 2U);
}

}  // namespace
}  // namespace sluice::inspect::quic
