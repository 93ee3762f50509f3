// The commands about the transparency log, free of the command line's own syntax.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/commitments.h"
#include "tools/sluice-authority/listen_options.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct LogOptions {
  std::string name;                          // of the log, or of the witness
  std::vector<std::filesystem::path> files;  // of cosignatures
  std::string source;                        // a folder, or https://
  std::filesystem::path key;
  std::filesystem::path policy;  // a log policy, or
  std::string log;               // the log's key alone
  std::filesystem::path state;   // what was seen before
  std::filesystem::path out;
  std::filesystem::path ca_file;
  Opening opening;
  std::uint64_t names = 20;  // how many are told of each list
  tuf::Clock clock = tuf::system_clock_now;
  tuf::Passphrase passphrase;  // of the witness's key, or the log's
  ListenOptions listen;        // of a witness that serves
};

Status log_init_command(const Workspace& workspace, const LogOptions& options);
Status log_status_command(const Workspace& workspace);
/// Adds what witnesses gave to the checkpoint.
Status log_cosign_command(const Workspace& workspace, const LogOptions& options);

// By others than the authority.
/// Cosigns the newest checkpoint, if it continues what this witness saw last.
Status log_witness_command(const LogOptions& options);
/// Replays all of the log.
Status log_verify_command(const LogOptions& options);
/// Whether changes that the authority has opened were committed to.
Status log_check_opening_command(const LogOptions& options);
/// The same as verify, and tells what was listed since the last run. Fails where something is
/// alarming.
Status log_monitor_command(const LogOptions& options);

}  // namespace sluice::authority
