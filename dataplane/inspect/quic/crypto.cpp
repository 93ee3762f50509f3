#include "dataplane/inspect/quic/crypto.h"

#include <algorithm>
#include <cstring>

namespace sluice::inspect::quic {
namespace {

constexpr HkdfInfo kClientSecret("client in", 32);
constexpr HkdfInfo kServerSecret("server in", 32);
constexpr std::size_t kHashBlockOctets = 64;

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

std::unique_ptr<Crypto> Crypto::create() {
  std::unique_ptr<Crypto> made(new Crypto);
  made->gcm_.reset(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
  made->ecb_.reset(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr));
  made->sha256_.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  made->opener_.reset(EVP_CIPHER_CTX_new());
  made->sealer_.reset(EVP_CIPHER_CTX_new());
  made->masker_.reset(EVP_CIPHER_CTX_new());
  made->hasher_.reset(EVP_MD_CTX_new());
  const bool right =
      made->gcm_ && made->ecb_ && made->sha256_ && made->opener_ && made->sealer_ &&
      made->masker_ && made->hasher_ &&
      EVP_DecryptInit_ex2(made->opener_.get(), made->gcm_.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_EncryptInit_ex2(made->sealer_.get(), made->gcm_.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_EncryptInit_ex2(made->masker_.get(), made->ecb_.get(), nullptr, nullptr, nullptr) == 1 &&
      EVP_DigestInit_ex2(made->hasher_.get(), made->sha256_.get(), nullptr) == 1;
  if (!right) return nullptr;
  // The first use of each lets OpenSSL set up what it keeps.
  Keys keys{};
  std::array<std::uint8_t, kTagOctets> tag{};
  made->derive(*version_traits(Version::v1), {}, Side::client, keys);
  if (!made->seal(keys, 0, {}, {}, tag.data())) return nullptr;
  if (!made->open(keys, 0, {}, tag, tag.data())) return nullptr;
  (void)made->header_mask(keys, tag);
  return made;
}

void Crypto::hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message,
                  Digest& out) {
  // RFC 2104, for keys of at most a block. EVP_MAC would allocate at every new key.
  std::array<std::uint8_t, kHashBlockOctets> block;
  block.fill(0x36);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  EVP_MD_CTX* context = hasher_.get();
  EVP_DigestInit_ex2(context, nullptr, nullptr);
  EVP_DigestUpdate(context, block.data(), block.size());
  EVP_DigestUpdate(context, message.data(), message.size());
  EVP_DigestFinal_ex(context, out.data(), nullptr);
  for (std::uint8_t& octet : block) octet ^= 0x36 ^ 0x5c;
  EVP_DigestInit_ex2(context, nullptr, nullptr);
  EVP_DigestUpdate(context, block.data(), block.size());
  EVP_DigestUpdate(context, out.data(), out.size());
  EVP_DigestFinal_ex(context, out.data(), nullptr);
}

void Crypto::derive(const VersionTraits& traits, std::span<const std::uint8_t> destination,
                    Side side, Keys& out) {
  Digest secret;
  Digest block;
  hmac(traits.salt, destination, secret);
  hmac(secret, (side == Side::client ? kClientSecret : kServerSecret).octets(), block);
  secret = block;
  hmac(secret, traits.key.octets(), block);
  std::copy_n(block.begin(), out.key.size(), out.key.begin());
  hmac(secret, traits.iv.octets(), block);
  std::copy_n(block.begin(), out.iv.size(), out.iv.begin());
  hmac(secret, traits.header.octets(), block);
  std::copy_n(block.begin(), out.header.size(), out.header.begin());
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
