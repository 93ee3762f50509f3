#include "control/tuf/key.h"

#include <array>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "control/files/file.h"
#include "control/tuf/digest.h"

namespace sluice::tuf {
namespace {

constexpr std::size_t kPublicOctets = 32;
constexpr std::size_t kSignatureOctets = 64;
constexpr std::uint64_t kMaxPem = 16'384;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

struct DigestContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, DigestContextFree>;

KeyHandle own(EVP_PKEY* key) { return {key, KeyFree{}}; }

Json ed25519_json(const std::string& value) {
  return {{"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", {{"public", value}}}};
}

const std::uint8_t* octets(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

void KeyFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Result<PublicKey> PublicKey::from_json(const Json& object, std::string_view keyid,
                                       std::string_view where) {
  const std::string place = std::string(where) + ": key " + std::string(keyid);
  FieldReader fields(object, place);
  const std::string type = fields.text("keytype");
  const std::string scheme = fields.text("scheme");
  FieldReader keyval(fields.object("keyval"), place + ": keyval");
  PublicKey key;
  key.keyid_ = keyid;
  key.value_ = keyval.text("public");
  if (!fields.good()) return fields.failure();
  if (!keyval.good()) return keyval.failure();
  if (sha256(canonical(object)) != keyid) {
    return fail("the key id is not the SHA-256 of the key", place);
  }
  // A scheme that this client does not know may stand in metadata; it just never verifies.
  if (type != "ed25519" || scheme != "ed25519") return key;
  const auto raw = from_hex(key.value_);
  if (!raw || raw->size() != kPublicOctets) {
    return fail("an Ed25519 public key is 64 lower-case hexadecimal digits", place);
  }
  key.key_ = own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw->data(), raw->size()));
  if (!key.key_) return fail("is no Ed25519 public key", place);
  return key;
}

Result<PublicKey> PublicKey::from_value(const std::string& value, std::string_view where) {
  const Json object = ed25519_json(value);
  return from_json(object, sha256(canonical(object)), where);
}

bool PublicKey::verify(std::string_view message, std::span<const std::uint8_t> signature) const {
  if (!key_ || signature.size() != kSignatureOctets) return false;
  const DigestContext context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), octets(message),
                          message.size()) == 1;
}

PrivateKey::PrivateKey(KeyHandle key) : key_(std::move(key)) {
  std::array<std::uint8_t, kPublicOctets> value{};
  std::size_t length = value.size();
  EVP_PKEY_get_raw_public_key(key_.get(), value.data(), &length);
  public_json_ = ed25519_json(to_hex(value));
  keyid_ = sha256(canonical(public_json_));
}

Result<PrivateKey> PrivateKey::generate() {
  auto key = own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return fail("OpenSSL cannot make an Ed25519 key");
  return PrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::load(const std::filesystem::path& path) {
  auto pem = files::read_bounded(path, kMaxPem);
  if (!pem) return fail(pem.error());
  const std::string text = std::move(*pem);
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // An empty password keeps OpenSSL from asking on the terminal for an encrypted key.
  char no_password[] = "";
  auto key = own(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_password));
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return fail("is not an unencrypted Ed25519 key in PEM form", path.string(),
                "make one with sluice-authority init");
  }
  return PrivateKey(std::move(key));
}

Status PrivateKey::save(const std::filesystem::path& path) const {
  if (std::filesystem::exists(path)) {
    return fail("a key is already there", path.string(), "keys are never replaced");
  }
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return fail("OpenSSL cannot write the key", path.string());
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return files::write_atomic(path, {data, static_cast<std::size_t>(size)}, 0600);
}

Result<std::string> PrivateKey::sign(std::string_view message) const {
  std::array<std::uint8_t, kSignatureOctets> signature{};
  std::size_t length = signature.size();
  const DigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &length, octets(message), message.size()) !=
          1) {
    return fail("OpenSSL cannot sign");
  }
  return to_hex(signature);
}

}  // namespace sluice::tuf
