// How private keys are kept: PEM files, encrypted or not, and keys that a provider of OpenSSL
// opens.
//
// Thread safety: free functions.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/tuf/key.h"

namespace sluice::tuf {

/// A key of any kind out of a PEM file, PKCS #8.
[[nodiscard]] Result<KeyHandle> read_pem(const std::filesystem::path& path,
                                         const Passphrase& passphrase);

/// By OpenSSL's store, whose providers know URIs: "file:…", and with a provider for it "pkcs11:…".
[[nodiscard]] Result<KeyHandle> open_by_uri(const std::string& uri, const Passphrase& passphrase);

/// PKCS #8; an empty passphrase leaves it unencrypted.
[[nodiscard]] Result<std::string> to_pem(evp_pkey_st* key, std::string_view passphrase);

}  // namespace sluice::tuf
