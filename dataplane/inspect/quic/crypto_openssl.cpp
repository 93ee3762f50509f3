// AES by OpenSSL.
#include <algorithm>
#include <cstring>
#include <openssl/evp.h>

#include "dataplane/inspect/quic/crypto.h"

namespace sluice::inspect::quic {
namespace {

int length(std::span<const std::uint8_t> octets) { return static_cast<int>(octets.size()); }

struct Free {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

}  // namespace

struct Crypto::Engine {
  std::unique_ptr<EVP_CIPHER, Free> gcm{EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)};
  std::unique_ptr<EVP_CIPHER, Free> ecb{EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)};
  std::unique_ptr<EVP_CIPHER_CTX, Free> opener{EVP_CIPHER_CTX_new()};
  std::unique_ptr<EVP_CIPHER_CTX, Free> sealer{EVP_CIPHER_CTX_new()};
  std::unique_ptr<EVP_CIPHER_CTX, Free> masker{EVP_CIPHER_CTX_new()};
};

Crypto::Crypto(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Crypto::~Crypto() = default;

std::unique_ptr<Crypto> Crypto::create() {
  auto engine = std::make_unique<Engine>();
  Engine& e = *engine;
  const bool right =
      e.gcm && e.ecb && e.opener && e.sealer && e.masker &&
      EVP_DecryptInit_ex2(e.opener.get(), e.gcm.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_EncryptInit_ex2(e.sealer.get(), e.gcm.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_EncryptInit_ex2(e.masker.get(), e.ecb.get(), nullptr, nullptr, nullptr) == 1;
  if (!right) return nullptr;
  std::unique_ptr<Crypto> made(new Crypto(std::move(engine)));
  // The first use of each lets OpenSSL set up what it keeps.
  Keys keys{};
  std::array<std::uint8_t, kTagOctets> tag{};
  if (!made->seal(keys, 0, {}, {}, tag.data())) return nullptr;
  (void)made->begin(keys, tag);
  if (!made->open(0, {}, tag, tag.data())) return nullptr;
  return made;
}

AesBlock Crypto::encrypt(const AesBlock& key, std::span<const std::uint8_t, 16> block) {
  AesBlock out{};
  int written = 0;
  EVP_EncryptInit_ex2(engine_->masker.get(), nullptr, key.data(), nullptr, nullptr);
  EVP_EncryptUpdate(engine_->masker.get(), out.data(), &written, block.data(), length(block));
  return out;
}

void Crypto::encrypt(std::span<Block> blocks) {
  for (Block& block : blocks) block.octets = encrypt(*block.key, block.octets);
}

AesBlock Crypto::begin(const Keys& keys, std::span<const std::uint8_t, kSampleOctets> sample) {
  keys_ = keys;
  return header_mask(keys, sample);
}

bool Crypto::open(std::uint64_t packet_number, std::span<const std::uint8_t> header,
                  std::span<const std::uint8_t> sealed, std::uint8_t* out) {
  if (sealed.size() < kTagOctets) return false;
  const auto nonce = make_nonce(keys_, packet_number);
  const auto encrypted = sealed.first(sealed.size() - kTagOctets);
  std::array<std::uint8_t, kTagOctets> tag;
  std::memcpy(tag.data(), sealed.data() + encrypted.size(), kTagOctets);
  EVP_CIPHER_CTX* context = engine_->opener.get();
  int written = 0;
  return EVP_DecryptInit_ex2(context, nullptr, keys_.key.data(), nonce.data(), nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagOctets, tag.data()) == 1 &&
         EVP_DecryptUpdate(context, nullptr, &written, header.data(), length(header)) == 1 &&
         EVP_DecryptUpdate(context, out, &written, encrypted.data(), length(encrypted)) == 1 &&
         EVP_DecryptFinal_ex(context, out + written, &written) == 1;
}

bool Crypto::seal(const Keys& keys, std::uint64_t packet_number,
                  std::span<const std::uint8_t> header, std::span<const std::uint8_t> plain,
                  std::uint8_t* out) {
  const auto nonce = make_nonce(keys, packet_number);
  EVP_CIPHER_CTX* context = engine_->sealer.get();
  int written = 0;
  return EVP_EncryptInit_ex2(context, nullptr, keys.key.data(), nonce.data(), nullptr) == 1 &&
         EVP_EncryptUpdate(context, nullptr, &written, header.data(), length(header)) == 1 &&
         EVP_EncryptUpdate(context, out, &written, plain.data(), length(plain)) == 1 &&
         EVP_EncryptFinal_ex(context, out + plain.size(), &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagOctets, out + plain.size()) == 1;
}

}  // namespace sluice::inspect::quic
