// AES by Intel's multi-buffer library, through its direct calls: a packet at a time, no jobs.
#include <algorithm>
#include <cstring>
#include <utility>

#include <intel-ipsec-mb.h>

#include "dataplane/inspect/quic/crypto.h"

namespace sluice::inspect::quic {
namespace {

using Block = std::array<std::uint8_t, 16>;
constexpr int kRoundKeyWords = 4 * 15;

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

}  // namespace

struct Crypto::Engine {
  alignas(64) gcm_key_data key;
  alignas(64) gcm_context_data context;
  alignas(16) std::uint32_t encrypt[kRoundKeyWords];
  alignas(16) std::uint32_t decrypt[kRoundKeyWords];
  std::unique_ptr<IMB_MGR, FreeManager> manager{alloc_mb_mgr(0)};
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

std::array<std::uint8_t, 5> Crypto::header_mask(
    const Keys& keys, std::span<const std::uint8_t, kSampleOctets> sample) {
  Engine& e = *engine_;
  // One block in cipher feedback mode is the block that enciphers the IV, over the text: with a
  // text of zeros, the sample's own cipher text.
  const Block zeros{};
  Block block;
  IMB_AES_KEYEXP_128(e.manager.get(), keys.header.data(), e.encrypt, e.decrypt);
  IMB_AES128_CFB_ONE(e.manager.get(), block.data(), zeros.data(), sample.data(), e.encrypt,
                     block.size());
  std::array<std::uint8_t, 5> mask;
  std::copy_n(block.begin(), mask.size(), mask.begin());
  return mask;
}

bool Crypto::open(const Keys& keys, std::uint64_t packet_number,
                  std::span<const std::uint8_t> header, std::span<const std::uint8_t> sealed,
                  std::uint8_t* out) {
  if (sealed.size() < kTagOctets) return false;
  Engine& e = *engine_;
  const auto nonce = make_nonce(keys, packet_number);
  const auto encrypted = sealed.first(sealed.size() - kTagOctets);
  std::array<std::uint8_t, kTagOctets> tag;
  IMB_AES128_GCM_PRE(e.manager.get(), keys.key.data(), &e.key);
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
