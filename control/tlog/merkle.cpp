#include "control/tlog/merkle.h"

#include <algorithm>
#include <bit>
#include <openssl/evp.h>

#include "control/tlog/base64.h"

namespace sluice::tlog {
namespace {

constexpr char kLeaf = 0;
constexpr char kNode = 1;

}  // namespace

Hash sha256_of(std::string_view octets) {
  Hash hash{};
  EVP_Digest(octets.data(), octets.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

Hash leaf_hash(std::string_view entry) {
  std::string text(1, kLeaf);
  return sha256_of(text.append(entry));
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<char, 1 + 2 * kHashOctets> text{kNode};
  std::copy(left.begin(), left.end(), text.begin() + 1);
  std::copy(right.begin(), right.end(), text.begin() + 1 + kHashOctets);
  return sha256_of({text.data(), text.size()});
}

Hash empty_root() { return sha256_of({}); }

std::optional<Hash> root_of_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                                      std::span<const Hash> proof) {
  if (index >= size) return std::nullopt;
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Hash root = leaf;
  for (const Hash& hash : proof) {
    if (last == 0) return std::nullopt;
    if ((node & 1U) != 0 || node == last) {
      root = node_hash(hash, root);
      const int skip = (node & 1U) != 0 ? 0 : std::countr_zero(node);
      node >>= skip;
      last >>= skip;
    } else {
      root = node_hash(root, hash);
    }
    node >>= 1U;
    last >>= 1U;
  }
  return last == 0 ? std::optional(root) : std::nullopt;
}

bool is_consistent(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                   const Hash& root, std::span<const Hash> proof) {
  if (old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  if (old_size == 0) return proof.empty() && old_root == empty_root();
  std::uint64_t node = old_size - 1;
  std::uint64_t last = size - 1;
  const int skip = std::countr_one(node);
  node >>= skip;
  last >>= skip;
  // Where the old tree is complete, its root is the first hash, and the proof leaves it out.
  std::size_t next = 0;
  if (!std::has_single_bit(old_size) && proof.empty()) return false;
  Hash left = std::has_single_bit(old_size) ? old_root : proof[next++];
  Hash whole = left;
  for (; next < proof.size(); ++next) {
    if (last == 0) return false;
    if ((node & 1U) != 0 || node == last) {
      left = node_hash(proof[next], left);
      whole = node_hash(proof[next], whole);
      const int over = (node & 1U) != 0 || node == 0 ? 0 : std::countr_zero(node);
      node >>= over;
      last >>= over;
    } else {
      whole = node_hash(whole, proof[next]);
    }
    node >>= 1U;
    last >>= 1U;
  }
  return last == 0 && left == old_root && whole == root;
}

std::string_view octets_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

Hash hash_from(std::string_view octets) {
  Hash hash{};
  std::copy_n(octets.begin(), std::min(octets.size(), hash.size()), hash.begin());
  return hash;
}

std::string to_base64(const Hash& hash) { return to_base64(octets_of(hash)); }

std::optional<Hash> hash_from_base64(std::string_view text) {
  const auto octets = from_base64(text);
  if (!octets || octets->size() != kHashOctets) return std::nullopt;
  return hash_from(*octets);
}

}  // namespace sluice::tlog
