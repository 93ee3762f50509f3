#include "tools/sluice-authority/key_commands.h"

#include <iostream>

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/tlog/note.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxPem = 16'384;

bool is_encrypted(const std::filesystem::path& file) {
  const auto text = files::read_bounded(file, kMaxPem);
  return text && text->find("BEGIN ENCRYPTED PRIVATE KEY") != text->npos;
}

void print(const tuf::PrivateKey& key, const std::filesystem::path& file, const std::string& name) {
  const bool on_token = file.string().starts_with("pkcs11:");
  std::cout << file.string() << ": "
            << (on_token             ? "on a token"
                : is_encrypted(file) ? "encrypted"
                                     : "NOT encrypted")
            << "\n"
            << "  keyid   " << key.keyid() << "\n"
            << "  public  " << json_text(key.public_json()) << "\n";
  if (name.empty() || key.scheme() == tuf::Scheme::sm2) return;
  std::cout << "  log     " << tlog::vkey(name, tlog::KeyType::log, key) << "\n"
            << "  witness " << tlog::vkey(name, tlog::KeyType::witness, key) << "\n";
}

Result<std::string> wanted_passphrase(const KeyOptions& options) {
  if (options.plain) return std::string();
  auto passphrase = new_passphrase(options.passphrase);
  if (!passphrase) return fail(passphrase.error());
  if (*passphrase) return std::move(**passphrase);
  return fail("there is no passphrase, and no terminal to ask on", {},
              "give --passphrase-file or --passphrase-fd, or say --plain for an online key");
}

}  // namespace

Status key_generate_command(const KeyOptions& options) {
  if (options.sm2 && !options.name.empty()) {
    return fail("logs and witnesses sign by Ed25519 alone", options.name, "leave out --sm2");
  }
  if (!options.name.empty()) {
    if (auto status = tlog::check_key_name(options.name); !status) return status;
  }
  for (const std::filesystem::path& file : options.files) {
    if (!std::filesystem::exists(file)) continue;
    return fail("a key is already there", file.string(), "keys are never replaced");
  }
  auto passphrase = wanted_passphrase(options);
  if (!passphrase) return fail(passphrase.error());
  for (const std::filesystem::path& file : options.files) {
    auto key = tuf::PrivateKey::generate(options.sm2 ? tuf::Scheme::sm2 : tuf::Scheme::ed25519);
    if (!key) return fail(key.error());
    if (auto status = key->save(file, *passphrase); !status) return status;
    print(*key, file, options.name);
  }
  return {};
}

Status key_encrypt_command(const KeyOptions& options) {
  // All are opened before one is changed, so that a wrong passphrase changes none.
  std::vector<tuf::PrivateKey> keys;
  const tuf::Passphrase old = passphrase_from(options.old_passphrase);
  for (const std::filesystem::path& file : options.files) {
    auto key = tuf::PrivateKey::load(file, old);
    if (!key) return fail(key.error());
    keys.push_back(std::move(*key));
  }
  KeyOptions encrypted = options;
  encrypted.plain = false;
  auto passphrase = wanted_passphrase(encrypted);
  if (!passphrase) return fail(passphrase.error());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (auto status = keys[i].replace(options.files[i], *passphrase); !status) return status;
    std::cout << options.files[i].string() << ": encrypted\n";
  }
  return {};
}

Status key_show_command(const KeyOptions& options) {
  const tuf::Passphrase passphrase = passphrase_from(options.passphrase);
  for (const std::filesystem::path& file : options.files) {
    auto key = tuf::PrivateKey::load(file, passphrase);
    if (!key) return fail(key.error());
    print(*key, file, options.name);
  }
  return {};
}

}  // namespace sluice::authority
