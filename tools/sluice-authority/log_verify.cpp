#include "tools/sluice-authority/log_verify.h"

#include <algorithm>

#include "control/tuf/digest.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/progress.h"

namespace sluice::authority {
namespace {

using tlog::kHashOctets;
using tlog::kTileWidth;

/// All levels of a tree, made of its entries alone.
class Levels {
 public:
  void add(std::string_view entry) { put(0, tlog::leaf_hash(entry)); }

  [[nodiscard]] const std::vector<std::string>& all() const { return levels_; }
  [[nodiscard]] tlog::FetchTile tiles() const {
    return [this](int level, std::uint64_t index, std::uint64_t width) -> Result<std::string> {
      return levels_.at(static_cast<std::size_t>(level))
          .substr(index * kTileWidth * kHashOctets, width * kHashOctets);
    };
  }

 private:
  void put(std::size_t level, const tlog::Hash& hash) {
    if (level == levels_.size()) levels_.emplace_back();
    levels_[level] += tlog::octets_of(hash);
    constexpr std::size_t kTileOctets = kTileWidth * kHashOctets;
    const std::size_t octets = levels_[level].size();
    if (octets % kTileOctets != 0) return;
    put(level + 1, tlog::tile_root(std::string_view(levels_[level]).substr(octets - kTileOctets)));
  }

  std::vector<std::string> levels_;
};

class Replay {
 public:
  Replay(LogSource& source, const tlog::LogPolicy& policy) : source_(source), policy_(policy) {}

  Result<Replayed> run() {
    auto seen = newest_checkpoint(source_, policy_);
    if (!seen) return fail(seen.error());
    out_.checkpoint = seen->believed.checkpoint;
    out_.witnesses = seen->believed.witnesses;
    out_.quorum = policy_.is_quorum(out_.witnesses);
    read_entries();
    if (!complete_) return out_;
    check_tiles();
    const auto root = tlog::Tree(out_.checkpoint.size, levels_.tiles()).root();
    if (!root || *root != out_.checkpoint.root) {
      problem("log/checkpoint", "is not the root of the entries");
    }
    Progress progress("checking releases", out_.checkpoint.size);
    for (const LoggedRelease& release : out_.releases) {
      check_release(release);
      progress.at(release.index);
    }
    const auto announced = check_announced(source_, policy_, out_.releases);
    out_.problems.insert(out_.problems.end(), announced.begin(), announced.end());
    return out_;
  }

 private:
  void problem(const std::string& where, const std::string& what) {
    out_.problems.push_back(where + ": " + what);
  }

  void read_entries() {
    const std::uint64_t size = out_.checkpoint.size;
    std::uint64_t last = 0;
    for (std::uint64_t first = 0; first < size; first += kTileWidth) {
      const std::uint64_t width = tlog::tile_width(tlog::kEntries, first / kTileWidth, size);
      const std::string path = tlog::tile_path(tlog::kEntries, first / kTileWidth, width);
      auto bundle = source_.tiles()(tlog::kEntries, first / kTileWidth, width);
      auto entries = bundle ? tlog::parse_bundle(*bundle, width, path)
                            : Result<std::vector<std::string>>(fail(bundle.error()));
      if (!entries) {
        out_.problems.push_back(entries.error().text());
        complete_ = false;
        return;
      }
      for (const std::string& entry : *entries) {
        const std::uint64_t index = first + static_cast<std::uint64_t>(&entry - entries->data());
        const std::string where = "entry " + std::to_string(index);
        levels_.add(entry);
        auto leaf = tlog::parse_release_leaf(entry, where);
        if (!leaf) {
          out_.problems.push_back(leaf.error().text());
          continue;
        }
        if (leaf->version <= last) problem(where, "logs a version that is not above the last");
        last = leaf->version;
        out_.releases.push_back({index, std::move(*leaf)});
      }
    }
  }

  void check_tiles() {
    for (std::size_t level = 0; level < levels_.all().size(); ++level) {
      const int number = static_cast<int>(level);
      for (std::uint64_t index = 0;; ++index) {
        const std::uint64_t width = tlog::tile_width(number, index, out_.checkpoint.size);
        if (width == 0) break;
        auto tile = source_.tiles()(number, index, width);
        const std::string path = tlog::tile_path(number, index, width);
        if (!tile) {
          problem(path, tile.error().text());
        } else if (*tile != levels_.tiles()(number, index, width)) {
          problem(path, "is not of the entries");
        }
      }
    }
  }

  void check_release(const LoggedRelease& release) {
    const std::string path = "metadata/" + std::to_string(release.leaf.version) + ".snapshot";
    auto snapshot = source_.get(path + ".json", tuf::kMaxSnapshotOctets);
    if (!snapshot || !*snapshot) {
      problem(path + ".json", snapshot ? "was logged, and is not there" : snapshot.error().text());
    } else if (tuf::sha256(**snapshot) != release.leaf.sha256) {
      problem(path + ".json", "is not what was logged");
    }
    // What was made and never announced has no proof.
    auto text = source_.get(path + ".tlog-proof", tlog::kMaxProofOctets);
    if (text && !*text) return;
    auto proof = text ? tlog::parse_proof(**text, path) : Result<tlog::Proof>(fail(text.error()));
    if (!proof) {
      out_.problems.push_back(proof.error().text());
      return;
    }
    const std::string where = path + ".tlog-proof";
    auto note = tlog::parse_note(proof->checkpoint, where);
    auto believed =
        note ? policy_.check_log(*note, where) : Result<tlog::Believed>(fail(note.error()));
    if (!believed) {
      out_.problems.push_back(believed.error().text());
      return;
    }
    const tlog::Checkpoint& then = believed->checkpoint;
    const auto leads = tlog::root_of_inclusion(
        tlog::leaf_hash(tlog::release_leaf(release.leaf.version, release.leaf.sha256)),
        proof->index, then.size, proof->hashes);
    if (proof->index != release.index || leads != then.root) {
      problem(where, "does not prove its release");
    } else if (then.size > out_.checkpoint.size) {
      problem(where, "is of a longer log than the checkpoint");
    } else if (tlog::Tree(then.size, levels_.tiles()).root() != then.root) {
      problem(where, "is of another log: it was forked");
    }
  }

  LogSource& source_;
  const tlog::LogPolicy& policy_;
  Replayed out_;
  Levels levels_;
  bool complete_ = true;
};

}  // namespace

Result<Replayed> replay_log(LogSource& source, const tlog::LogPolicy& policy) {
  return Replay(source, policy).run();
}

std::vector<std::string> check_announced(LogSource& source, const tlog::LogPolicy& policy,
                                         const std::vector<LoggedRelease>& releases) {
  const std::string where = "metadata/timestamp.json";
  auto bytes = source.need(where, tuf::kMaxTimestampOctets);
  if (!bytes) return {bytes.error().text()};
  auto envelope = tuf::parse_envelope(*bytes, where);
  if (!envelope) return {envelope.error().text()};
  auto timestamp = tuf::parse_timestamp(envelope->body, where);
  if (!timestamp) return {timestamp.error().text()};
  const std::uint64_t version = timestamp->snapshot.version;
  const std::string name = "metadata/" + std::to_string(version) + ".snapshot";
  const auto logged = std::find_if(releases.begin(), releases.end(), [&](const auto& release) {
    return release.leaf.version == version;
  });
  if (logged == releases.end()) return {name + ".json: is published and was NEVER LOGGED"};
  auto snapshot = source.need(name + ".json", tuf::kMaxSnapshotOctets);
  if (!snapshot) return {snapshot.error().text()};
  if (tuf::sha256(*snapshot) != logged->leaf.sha256) {
    return {name + ".json: is published and is NOT WHAT WAS LOGGED"};
  }
  auto text = source.need(name + ".tlog-proof", tlog::kMaxProofOctets);
  auto proof = text ? tlog::parse_proof(*text, name) : Result<tlog::Proof>(fail(text.error()));
  if (!proof) return {proof.error().text()};
  auto believed = tlog::verify_proof(*proof, tlog::release_leaf(version, logged->leaf.sha256),
                                     policy, name + ".tlog-proof");
  if (!believed) return {believed.error().text()};
  return {};
}

}  // namespace sluice::authority
