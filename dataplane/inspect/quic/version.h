// The QUIC versions whose Initial packets can be opened, and what differs between them: RFC 9001
// section 5.2 (version 1), RFC 9369 section 3 (version 2), the drafts from 22 on, the first one
// with today's long header, and Google's last ones of its own, which are encrypted like them.
//
// Thread safety: constants.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/quic/hkdf.h"

namespace sluice::inspect::quic {

/// A version as the long header carries it. Any value may stand here; version_traits() tells the
/// known ones.
enum class Version : std::uint32_t {
  none = 0,  // Version Negotiation, on the wire
  v1 = 0x00000001,
  v2 = 0x6b3343cf,
  draft29 = 0xff00001d,
};

/// What an Initial carries: the IETF's frames with a TLS ClientHello, Google's frames with one
/// (T050, T051), or Google's with its own CHLO (Q050).
enum class Dialect : std::uint8_t { ietf, google_tls, google };

enum class PacketType : std::uint8_t { initial, zero_rtt, handshake, retry };

/// The info that HKDF-Expand hashes for one label and one block: HkdfLabel (RFC 8446 7.1, with an
/// empty context) and the counter octet (RFC 5869 2.3).
class HkdfInfo {
 public:
  consteval HkdfInfo(std::string_view label, std::uint8_t output_octets)
      : message_(last_block(Octets(label, output_octets).written())) {}
  [[nodiscard]] constexpr const Sha256Constant& message() const { return message_; }

 private:
  class Octets {
   public:
    consteval Octets(std::string_view label, std::uint8_t output_octets) {
      constexpr std::string_view kPrefix = "tls13 ";
      put(0);
      put(output_octets);
      put(static_cast<std::uint8_t>(kPrefix.size() + label.size()));
      for (const char c : kPrefix) put(static_cast<std::uint8_t>(c));
      for (const char c : label) put(static_cast<std::uint8_t>(c));
      put(0);
      put(1);
    }
    [[nodiscard]] consteval std::span<const std::uint8_t> written() const {
      return {octets_.data(), length_};
    }

   private:
    consteval void put(std::uint8_t octet) { octets_[length_++] = octet; }

    std::array<std::uint8_t, 24> octets_{};
    std::size_t length_ = 0;
  };

  Sha256Constant message_;
};

struct VersionTraits {
  std::array<std::uint8_t, 20> salt;
  HkdfInfo key;
  HkdfInfo iv;
  HkdfInfo header;
  std::array<PacketType, 4> types;  // by the two type bits of the first octet
  Dialect dialect = Dialect::ietf;
};

inline constexpr std::size_t kVersionTraits = 9;

/// Null for a version that is not known; else one of all_version_traits().
[[nodiscard]] const VersionTraits* version_traits(Version version);
[[nodiscard]] std::span<const VersionTraits, kVersionTraits> all_version_traits();

/// The type bits that stand for an Initial, where they belong in the first octet.
[[nodiscard]] std::uint8_t initial_type_bits(const VersionTraits& traits);

}  // namespace sluice::inspect::quic
