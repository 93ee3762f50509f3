#include "tools/sluice-authority/witness.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <optional>
#include <sys/file.h>
#include <unistd.h>

#include "config/files/file.h"
#include "control/tlog/witness_request.h"
#include "tools/sluice-authority/log_source.h"

namespace sluice::authority {
namespace {

WitnessAnswer refuse(unsigned status, const std::string& why) { return {status, why + "\n"}; }

/// What the log has to begin with the next time.
WitnessAnswer conflict(std::uint64_t size) {
  return {409, std::to_string(size) + "\n", "text/x.tlog.size"};
}

std::string hex(const tlog::Hash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : hash) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

}  // namespace

struct WitnessServer::State {
  tlog::LogPolicy logs;
  std::string name;
  tuf::PrivateKey key;
  std::filesystem::path folder;
  tuf::Clock clock;
  int lock = -1;
  std::mutex mutex;  // from the look at what was cosigned last until the new one is kept
  // What this process has synced of each log; guarded by mutex. Of what another one wrote, nobody
  // knows whether it outlasts a power cut.
  std::map<std::string, tlog::Checkpoint> synced;

  State(tlog::LogPolicy known, std::string own_name, tuf::PrivateKey own_key,
        std::filesystem::path path, tuf::Clock time)
      : logs(std::move(known)),
        name(std::move(own_name)),
        key(std::move(own_key)),
        folder(std::move(path)),
        clock(std::move(time)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (lock >= 0) ::close(lock);
  }

  [[nodiscard]] bool knows(const std::string& origin) const {
    return std::any_of(logs.logs().begin(), logs.logs().end(),
                       [&](const auto& log) { return log.name() == origin; });
  }
  /// By a key of that log; signatures of others, as of other witnesses, say nothing.
  [[nodiscard]] bool has_signed(const std::string& origin, const tlog::Note& note) const {
    for (const tlog::VerifierKey& log : logs.logs()) {
      if (log.name() != origin) continue;
      for (const tlog::NoteSignature& one : note.signatures) {
        if (log.made(one) && log.verify(note.text, one)) return true;
      }
    }
    return false;
  }
  /// One for each log, by a name that any origin has.
  [[nodiscard]] std::filesystem::path file_of(const std::string& origin) const {
    return folder / (hex(tlog::sha256_of(origin)) + ".seen");
  }
  [[nodiscard]] WitnessAnswer cosign(const tlog::WitnessRequest& request,
                                     const tlog::Checkpoint& next);
};

WitnessAnswer WitnessServer::State::cosign(const tlog::WitnessRequest& request,
                                           const tlog::Checkpoint& next) {
  const std::lock_guard alone(mutex);
  const auto broken = [](const Error& error) {
    std::cerr << "sluice-authority: " << error.text() << std::endl;
    return refuse(500, "the witness cannot keep what it cosigns");
  };
  auto before = load_seen(file_of(next.origin), next.origin);
  if (!before) return broken(before.error());
  const tlog::Checkpoint seen = *before ? **before : tlog::Checkpoint{.origin = next.origin};
  if (request.old_size != seen.size) return conflict(seen.size);
  if (*before && next.size == seen.size && next.root != seen.root) {
    std::cerr << "ALARM " << next.origin << ": two trees of " << next.size
              << " entries are signed: " << tlog::to_base64(seen.root) << " and "
              << tlog::to_base64(next.root) << std::endl;
    return conflict(seen.size);
  }
  const bool begins = seen.size == 0 || next.size == seen.size;
  bool good = request.proof.empty();
  if (next.size == 0) good = good && next.root == tlog::empty_root();
  if (!begins)
    good = tlog::is_consistent(seen.size, seen.root, next.size, next.root, request.proof);
  if (!good) {
    std::cerr << next.origin << ": no proof that " << next.size << " entries begin with the "
              << seen.size << " seen before" << std::endl;
    return refuse(422, "the proof does not show that the log continues what was cosigned last");
  }
  // Whoever asks for the same again and again must not keep the disk busy.
  const auto kept = synced.find(next.origin);
  const bool is_kept = *before && kept != synced.end() && kept->second.size == next.size &&
                       kept->second.root == next.root && next.size == seen.size;
  if (!is_kept) {
    auto status = save_seen(file_of(next.origin), next);
    if (!status) return broken(status.error());
    synced[next.origin] = next;
  }
  auto signature = tlog::cosign_note(request.note.text, name, key, clock());
  if (!signature) return broken(signature.error());
  return {200, tlog::signature_line(*signature)};
}

WitnessServer::WitnessServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
WitnessServer::WitnessServer(WitnessServer&&) noexcept = default;
WitnessServer& WitnessServer::operator=(WitnessServer&&) noexcept = default;
WitnessServer::~WitnessServer() = default;

Result<WitnessServer> WitnessServer::open(tlog::LogPolicy logs, std::string name,
                                          tuf::PrivateKey key, std::filesystem::path state,
                                          tuf::Clock clock) {
  if (auto status = tlog::check_key_name(name); !status) return fail(status.error());
  if (auto status = files::make_folder(state); !status) return fail(status.error());
  auto out = std::make_unique<State>(std::move(logs), std::move(name), std::move(key),
                                     std::move(state), std::move(clock));
  const std::filesystem::path file = out->folder / ".lock";
  out->lock = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (out->lock < 0) return fail(std::strerror(errno), file.string());
  // Two that do not see what the other has cosigned would go back behind it.
  if (::flock(out->lock, LOCK_EX | LOCK_NB) != 0) {
    return fail("another process has this state", out->folder.string(), "a witness is one process");
  }
  files::remove_leftovers(out->folder);
  return WitnessServer(std::move(out));
}

WitnessAnswer WitnessServer::add_checkpoint(std::string_view text) {
  auto request = tlog::parse_witness_request(text);
  if (!request) return refuse(400, request.error().text());
  auto next = tlog::parse_checkpoint(request->note.text, "the checkpoint");
  if (!next) return refuse(400, next.error().text());
  if (!state_->knows(next->origin)) return refuse(404, "no such log is known here");
  if (!state_->has_signed(next->origin, request->note)) {
    return refuse(403, "no key of the log that is known here has signed it");
  }
  if (request->old_size > next->size) return refuse(400, "the old size is larger than the new one");
  return state_->cosign(*request, *next);
}

}  // namespace sluice::authority
