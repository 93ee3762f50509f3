// Where the passphrase of encrypted keys comes from: a file that only its owner reads, a descriptor
// that another program opened, or the terminal. One passphrase serves all keys of one command; on a
// terminal each key may have its own.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/tuf/key.h"

namespace sluice::authority {

struct PassphraseSource {
  std::filesystem::path file;
  std::optional<int> descriptor;
};

/// Reads nothing yet. Without file and descriptor it asks on the terminal, and without that it is
/// empty.
[[nodiscard]] tuf::Passphrase passphrase_from(const PassphraseSource& source);

/// For a key that is made: long enough, and on a terminal typed twice. nullopt where there is
/// nobody to ask and nothing was given.
[[nodiscard]] Result<std::optional<std::string>> new_passphrase(const PassphraseSource& source);

}  // namespace sluice::authority
