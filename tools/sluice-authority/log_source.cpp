#include "tools/sluice-authority/log_source.h"

#include "config/files/file.h"
#include "control/sync/log_tile.h"

namespace sluice::authority {
namespace {

constexpr const char* kCheckpoint = "log/checkpoint";
constexpr const char* kForked =
    "keep both checkpoints as evidence, and tell the authority and the other witnesses";

}  // namespace

Result<LogSource> LogSource::open(const std::string& place, const std::filesystem::path& ca_file) {
  std::string url = place;
  if (place.find("://") == place.npos) {
    std::error_code error;
    const auto folder = std::filesystem::canonical(place, error);
    if (error) return fail("there is no such folder", place, "name a repository's folder or URL");
    url = "file://" + folder.string() + "/";
  }
  auto fetcher = sync::Fetcher::create({.base_urls = {url}, .http = {.ca_file = ca_file}});
  if (!fetcher) return fail(fetcher.error());
  return LogSource(std::move(*fetcher));
}

Result<std::optional<std::string>> LogSource::get(const std::string& path,
                                                  std::uint64_t max_octets) {
  return fetcher_.get(path, max_octets);
}

Result<std::string> LogSource::need(const std::string& path, std::uint64_t max_octets) {
  auto bytes = fetcher_.get(path, max_octets);
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return fail("the repository has no such file", path);
  return std::move(**bytes);
}

tlog::FetchTile LogSource::tiles() {
  return [this](int level, std::uint64_t index, std::uint64_t width) -> Result<std::string> {
    auto tile = sync::get_log_tile(fetcher_, level, index, width);
    if (!tile) return fail(tile.error());
    if (*tile) return std::move(**tile);
    return fail("the repository has no such file", "log/" + tlog::tile_path(level, index, width));
  };
}

Result<tlog::LogPolicy> chosen_policy(const std::filesystem::path& policy_file,
                                      const std::string& log_vkey) {
  if (policy_file.empty() == log_vkey.empty()) {
    return fail("name the log's key with --log, or a log policy with --policy", {},
                "sluice-authority log status tells the key; bring it here by a way that you trust");
  }
  if (!log_vkey.empty()) {
    return tlog::LogPolicy::parse("log " + log_vkey + "\nquorum none\n", "--log");
  }
  auto bytes = files::read_bounded(policy_file, tlog::kMaxPolicyOctets);
  if (!bytes) return fail(bytes.error());
  return tlog::LogPolicy::parse(*bytes, policy_file.string());
}

Result<SeenCheckpoint> newest_checkpoint(LogSource& source, const tlog::LogPolicy& policy) {
  auto bytes = source.need(kCheckpoint, tlog::kMaxNoteOctets);
  if (!bytes) return fail(bytes.error());
  auto note = tlog::parse_note(*bytes, kCheckpoint);
  if (!note) return fail(note.error());
  auto believed = policy.check_log(*note, kCheckpoint);
  if (!believed) return fail(believed.error());
  return SeenCheckpoint{std::move(*note), std::move(*believed)};
}

Result<std::optional<tlog::Checkpoint>> load_seen(const std::filesystem::path& file,
                                                  const std::string& origin) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  auto bytes = files::read_bounded(file, tlog::kMaxNoteOctets);
  if (!bytes) return fail(bytes.error());
  auto seen = tlog::parse_checkpoint(*bytes, file.string());
  if (!seen) return fail(seen.error());
  if (seen->origin != origin) {
    return fail("is what was seen of the log " + seen->origin + ", not of " + origin, file.string(),
                "keep a file of its own for each log");
  }
  return std::move(*seen);
}

Status save_seen(const std::filesystem::path& file, const tlog::Checkpoint& seen) {
  return files::write_atomic(file, tlog::checkpoint_text(seen));
}

Status check_grown(LogSource& source, const tlog::Checkpoint& before, const tlog::Checkpoint& now) {
  if (now.size < before.size) {
    return fail("the log has " + std::to_string(now.size) + " entries where " +
                    std::to_string(before.size) + " were seen before",
                now.origin, kForked);
  }
  auto proof = tlog::Tree(now.size, source.tiles()).consistency(before.size);
  if (!proof) return fail(proof.error());
  if (tlog::is_consistent(before.size, before.root, now.size, now.root, *proof)) return {};
  return fail("the log was forked: it does not begin with the " + std::to_string(before.size) +
                  " entries that were seen before",
              now.origin, kForked);
}

}  // namespace sluice::authority
