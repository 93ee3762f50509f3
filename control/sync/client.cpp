#include "control/sync/client.h"

#include <algorithm>

#include "control/compile/rules.h"
#include "control/sync/departments.h"
#include "control/tuf/digest.h"

namespace sluice::sync {
namespace {

constexpr const char* kKept = "nothing of it is used; the last good lists stay";

tl::unexpected<Error> older(const std::string& where, std::uint64_t seen, std::uint64_t found) {
  return fail("is version " + std::to_string(found) + ", older than the " + std::to_string(seen) +
                  " seen before",
              where, "refused as a replay; the last good lists stay");
}

}  // namespace

Client::Client(Fetcher& fetcher, Trust& trust, tuf::Clock clock)
    : fetcher_(fetcher), trust_(trust), clock_(std::move(clock)), log_(fetcher, trust.folder()) {}

Status Client::logged(Status status) {
  if (!status) not_logged_ = status.error();
  return status;
}

Status Client::check_fresh(const tuf::Common& document, const std::string& where) const {
  if (clock_() < document.expires) return {};
  return fail("expired at " + tuf::to_text(document.expires), where,
              "updates wait until the authority signs anew; the last good lists stay");
}

Status Client::update_root() {
  for (unsigned step = 0; step < kMaxRootSteps; ++step) {
    const std::uint64_t wanted = trust_.root().version + 1;
    const std::string path = "metadata/" + std::to_string(wanted) + ".root.json";
    auto bytes = fetcher_.get(path, tuf::kMaxRootOctets);
    if (!bytes) return fail(bytes.error());
    if (!*bytes) break;
    auto envelope = tuf::parse_envelope(**bytes, path);
    if (!envelope) return fail(envelope.error());
    const tuf::Root& old = trust_.root();
    // By the keys of the root before, and by its own: a handover that both sides sign.
    if (auto status = tuf::verify(*envelope, old.keys, old.roles.at("root"), path); !status) {
      return status;
    }
    auto root = tuf::parse_root(envelope->body, path);
    if (!root) return fail(root.error());
    if (auto status = tuf::verify(*envelope, root->keys, root->roles.at("root"), path); !status) {
      return status;
    }
    if (root->version != wanted) {
      return fail("is version " + std::to_string(root->version), path, kKept);
    }
    if (auto status = trust_.accept_root(**bytes, std::move(*root)); !status) return status;
  }
  return check_fresh(trust_.root(), "root.json");
}

Status Client::update_timestamp() {
  const std::string path = "metadata/timestamp.json";
  const auto& seen = trust_.timestamp();
  auto asked = fetcher_.get_changed(path, tuf::kMaxTimestampOctets, seen ? seen->version : 0);
  if (!asked) return fail(asked.error());
  // Whatever a mirror says, what was signed to end ends.
  if (asked->unchanged) return check_fresh(*seen, path);
  const auto& bytes = asked->bytes;
  if (!bytes) return fail("the mirror has no such file", path, "check authority.url");
  auto envelope = tuf::parse_envelope(*bytes, path);
  if (!envelope) return fail(envelope.error());
  const tuf::Root& root = trust_.root();
  if (auto status = tuf::verify(*envelope, root.keys, root.roles.at("timestamp"), path); !status) {
    return status;
  }
  auto timestamp = tuf::parse_timestamp(envelope->body, path);
  if (!timestamp) return fail(timestamp.error());
  if (seen && timestamp->version < seen->version) {
    return older(path, seen->version, timestamp->version);
  }
  // The same version says nothing new, whatever is in it: what was seen first stands.
  if (seen && timestamp->version == seen->version) {
    fetcher_.confirm(seen->version);
    return check_fresh(*seen, path);
  }
  if (seen && timestamp->snapshot.version < seen->snapshot.version) {
    return older(path + ": snapshot.json", seen->snapshot.version, timestamp->snapshot.version);
  }
  if (auto status = check_fresh(*timestamp, path); !status) return status;
  fetcher_.confirm(timestamp->version);
  return trust_.accept_timestamp(*bytes, std::move(*timestamp));
}

Result<Client::Fetched> Client::fetch_listed(const std::string& path, const tuf::MetaFile& file,
                                             std::uint64_t max_octets) {
  const std::uint64_t limit = std::min(max_octets, file.length.value_or(max_octets));
  auto bytes = fetcher_.get(path, limit);
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return fail("the mirror has no such file", path, "it is asked again later");
  Fetched fetched{std::move(**bytes), {}};
  if (file.length && fetched.bytes.size() != *file.length) {
    return fail("has " + std::to_string(fetched.bytes.size()) + " octets where " +
                    std::to_string(*file.length) + " were signed for",
                path, kKept);
  }
  if (file.sha256 && tuf::sha256(fetched.bytes) != *file.sha256) {
    return fail("does not match its signed SHA-256", path, kKept);
  }
  auto envelope = tuf::parse_envelope(fetched.bytes, path);
  if (!envelope) return fail(envelope.error());
  fetched.envelope = std::move(*envelope);
  return fetched;
}

Status Client::update_snapshot() {
  const tuf::MetaFile& listed = trust_.timestamp()->snapshot;
  const std::string path = "metadata/" + std::to_string(listed.version) + ".snapshot.json";
  auto fetched = fetch_listed(path, listed, tuf::kMaxSnapshotOctets);
  if (!fetched) return fail(fetched.error());
  const tuf::Root& root = trust_.root();
  if (auto status = tuf::verify(fetched->envelope, root.keys, root.roles.at("snapshot"), path);
      !status) {
    return status;
  }
  auto snapshot = tuf::parse_snapshot(fetched->envelope.body, path);
  if (!snapshot) return fail(snapshot.error());
  if (snapshot->version != listed.version) {
    return fail("is version " + std::to_string(snapshot->version), path, kKept);
  }
  if (const auto& seen = trust_.snapshot()) {
    // The timestamp says so too, unless its keys were replaced since.
    if (snapshot->version < seen->version) return older(path, seen->version, snapshot->version);
    for (const auto& [name, file] : seen->meta) {
      const auto now = snapshot->meta.find(name);
      if (now == snapshot->meta.end()) {
        return fail("no longer names " + name, path,
                    "refused as a replay; the last good lists stay");
      }
      if (now->second.version < file.version) {
        return older(std::string(path).append(": ").append(name), file.version,
                     now->second.version);
      }
    }
  }
  if (auto status = check_fresh(*snapshot, path); !status) return status;
  snapshot_sha256_ = tuf::sha256(fetched->bytes);
  if (auto status = logged(log_.check(snapshot->version, snapshot_sha256_)); !status) return status;
  return trust_.accept_snapshot(fetched->bytes, std::move(*snapshot));
}

Result<tuf::Targets> Client::fetch_targets(const std::string& role, const tuf::KeyMap& keys,
                                           const tuf::RoleKeys& role_keys) {
  const auto& meta = trust_.snapshot()->meta;
  const auto listed = meta.find(role + ".json");
  if (listed == meta.end()) {
    return fail("the snapshot does not name " + role + ".json", "snapshot.json", kKept);
  }
  const std::string path =
      "metadata/" + std::to_string(listed->second.version) + "." + role + ".json";
  auto fetched = fetch_listed(path, listed->second, tuf::kMaxTargetsOctets);
  if (!fetched) return fail(fetched.error());
  if (auto status = tuf::verify(fetched->envelope, keys, role_keys, path); !status) {
    return fail(status.error());
  }
  auto targets = tuf::parse_targets(fetched->envelope.body, path);
  if (!targets) return fail(targets.error());
  if (targets->version != listed->second.version) {
    return fail("is version " + std::to_string(targets->version), path, kKept);
  }
  if (auto status = check_fresh(*targets, path); !status) return fail(status.error());
  return targets;
}

Result<compile::Release> Client::refresh() {
  not_logged_.reset();  // what another mirror was asked for before
  if (auto status = update_root(); !status) return fail(status.error());
  if (auto status = update_timestamp(); !status) return fail(status.error());
  if (auto status = update_snapshot(); !status) return fail(status.error());
  auto targets = fetch_targets("targets", trust_.root().keys, trust_.root().roles.at("targets"));
  if (!targets) return fail(targets.error());
  if (auto status = check_top_targets(*targets); !status) return fail(status.error());
  auto status = logged(log_.follow(*targets, trust_.snapshot()->version, snapshot_sha256_));
  if (!status) return fail(status.error());

  compile::Release release;
  release.root_version = trust_.root().version;
  release.timestamp_version = trust_.timestamp()->version;
  release.snapshot_version = trust_.snapshot()->version;
  release.snapshot_sha256 = trust_.timestamp()->snapshot.sha256.value_or("");
  release.targets_version = targets->version;
  release.expires = std::min(trust_.snapshot()->expires, targets->expires);
  for (const auto& [path, file] : targets->targets) {
    if (!compile::is_policy_file(path)) continue;
    if (file.length > compile::kMaxPolicyOctets) {
      return fail(
          "is signed with more than " + std::to_string(compile::kMaxPolicyOctets) + " octets", path,
          kKept);
    }
    release.policy.push_back({path, file.length, file.sha256, {}});
  }
  for (const tuf::DelegatedRole& role : targets->roles) {
    if (!is_list_role(role)) continue;
    release.may_have_emergencies |= role.name == emergency_role();
    auto signed_by = fetch_targets(role.name, targets->keys, role);
    if (!signed_by) return fail(signed_by.error());
    auto list = read_department(*targets, role, *signed_by);
    if (!list) return fail(list.error());
    release.expires = std::min(release.expires, signed_by->expires);
    if (*list) release.lists.push_back(std::move(**list));
  }
  return release;
}

bool Client::is_behind() {
  Status status = update_timestamp();
  for (std::size_t asked = 1; !status && asked < fetcher_.mirrors(); ++asked) {
    fetcher_.distrust();
    status = update_timestamp();
  }
  const auto& timestamp = trust_.timestamp();
  const auto& snapshot = trust_.snapshot();
  return status && timestamp && snapshot && timestamp->snapshot.version > snapshot->version;
}

}  // namespace sluice::sync
