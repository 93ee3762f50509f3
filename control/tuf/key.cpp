#include "control/tuf/key.h"

#include <array>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "config/files/file.h"
#include "control/tuf/digest.h"
#include "control/tuf/key_file.h"

namespace sluice::tuf {
namespace {

constexpr std::size_t kPublicOctets = 32;
constexpr std::size_t kSignatureOctets = 64;
constexpr std::size_t kPointOctets = 65;
constexpr std::size_t kMaxSm2Signature = 72;  // two numbers of 32 octets and a sign each, in DER
// Who signs is a part of what is signed (GB/T 32918.2 section 5.5): this stands for anybody.
constexpr std::string_view kSm2Identity = "1234567812345678";

struct DigestContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, DigestContextFree>;
struct KeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, KeyContextFree>;

KeyHandle own(EVP_PKEY* key) { return {key, KeyFree{}}; }

Json key_json(Scheme scheme, const std::string& value) {
  const bool sm2 = scheme == Scheme::sm2;
  return {{"keytype", sm2 ? "sm2" : "ed25519"},
          {"scheme", sm2 ? "sm2-sm3" : "ed25519"},
          {"keyval", {{"public", value}}}};
}

/// Null where the octets are no point of the curve.
KeyHandle sm2_public(std::vector<std::uint8_t>& point) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr));
  std::string group = "SM2";
  std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.data()) != 1) {
    return nullptr;
  }
  return own(key);
}

/// What signs or verifies by a key, which must outlive it.
struct Signer {
  KeyContext key;  // SM2's, with the identity
  DigestContext digest;
  bool good = false;

  Signer(EVP_PKEY* pkey, Scheme scheme, bool signs) : digest(EVP_MD_CTX_new()) {
    if (!digest) return;
    const EVP_MD* hash = nullptr;
    if (scheme == Scheme::sm2) {
      hash = EVP_sm3();
      key.reset(EVP_PKEY_CTX_new(pkey, nullptr));
      if (!key || EVP_PKEY_CTX_set1_id(key.get(), kSm2Identity.data(), kSm2Identity.size()) != 1) {
        return;
      }
      EVP_MD_CTX_set_pkey_ctx(digest.get(), key.get());
    }
    const auto begin = signs ? EVP_DigestSignInit : EVP_DigestVerifyInit;
    good = begin(digest.get(), nullptr, hash, nullptr, pkey) == 1;
  }
};

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
  const bool sm2 = type == "sm2" && scheme == "sm2-sm3";
  if (!sm2 && (type != "ed25519" || scheme != "ed25519")) return key;
  auto raw = from_hex(key.value_);
  if (sm2) {
    key.scheme_ = Scheme::sm2;
    // One form only, so that one key has one value.
    if (raw && raw->size() == kPointOctets && raw->front() == 4) key.key_ = sm2_public(*raw);
    if (key.key_) return key;
    return fail("an SM2 public key is a point of its curve, 130 lower-case hexadecimal digits",
                place);
  }
  if (!raw || raw->size() != kPublicOctets) {
    return fail("an Ed25519 public key is 64 lower-case hexadecimal digits", place);
  }
  key.key_ = own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw->data(), raw->size()));
  if (!key.key_) return fail("is no Ed25519 public key", place);
  return key;
}

Result<PublicKey> PublicKey::from_value(const std::string& value, std::string_view where) {
  const Json object =
      key_json(value.size() == 2 * kPointOctets ? Scheme::sm2 : Scheme::ed25519, value);
  return from_json(object, sha256(canonical(object)), where);
}

Json PublicKey::json() const { return key_json(scheme_, value_); }

bool PublicKey::verify(std::string_view message, std::span<const std::uint8_t> signature) const {
  if (!key_) return false;
  const bool fits = scheme_ == Scheme::sm2 ? signature.size() <= kMaxSm2Signature
                                           : signature.size() == kSignatureOctets;
  if (!fits) return false;
  const Signer signer(key_.get(), scheme_, false);
  return signer.good && EVP_DigestVerify(signer.digest.get(), signature.data(), signature.size(),
                                         octets(message), message.size()) == 1;
}

PrivateKey::PrivateKey(KeyHandle key, Scheme scheme) : key_(std::move(key)), scheme_(scheme) {
  std::array<std::uint8_t, kPointOctets> value{};
  std::size_t length = value.size();
  if (scheme == Scheme::sm2) {
    EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, value.data(), value.size(),
                                    &length);
  } else {
    EVP_PKEY_get_raw_public_key(key_.get(), value.data(), &length);
  }
  public_json_ = key_json(scheme, to_hex(std::span(value).first(std::min(length, value.size()))));
  keyid_ = sha256(canonical(public_json_));
}

Result<PrivateKey> PrivateKey::generate(Scheme scheme) {
  const char* const name = scheme == Scheme::sm2 ? "SM2" : "ED25519";
  auto key = own(EVP_PKEY_Q_keygen(nullptr, nullptr, name));
  if (!key) return fail(std::string("OpenSSL cannot make a key of the kind ") + name);
  return PrivateKey(std::move(key), scheme);
}

Result<PrivateKey> PrivateKey::load(const std::filesystem::path& path,
                                    const Passphrase& passphrase) {
  const bool by_uri = path.string().starts_with("pkcs11:");
  auto handle = by_uri ? open_by_uri(path.string(), passphrase) : read_pem(path, passphrase);
  if (!handle) return fail(handle.error());
  const bool sm2 = EVP_PKEY_is_a(handle->get(), "SM2") == 1;
  if (!sm2 && EVP_PKEY_is_a(handle->get(), "ED25519") != 1) {
    return fail("is neither an Ed25519 nor an SM2 key", path.string(),
                "make one with sluice-authority key");
  }
  return PrivateKey(std::move(*handle), sm2 ? Scheme::sm2 : Scheme::ed25519);
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
  std::array<std::uint8_t, kMaxSm2Signature> signature{};
  std::size_t length = signature.size();
  const Signer signer(key_.get(), scheme_, true);
  if (!signer.good || EVP_DigestSign(signer.digest.get(), signature.data(), &length,
                                     octets(message), message.size()) != 1) {
    return fail("OpenSSL cannot sign");
  }
  return to_hex(std::span(signature).first(length));
}

}  // namespace sluice::tuf
