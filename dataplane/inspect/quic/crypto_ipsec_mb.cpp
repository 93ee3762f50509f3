// AES by Intel's multi-buffer library, through its direct calls: a packet at a time, no jobs. A
// single block is done here: the library's calls expand a key for many. So is the opening of
// packets where GcmAesNi works.
#include <algorithm>
#include <array>
#include <cstring>
#include <immintrin.h>
#include <utility>

#include <intel-ipsec-mb.h>

#include "dataplane/inspect/quic/crypto.h"
#include "dataplane/inspect/quic/expand_key.h"
#include "dataplane/inspect/quic/gcm_aes_ni.h"

namespace sluice::inspect::quic {
namespace {

/// FIPS 197 section 5.2, a round key at a time, beside the rounds; a block waits for its own only,
/// so that several take little longer than one.
template <std::size_t kCount>
__attribute__((target("aes,avx"))) void encrypt_by_aes_ni(std::span<Crypto::Block> blocks) {
  __m128i keys[kCount];
  __m128i states[kCount];
  for (std::size_t i = 0; i < kCount; ++i) {
    keys[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks[i].key->data()));
    states[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks[i].octets.data()));
    states[i] = _mm_xor_si128(states[i], keys[i]);
  }
#pragma GCC unroll 10
  for (std::size_t round = 0; round < kRoundConstants.size(); ++round) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kCount; ++i) {
      keys[i] = expand_key(keys[i], kRoundConstants[round]);
      states[i] = round + 1 < kRoundConstants.size() ? _mm_aesenc_si128(states[i], keys[i])
                                                     : _mm_aesenclast_si128(states[i], keys[i]);
    }
  }
  for (std::size_t i = 0; i < kCount; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(blocks[i].octets.data()), states[i]);
  }
}

constexpr int kRoundKeyWords = 4 * 15;

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

}  // namespace

struct Crypto::Engine {
  GcmAesNi opener;
  alignas(64) gcm_key_data key;
  alignas(64) gcm_context_data context;
  alignas(16) std::uint32_t encrypt[kRoundKeyWords];
  alignas(16) std::uint32_t decrypt[kRoundKeyWords];
  std::unique_ptr<IMB_MGR, FreeManager> manager{alloc_mb_mgr(0)};
  const bool aes_ni = __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("avx") != 0;
  const bool opens_itself = GcmAesNi::works_here();
};

Crypto::Crypto(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Crypto::~Crypto() = default;

std::unique_ptr<Crypto> Crypto::create() {
  auto engine = std::make_unique<Engine>();
  IMB_MGR* manager = engine->manager.get();
  if (manager == nullptr) return nullptr;
  init_mb_mgr_auto(manager, nullptr);
  if (imb_get_errno(manager) != 0) return nullptr;
  return std::unique_ptr<Crypto>(new Crypto(std::move(engine)));
}

AesBlock Crypto::encrypt(const AesBlock& key, std::span<const std::uint8_t, 16> block) {
  std::array<Block, 1> one = {{{&key, {}}}};
  std::copy(block.begin(), block.end(), one[0].octets.begin());
  encrypt(one);
  return one[0].octets;
}

void Crypto::encrypt(std::span<Block> blocks) {
  Engine& e = *engine_;
  if (e.aes_ni) {
    switch (blocks.size()) {
      case 1:
        return encrypt_by_aes_ni<1>(blocks);
      case 2:
        return encrypt_by_aes_ni<2>(blocks);
      case 3:
        return encrypt_by_aes_ni<3>(blocks);
      case 4:
        return encrypt_by_aes_ni<4>(blocks);
      default:
        return;
    }
  }
  for (Block& block : blocks) {
    // One block in cipher feedback mode is the block that enciphers the IV, over the text: with a
    // text of zeros, the IV's own cipher text.
    const AesBlock zeros{};
    const AesBlock iv = block.octets;
    IMB_AES_KEYEXP_128(e.manager.get(), block.key->data(), e.encrypt, e.decrypt);
    IMB_AES128_CFB_ONE(e.manager.get(), block.octets.data(), zeros.data(), iv.data(), e.encrypt,
                       zeros.size());
  }
}

AesBlock Crypto::begin(const Keys& keys, std::span<const std::uint8_t, kSampleOctets> sample) {
  keys_ = keys;
  if (engine_->opens_itself) return engine_->opener.begin(keys, sample);
  IMB_AES128_GCM_PRE(engine_->manager.get(), keys.key.data(), &engine_->key);
  return header_mask(keys, sample);
}

bool Crypto::open(std::uint64_t packet_number, std::span<const std::uint8_t> header,
                  std::span<const std::uint8_t> sealed, std::uint8_t* out) {
  if (sealed.size() < kTagOctets) return false;
  Engine& e = *engine_;
  const auto nonce = make_nonce(keys_, packet_number);
  const auto encrypted = sealed.first(sealed.size() - kTagOctets);
  if (e.opens_itself) return e.opener.open(nonce, header, encrypted, out);
  std::array<std::uint8_t, kTagOctets> tag;
  IMB_AES128_GCM_DEC(e.manager.get(), &e.key, &e.context, out, encrypted.data(), encrypted.size(),
                     nonce.data(), header.data(), header.size(), tag.data(), tag.size());
  // Anyone can derive these keys: there is nothing to be learnt from the time that this takes.
  return std::memcmp(tag.data(), sealed.data() + encrypted.size(), tag.size()) == 0;
}

bool Crypto::seal(const Keys& keys, std::uint64_t packet_number,
                  std::span<const std::uint8_t> header, std::span<const std::uint8_t> plain,
                  std::uint8_t* out) {
  Engine& e = *engine_;
  const auto nonce = make_nonce(keys, packet_number);
  IMB_AES128_GCM_PRE(e.manager.get(), keys.key.data(), &e.key);
  IMB_AES128_GCM_ENC(e.manager.get(), &e.key, &e.context, out, plain.data(), plain.size(),
                     nonce.data(), header.data(), header.size(), out + plain.size(), kTagOctets);
  return true;
}

}  // namespace sluice::inspect::quic
