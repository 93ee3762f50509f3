#include "control/sync/log_check.h"

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/compile/release.h"
#include "control/sync/log_tile.h"
#include "control/tlog/tiles.h"
#include "control/tuf/digest.h"

namespace sluice::sync {
namespace {

constexpr const char* kState = "log.json";
constexpr const char* kPolicy = "tlog-policy.txt";
constexpr std::uint64_t kMaxState = 65'536;
constexpr std::size_t kMaxLogs = 32;
constexpr const char* kRefused =
    "a release that was not logged is refused; the last good lists stay; tell the authority";

tl::unexpected<Error> refused(const Error& error) {
  return fail(error.what, error.where, kRefused);
}

}  // namespace

LogCheck::LogCheck(Fetcher& fetcher, std::filesystem::path folder)
    : fetcher_(fetcher), folder_(std::move(folder)) {
  load();
}

void LogCheck::forget(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove(folder / kPolicy, ignored);
  std::filesystem::remove(folder / kState, ignored);
}

void LogCheck::load() {
  const auto text = files::read_bounded(folder_ / kPolicy, tlog::kMaxPolicyOctets);
  if (text) {
    auto policy = tlog::LogPolicy::parse(*text, kPolicy);
    if (policy) policy_ = std::move(*policy);
    policy_sha256_ = tuf::sha256(*text);
  }
  const auto bytes = files::read_bounded(folder_ / kState, kMaxState);
  if (!bytes) return;
  const auto json = tuf::parse_strict(*bytes, kState);
  if (!json) return;
  tuf::FieldReader fields(*json, kState);
  const std::string checked = fields.text("checked");
  for (const auto& [origin, value] : fields.object("logs").items()) {
    tuf::FieldReader log(value, kState);
    const std::uint64_t size = log.number("size");
    const auto root = tlog::hash_from_base64(log.text("root"));
    if (log.good() && root) seen_[origin] = {size, *root};
  }
  if (fields.good()) checked_ = checked;
}

Status LogCheck::save() {
  tuf::Json logs = tuf::Json::object();
  for (const auto& [origin, seen] : seen_) {
    logs[origin] = {{"size", seen.size}, {"root", tlog::to_base64(seen.root)}};
  }
  const tuf::Json state = {{"checked", checked_}, {"logs", std::move(logs)}};
  return files::write_atomic(folder_ / kState, json_text(state));
}

/// A log of the size that was seen has its root; a larger one begins with it.
Status LogCheck::check_grown(const tlog::LogPolicy& policy, const tlog::Checkpoint& now,
                             const std::string& where) {
  const auto found = seen_.find(now.origin);
  if (found == seen_.end()) return {};
  const Seen& before = found->second;
  if (now.size < before.size) {
    return fail("is of a log with " + std::to_string(now.size) + " entries, which had " +
                    std::to_string(before.size) + " before",
                where, kRefused);
  }
  bool missing = false;
  tlog::Tree tree(
      now.size, [&](int level, std::uint64_t index, std::uint64_t width) -> Result<std::string> {
        auto tile = get_log_tile(fetcher_, level, index, width);
        if (!tile) return fail(tile.error());
        if (*tile) return std::move(**tile);
        missing = true;
        return fail("the mirror has no such file", "log/" + tlog::tile_path(level, index, width),
                    "it is asked again later");
      });
  auto proof = tree.consistency(before.size);
  // Witnesses have looked at that already; where none are asked, nobody else has.
  if (!proof && missing && policy.asks_witnesses()) return {};
  if (!proof) return fail(proof.error());
  if (tlog::is_consistent(before.size, before.root, now.size, now.root, *proof)) return {};
  return fail("is of a log that was forked: it does not begin with the " +
                  std::to_string(before.size) + " entries that were seen before",
              where, kRefused);
}

Status LogCheck::check_by(const tlog::LogPolicy& policy, std::uint64_t version,
                          const std::string& sha256) {
  const std::string path = "metadata/" + std::to_string(version) + ".snapshot.tlog-proof";
  auto text = fetcher_.get(path, tlog::kMaxProofOctets);
  if (!text) return fail(text.error());
  if (!*text) return fail("the release has no proof that it was logged", path, kRefused);
  auto proof = tlog::parse_proof(**text, path);
  if (!proof) return refused(proof.error());
  auto believed = tlog::verify_proof(*proof, tlog::release_leaf(version, sha256), policy, path);
  if (!believed) return refused(believed.error());
  const tlog::Checkpoint& now = believed->checkpoint;
  if (auto status = check_grown(policy, now, path); !status) return status;
  if (!seen_.contains(now.origin) && seen_.size() >= kMaxLogs) seen_.erase(seen_.begin());
  seen_[now.origin] = {now.size, now.root};
  witnessed_ = believed->witnessed;
  return {};
}

Status LogCheck::check(std::uint64_t version, const std::string& sha256) {
  if (!policy_ || checked_ == sha256) return {};
  if (auto status = check_by(*policy_, version, sha256); !status) return status;
  checked_ = sha256;
  return save();
}

Status LogCheck::follow(const tuf::Targets& targets, std::uint64_t version,
                        const std::string& sha256) {
  const std::string path(tlog::kPolicyFile);
  const auto named = targets.targets.find(path);
  if (named == targets.targets.end()) {
    if (!policy_) return {};
    // The officials have taken it back. What was seen of logs stays, for a policy to come.
    std::error_code ignored;
    std::filesystem::remove(folder_ / kPolicy, ignored);
    policy_.reset();
    return files::sync_folder(folder_);
  }
  const tuf::TargetFile& target = named->second;
  if (policy_ && policy_sha256_ == target.sha256) return {};
  if (target.length > tlog::kMaxPolicyOctets) return fail("is too long", path, kRefused);
  const compile::ListFile file{path, target.length, target.sha256, {}};
  auto text = fetcher_.get(file.remote_path(), target.length);
  if (!text) return fail(text.error());
  if (!*text) {
    return fail("the mirror has no such file", file.remote_path(), "it is asked again later");
  }
  if ((*text)->size() != target.length || tuf::sha256(**text) != target.sha256) {
    return fail("does not match its signed SHA-256", file.remote_path(), kRefused);
  }
  auto policy = tlog::LogPolicy::parse(**text, path);
  if (!policy) return refused(policy.error());
  if (auto status = check_by(*policy, version, sha256); !status) return status;
  if (auto status = files::write_atomic(folder_ / kPolicy, **text); !status) return status;
  policy_ = std::move(*policy);
  policy_sha256_ = target.sha256;
  checked_ = sha256;
  return save();
}

}  // namespace sluice::sync
