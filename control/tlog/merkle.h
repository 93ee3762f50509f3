// Merkle tree hashes and proofs of RFC 6962 section 2.1, checked by the algorithms of RFC 9162
// sections 2.1.3.2 and 2.1.4.2.
//
// Thread safety: free functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::tlog {

inline constexpr std::size_t kHashOctets = 32;
using Hash = std::array<std::uint8_t, kHashOctets>;

/// The most hashes that a proof in a tree of less than 2^63 leaves has.
inline constexpr std::size_t kMaxProofHashes = 63;

[[nodiscard]] Hash sha256_of(std::string_view octets);
[[nodiscard]] Hash leaf_hash(std::string_view entry);
[[nodiscard]] Hash node_hash(const Hash& left, const Hash& right);
/// Of the tree without leaves.
[[nodiscard]] Hash empty_root();

/// The root that a leaf leads to; nullopt where the proof has not the length that it must have, or
/// the index is not in the tree.
[[nodiscard]] std::optional<Hash> root_of_inclusion(const Hash& leaf, std::uint64_t index,
                                                    std::uint64_t size,
                                                    std::span<const Hash> proof);

/// Whether the tree of `size` begins with the tree of `old_size`.
[[nodiscard]] bool is_consistent(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                                 const Hash& root, std::span<const Hash> proof);

[[nodiscard]] std::string_view octets_of(const Hash& hash);
/// Of exactly 32 octets.
[[nodiscard]] Hash hash_from(std::string_view octets);
[[nodiscard]] std::string to_base64(const Hash& hash);
[[nodiscard]] std::optional<Hash> hash_from_base64(std::string_view text);

}  // namespace sluice::tlog
