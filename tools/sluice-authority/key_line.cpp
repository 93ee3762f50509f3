#include "tools/sluice-authority/key_line.h"

namespace sluice::authority {

void add_passphrase_options(CLI::App& app, PassphraseSource& source) {
  app.add_option("--passphrase-file", source.file, "Passphrase of encrypted keys; mode 0600");
  app.add_option("--passphrase-fd", source.descriptor, "The same from an open descriptor");
}

void add_key_line(CLI::App& app, KeyOptions& options) {
  CLI::App* key = app.add_subcommand("key", "Private keys of officials, logs and witnesses");
  key->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = key->add_subcommand(name, what);
    command->add_option("FILE", options.files)->required();
    return command;
  };
  CLI::App* generate = add("generate", "Make an Ed25519 key in a new file, encrypted");
  generate->add_flag("--sm2", options.sm2, "An SM2 key instead, for signatures with SM3");
  generate->add_flag("--plain", options.plain, "Not encrypted: for keys that sign unattended");
  CLI::App* encrypt = add("encrypt", "Encrypt keys, or give them another passphrase");
  encrypt->add_option("--old-passphrase-file", options.old_passphrase.file,
                      "Passphrase that they have now");
  CLI::App* show = add("show", "What is public of keys, and whether they are encrypted");
  for (CLI::App* one : {generate, show}) {
    one->add_option("--name", options.name, "Also as the key of a log or witness of this name");
  }
}

Status run_key_line(const CLI::App& app, const KeyOptions& options) {
  const CLI::App* key = app.get_subcommand("key");
  if (key->got_subcommand("generate")) return key_generate_command(options);
  if (key->got_subcommand("encrypt")) return key_encrypt_command(options);
  return key_show_command(options);
}

}  // namespace sluice::authority
