#include "control/sync/trust.h"

#include "config/files/file.h"
#include "control/sync/log_check.h"
#include "control/tuf/digest.h"

namespace sluice::sync {
namespace {

constexpr std::uint64_t kDigestOctets = 64;

/// A stored document that verifies under the root; nullopt for any reason it does not.
template <class Document>
std::optional<Document> stored(const std::filesystem::path& path, std::uint64_t max_octets,
                               const tuf::Root& root, const char* role,
                               Result<Document> (*parse)(const tuf::Json&, std::string_view)) {
  const auto bytes = files::read_bounded(path, max_octets);
  if (!bytes) return std::nullopt;
  const auto envelope = tuf::parse_envelope(*bytes, role);
  if (!envelope || !tuf::verify(*envelope, root.keys, root.roles.at(role), role)) {
    return std::nullopt;
  }
  auto document = parse(envelope->body, role);
  if (!document) return std::nullopt;
  return std::move(*document);
}

}  // namespace

Result<tuf::Root> read_root(std::string_view bytes, const std::string& where) {
  auto envelope = tuf::parse_envelope(bytes, where);
  if (!envelope) return fail(envelope.error());
  auto root = tuf::parse_root(envelope->body, where);
  if (!root) return fail(root.error());
  if (auto status = tuf::verify(*envelope, root->keys, root->roles.at("root"), where); !status) {
    return fail(status.error());
  }
  return root;
}

Result<Trust> Trust::load(const std::filesystem::path& folder,
                          const std::filesystem::path& anchor) {
  if (auto status = files::make_folder(folder); !status) return fail(status.error());
  auto anchor_bytes = files::read_bounded(anchor, tuf::kMaxRootOctets);
  if (!anchor_bytes) {
    Error error = anchor_bytes.error();
    error.advice = "authority.root names the root.json that the authority handed out";
    return fail(std::move(error));
  }
  Trust trust(folder);
  const std::string anchor_digest = tuf::sha256(*anchor_bytes);
  const auto known = files::read_bounded(folder / "anchor.sha256", kDigestOctets);
  const auto root_bytes = files::read_bounded(folder / "root.json", tuf::kMaxRootOctets);
  if (known && *known == anchor_digest && root_bytes) {
    if (auto root = read_root(*root_bytes, (folder / "root.json").string())) {
      trust.root_ = std::move(*root);
      trust.forget_unverified();
      return trust;
    }
    // A damaged copy: the anchor leads to the same root again, step by step.
  }
  auto root = read_root(*anchor_bytes, anchor.string());
  if (!root) return fail(root.error());
  // Another authority has a log of its own.
  if (known && *known != anchor_digest) LogCheck::forget(folder);
  if (auto status = trust.accept_root(*anchor_bytes, std::move(*root)); !status) {
    return fail(status.error());
  }
  // Last, so that a cut between the two starts over from the anchor.
  if (auto status = files::write_atomic(folder / "anchor.sha256", anchor_digest); !status) {
    return fail(status.error());
  }
  return trust;
}

void Trust::forget_unverified() {
  timestamp_ = stored(folder_ / "timestamp.json", tuf::kMaxTimestampOctets, root_, "timestamp",
                      tuf::parse_timestamp);
  const bool had_snapshot = snapshot_.has_value();
  snapshot_ = stored(folder_ / "snapshot.json", tuf::kMaxSnapshotOctets, root_, "snapshot",
                     tuf::parse_snapshot);
  // The officials of the root have replaced the snapshot's keys: all that those led to begins anew,
  // which is also how an authority recovers that has lost its log.
  if (had_snapshot && !snapshot_) LogCheck::forget(folder_);
}

Status Trust::accept_root(std::string_view bytes, tuf::Root root) {
  if (auto status = files::write_atomic(folder_ / "root.json", bytes); !status) return status;
  root_ = std::move(root);
  forget_unverified();
  return {};
}

Status Trust::accept_timestamp(std::string_view bytes, tuf::Timestamp timestamp) {
  if (auto status = files::write_atomic(folder_ / "timestamp.json", bytes); !status) return status;
  timestamp_ = std::move(timestamp);
  return {};
}

Status Trust::accept_snapshot(std::string_view bytes, tuf::Snapshot snapshot) {
  if (auto status = files::write_atomic(folder_ / "snapshot.json", bytes); !status) return status;
  snapshot_ = std::move(snapshot);
  return {};
}

}  // namespace sluice::sync
