// The commands about private keys, free of the command line's own syntax.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/passphrase.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct KeyOptions {
  std::vector<std::filesystem::path> files;
  PassphraseSource passphrase;      // of the key that is made or read
  PassphraseSource old_passphrase;  // of a key that gets another one
  bool plain = false;               // a key that is not encrypted is meant
  bool sm2 = false;                 // by SM2 with SM3
  std::string name;                 // of a log or witness, for its key's text
};

/// Makes a key in a new file.
Status key_generate_command(const KeyOptions& options);
/// Encrypts keys where they are.
Status key_encrypt_command(const KeyOptions& options);
/// What is public of a key, and whether it is encrypted.
Status key_show_command(const KeyOptions& options);

}  // namespace sluice::authority
