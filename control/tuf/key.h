// Keys of TUF roles, by OpenSSL: Ed25519 (RFC 8032), or SM2 with SM3 (GB/T 32918.2, the identity
// being that of GM/T 0009). A key's id is the SHA-256 of the canonical form of its key object, so
// that nobody can give one key two names.
//
// Thread safety: keys are immutable and may be shared.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/tuf/json.h"

struct evp_pkey_st;

namespace sluice::tuf {

struct KeyFree {
  void operator()(evp_pkey_st* key) const;
};
using KeyHandle = std::shared_ptr<evp_pkey_st>;

enum class Scheme : std::uint8_t { ed25519, sm2 };

class PublicKey {
 public:
  /// From a key object of metadata under its id; fails where the id is not the object's.
  [[nodiscard]] static Result<PublicKey> from_json(const Json& object, std::string_view keyid,
                                                   std::string_view where);
  /// From the public value in hexadecimal alone, as formats other than TUF carry it: 32 octets of
  /// Ed25519, or 65 of a point of SM2's curve, which is not compressed.
  [[nodiscard]] static Result<PublicKey> from_value(const std::string& value,
                                                    std::string_view where);

  [[nodiscard]] const std::string& keyid() const { return keyid_; }
  /// The public value in hexadecimal: what makes two keys the same key.
  [[nodiscard]] const std::string& value() const { return value_; }
  [[nodiscard]] Json json() const;
  /// False too for a key of any other scheme, which never verifies anything.
  [[nodiscard]] bool verify(std::string_view message,
                            std::span<const std::uint8_t> signature) const;

 private:
  std::string keyid_;
  std::string value_;
  Scheme scheme_ = Scheme::ed25519;
  KeyHandle key_;
};

/// Asked only for a key that is encrypted; `what` names it for the person who types.
using Passphrase = std::function<Result<std::string>(const std::string& what)>;

/// What a passphrase must have at least.
inline constexpr std::size_t kMinPassphrase = 12;

class PrivateKey {
 public:
  [[nodiscard]] static Result<PrivateKey> generate(Scheme scheme = Scheme::ed25519);
  /// PEM, PKCS #8, encrypted or not; or what OpenSSL's providers open by a URI, such as "pkcs11:…"
  /// for a key that never leaves its token.
  [[nodiscard]] static Result<PrivateKey> load(const std::filesystem::path& path,
                                               const Passphrase& passphrase = {});
  /// Writes mode 0600; never replaces a file. With a passphrase: PBES2 by scrypt (RFC 7914) and
  /// AES-256.
  [[nodiscard]] Status save(const std::filesystem::path& path,
                            std::string_view passphrase = {}) const;
  /// The same, in the place of what is there.
  [[nodiscard]] Status replace(const std::filesystem::path& path,
                               std::string_view passphrase) const;

  [[nodiscard]] Scheme scheme() const { return scheme_; }
  [[nodiscard]] const Json& public_json() const { return public_json_; }
  [[nodiscard]] const std::string& keyid() const { return keyid_; }
  /// In hexadecimal: of Ed25519 64 octets, of SM2 the DER of both numbers.
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;

 private:
  PrivateKey(KeyHandle key, Scheme scheme);

  KeyHandle key_;
  Scheme scheme_;
  Json public_json_;
  std::string keyid_;
};

}  // namespace sluice::tuf
