#include "control/tuf/key_file.h"

#include <cstring>
#include <memory>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <optional>

#include "config/files/file.h"

namespace sluice::tuf {
namespace {

constexpr std::uint64_t kMaxPem = 16'384;

// 16 MiB of memory, five times over: as much as OpenSSL takes for a key in PKCS #8.
constexpr std::uint64_t kScryptN = 1 << 14;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 5;
constexpr int kSalt = 16;

template <auto free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const {
    free(pointer);
  }
};
using BioPtr = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using InfoPtr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeBy<PKCS8_PRIV_KEY_INFO_free>>;
using SignaturePtr = std::unique_ptr<X509_SIG, FreeBy<X509_SIG_free>>;
using StorePtr = std::unique_ptr<OSSL_STORE_CTX, FreeBy<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, FreeBy<OSSL_STORE_INFO_free>>;
using MethodPtr = std::unique_ptr<UI_METHOD, FreeBy<UI_destroy_method>>;

/// Asks once, and remembers what went wrong, which OpenSSL cannot tell.
struct Asked {
  const Passphrase& passphrase;
  std::string what;
  std::optional<Error> error;
};

int give_passphrase(char* buffer, int size, int, void* user) {
  auto& asked = *static_cast<Asked*>(user);
  if (!asked.passphrase) {
    asked.error = Error{"is encrypted, and no passphrase was given", asked.what,
                        "give it with --passphrase-file or --passphrase-fd, or on a terminal"};
    return -1;
  }
  auto text = asked.passphrase(asked.what);
  if (!text) {
    asked.error = text.error();
    return -1;
  }
  const int length = static_cast<int>(text->size());
  if (length > size) return -1;
  std::memcpy(buffer, text->data(), text->size());
  OPENSSL_cleanse(text->data(), text->size());
  return length;
}

tl::unexpected<Error> not_read(Asked& asked, bool encrypted) {
  if (asked.error) return fail(std::move(*asked.error));
  if (encrypted) return fail("the passphrase is wrong, or the file is damaged", asked.what);
  return fail("is not a private key in PEM form", asked.what,
              "make one with sluice-authority key generate");
}

}  // namespace

Result<KeyHandle> read_pem(const std::filesystem::path& path, const Passphrase& passphrase) {
  auto text = files::read_bounded(path, kMaxPem);
  if (!text) return fail(text.error());
  const bool encrypted = text->find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != text->npos;
  const BioPtr bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  Asked asked{passphrase, path.string(), {}};
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, &asked), KeyFree{});
  OPENSSL_cleanse(text->data(), text->size());
  if (!key) return not_read(asked, encrypted);
  return key;
}

Result<KeyHandle> open_by_uri(const std::string& uri, const Passphrase& passphrase) {
  Asked asked{passphrase, uri, {}};
  const MethodPtr method(UI_UTIL_wrap_read_pem_callback(give_passphrase, 0));
  const StorePtr store(OSSL_STORE_open(uri.c_str(), method.get(), &asked, nullptr, nullptr));
  if (!store) {
    return fail("OpenSSL cannot open this key", uri,
                "its configuration must load a provider for keys of this kind");
  }
  while (OSSL_STORE_eof(store.get()) == 0) {
    const StoreInfoPtr info(OSSL_STORE_load(store.get()));
    if (!info) break;
    if (KeyHandle key(OSSL_STORE_INFO_get1_PKEY(info.get()), KeyFree{}); key) return key;
  }
  return not_read(asked, false);
}

Result<std::string> to_pem(evp_pkey_st* key, std::string_view passphrase) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const InfoPtr info(EVP_PKEY2PKCS8(key));
  bool written = false;
  if (info && passphrase.empty()) {
    written = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio.get(), info.get()) == 1;
  } else if (info) {
    X509_ALGOR* scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, kSalt, nullptr, kScryptN,
                                               kScryptR, kScryptP);
    const SignaturePtr sealed(
        scheme == nullptr ? nullptr
                          : PKCS8_set0_pbe(passphrase.data(), static_cast<int>(passphrase.size()),
                                           info.get(), scheme));
    if (!sealed) X509_ALGOR_free(scheme);
    written = sealed && PEM_write_bio_PKCS8(bio.get(), sealed.get()) == 1;
  }
  if (!written) return fail("OpenSSL cannot write the key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace sluice::tuf
