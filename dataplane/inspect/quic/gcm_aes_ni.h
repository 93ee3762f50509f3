// AES-128-GCM of a packet whose key is new, as almost every Initial's is. A library spends a third
// of its time on taking the key in, step by step; here these steps go beside those of the header's
// key, and of a packet's blocks eight are deciphered and hashed at once. NIST SP 800-38D; RFC 9001
// sections 5.3 and 5.4.
//
// For processors with AES-NI, PCLMULQDQ and AVX; vectors of AES are used where there are any. The
// tests hold both against the library.
//
// Thread safety: a plain value of one lcore. Nothing allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <immintrin.h>
#include <span>

#include "dataplane/inspect/quic/gcm_blocks.h"
#include "dataplane/inspect/quic/keys.h"

namespace sluice::inspect::quic {

class GcmAesNi {
 public:
  /// Whether this processor has what it needs.
  [[nodiscard]] static bool works_here();
  /// Whether it has AVX2, VAES and VPCLMULQDQ as well, which take two blocks at once.
  [[nodiscard]] static bool has_pairs();

  explicit GcmAesNi(bool in_pairs = has_pairs()) : in_pairs_(in_pairs) {}

  /// Takes in the keys, for open(), and tells the mask over the header (RFC 9001 section 5.4.3).
  [[nodiscard]] AesBlock begin(const Keys& keys, std::span<const std::uint8_t, 16> sample);

  /// Decrypts `octets`, which the tag follows, into `out`; false if the tag does not fit, and then
  /// `out` holds nothing of use. As many octets as a block has less one may be written past them:
  /// there is room for the tag.
  [[nodiscard]] bool open(const std::array<std::uint8_t, 12>& nonce,
                          std::span<const std::uint8_t> header,
                          std::span<const std::uint8_t> octets, std::uint8_t* out) const;

 private:
  /// Blocks that are hashed before they are reduced: eight, and behind the last eight the lengths.
  static constexpr std::size_t kPowers = 9;

  __m128i round_keys_[gcm::kRounds + 1];
  __m128i powers_[kPowers];  // of the hash key, from the highest to the first
  bool in_pairs_;
};

}  // namespace sluice::inspect::quic
