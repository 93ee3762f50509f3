#include "control/tuf/key.h"

#include <array>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "config/files/file.h"
#include "control/tuf/digest.h"
#include "control/tuf/key_file.h"

namespace sluice::tuf {
namespace {

constexpr std::size_t kPublicOctets = 32;
constexpr std::size_t kSignatureOctets = 64;

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

Result<PrivateKey> PrivateKey::load(const std::filesystem::path& path,
                                    const Passphrase& passphrase) {
  const bool by_uri = path.string().starts_with("pkcs11:");
  auto handle = by_uri ? open_by_uri(path.string(), passphrase) : read_pem(path, passphrase);
  if (!handle) return fail(handle.error());
  if (EVP_PKEY_get_id(handle->get()) != EVP_PKEY_ED25519) {
    return fail("is not an Ed25519 key", path.string(), "make one with sluice-authority key");
  }
  return PrivateKey(std::move(*handle));
}

Status PrivateKey::save(const std::filesystem::path& path, std::string_view passphrase) const {
  if (std::filesystem::exists(path)) {
    return fail("a key is already there", path.string(), "keys are never replaced");
  }
  return replace(path, passphrase);
}

Status PrivateKey::replace(const std::filesystem::path& path, std::string_view passphrase) const {
  auto pem = to_pem(key_.get(), passphrase);
  if (!pem) return fail(pem.error().what, path.string(), pem.error().advice);
  auto status = files::write_atomic(path, *pem, 0600);
  OPENSSL_cleanse(pem->data(), pem->size());
  return status;
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
