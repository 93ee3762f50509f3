#include "dataplane/inspect/quic/crypto.h"

#include <algorithm>
#include <cstring>

#include "dataplane/inspect/quic/hkdf.h"

namespace sluice::inspect::quic {
namespace {

constexpr HkdfInfo kClientSecret("client in", 32);
constexpr HkdfInfo kServerSecret("server in", 32);

/// RFC 9001 section 5.3: the IV, with the packet number over its end.
std::array<std::uint8_t, 12> make_nonce(const Keys& keys, std::uint64_t packet_number) {
  std::array<std::uint8_t, 12> nonce = keys.iv;
  for (std::size_t i = nonce.size(); packet_number != 0; packet_number >>= 8) {
    nonce[--i] ^= static_cast<std::uint8_t>(packet_number);
  }
  return nonce;
}

int length(std::span<const std::uint8_t> octets) { return static_cast<int>(octets.size()); }

}  // namespace

Keys derive_keys(const VersionTraits& traits, std::span<const std::uint8_t> destination,
                 Side side) {
  const Digest initial = HmacKey(traits.salt).sign(destination);
  const HkdfInfo& label = side == Side::client ? kClientSecret : kServerSecret;
  const HmacKey secret(HmacKey(initial).sign(label.octets()));
  const Digest key = secret.sign(traits.key.octets());
  const Digest iv = secret.sign(traits.iv.octets());
  const Digest header = secret.sign(traits.header.octets());
  Keys keys;
  std::copy_n(key.begin(), keys.key.size(), keys.key.begin());
  std::copy_n(iv.begin(), keys.iv.size(), keys.iv.begin());
  std::copy_n(header.begin(), keys.header.size(), keys.header.begin());
  return keys;
}

std::unique_ptr<Crypto> Crypto::create() {
  std::unique_ptr<Crypto> made(new Crypto);
  made->gcm_.reset(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
  made->ecb_.reset(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr));
  made->opener_.reset(EVP_CIPHER_CTX_new());
  made->sealer_.reset(EVP_CIPHER_CTX_new());
  made->masker_.reset(EVP_CIPHER_CTX_new());
  const bool right =
      made->gcm_ && made->ecb_ && made->opener_ && made->sealer_ && made->masker_ &&
      EVP_DecryptInit_ex2(made->opener_.get(), made->gcm_.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_EncryptInit_ex2(made->sealer_.get(), made->gcm_.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_EncryptInit_ex2(made->masker_.get(), made->ecb_.get(), nullptr, nullptr, nullptr) == 1;
  if (!right) return nullptr;
  // The first use of each lets OpenSSL set up what it keeps.
  Keys keys{};
  std::array<std::uint8_t, kTagOctets> tag{};
  if (!made->seal(keys, 0, {}, {}, tag.data())) return nullptr;
  if (!made->open(keys, 0, {}, tag, tag.data())) return nullptr;
  (void)made->header_mask(keys, tag);
  return made;
}

std::array<std::uint8_t, 5> Crypto::header_mask(
    const Keys& keys, std::span<const std::uint8_t, kSampleOctets> sample) {
  std::array<std::uint8_t, kSampleOctets> block{};
  int written = 0;
  EVP_EncryptInit_ex2(masker_.get(), nullptr, keys.header.data(), nullptr, nullptr);
  EVP_EncryptUpdate(masker_.get(), block.data(), &written, sample.data(), length(sample));
  std::array<std::uint8_t, 5> mask;
  std::copy_n(block.begin(), mask.size(), mask.begin());
  return mask;
}

bool Crypto::open(const Keys& keys, std::uint64_t packet_number,
                  std::span<const std::uint8_t> header, std::span<const std::uint8_t> sealed,
                  std::uint8_t* out) {
  if (sealed.size() < kTagOctets) return false;
  const auto nonce = make_nonce(keys, packet_number);
  const auto encrypted = sealed.first(sealed.size() - kTagOctets);
  std::array<std::uint8_t, kTagOctets> tag;
  std::memcpy(tag.data(), sealed.data() + encrypted.size(), kTagOctets);
  EVP_CIPHER_CTX* context = opener_.get();
  int written = 0;
  return EVP_DecryptInit_ex2(context, nullptr, keys.key.data(), nonce.data(), nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagOctets, tag.data()) == 1 &&
         EVP_DecryptUpdate(context, nullptr, &written, header.data(), length(header)) == 1 &&
         EVP_DecryptUpdate(context, out, &written, encrypted.data(), length(encrypted)) == 1 &&
         EVP_DecryptFinal_ex(context, out + written, &written) == 1;
}

bool Crypto::seal(const Keys& keys, std::uint64_t packet_number,
                  std::span<const std::uint8_t> header, std::span<const std::uint8_t> plain,
                  std::uint8_t* out) {
  const auto nonce = make_nonce(keys, packet_number);
  EVP_CIPHER_CTX* context = sealer_.get();
  int written = 0;
  return EVP_EncryptInit_ex2(context, nullptr, keys.key.data(), nonce.data(), nullptr) == 1 &&
         EVP_EncryptUpdate(context, nullptr, &written, header.data(), length(header)) == 1 &&
         EVP_EncryptUpdate(context, out, &written, plain.data(), length(plain)) == 1 &&
         EVP_EncryptFinal_ex(context, out + plain.size(), &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagOctets, out + plain.size()) == 1;
}

}  // namespace sluice::inspect::quic
