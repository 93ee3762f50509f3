#include "tools/sluice-authority/stage.h"

#include <algorithm>
#include <map>

#include "config/files/file.h"
#include "control/compile/compile.h"
#include "control/compile/zstd_lines.h"
#include "control/tuf/digest.h"
#include "tools/sluice-authority/commitments.h"
#include "tools/sluice-authority/deltas.h"
#include "tools/sluice-authority/next_roles.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

constexpr const char* kFull = "full.cpl.zst";
constexpr const char* kOrders = "orders.jsonl.zst";

tuf::Json target_of(std::string_view packed, tuf::Json custom) {
  return {{"length", packed.size()},
          {"hashes", {{"sha256", tuf::sha256(packed)}}},
          {"custom", {{"cpl", std::move(custom)}}}};
}

Status write_payload(const Workspace& workspace, const std::string& path, std::string_view packed) {
  compile::ListFile file{path, packed.size(), tuf::sha256(packed), {}};
  const std::filesystem::path to = workspace.staged() / file.remote_path();
  if (auto status = files::make_folder(to.parent_path()); !status) return status;
  return files::write_atomic(to, packed);
}

tuf::Json bulk_change(const StageOptions& options) {
  tuf::Json json = {
      {"kind", "bulk-change"}, {"order", options.bulk_order}, {"reason", options.bulk_reason}};
  if (!options.min_ratio.empty()) json["min_ratio"] = options.min_ratio;
  if (!options.max_ratio.empty()) json["max_ratio"] = options.max_ratio;
  return json;
}

struct Payloads {
  std::map<std::string, std::string> files;  // by path, packed
  tuf::Json targets = tuf::Json::object();
  compile::ReleaseList list;
  std::string changes;  // against the list before, as lines of a CPD
};

Result<Payloads> build_payloads(const Draft& draft, std::uint64_t seq,
                                const StageOptions& options) {
  Payloads out;
  const std::string cpl = draft.cpl(seq);
  const std::string orders = draft.orders_jsonl();
  auto full = compile::zstd_pack(cpl);
  if (!full) return fail(full.error());
  auto packed_orders = compile::zstd_pack(orders);
  if (!packed_orders) return fail(packed_orders.error());
  tuf::Json custom = {{"seq", seq},
                      {"entries", draft.entries},
                      {"content_sha256", tuf::sha256(cpl)},
                      {"orders_sha256", tuf::sha256(orders)}};
  if (!options.bulk_order.empty()) custom["override"] = bulk_change(options);
  // What an appliance would refuse is refused before anybody signs it.
  auto status = compile::read_custom({{"cpl", custom}}, role_of(draft.department), out.list);
  if (!status) return fail(status.error());
  const std::string base = "lists/" + draft.department + "/";
  out.targets[base + kFull] = target_of(*full, std::move(custom));
  out.targets[base + kOrders] =
      target_of(*packed_orders, {{"seq", seq}, {"content_sha256", tuf::sha256(orders)}});
  out.list.department = draft.department;
  out.list.full.length = full->size();
  out.files[base + kFull] = std::move(*full);
  out.files[base + kOrders] = std::move(*packed_orders);
  return out;
}

/// Adds the deltas from the published list, or keeps those to it.
std::string add_deltas(const Workspace& workspace, const Draft& draft,
                       const tuf::Targets& published, const compile::ReleaseList& before,
                       Payloads& payloads) {
  const bool renewed = before.seq == payloads.list.seq;
  Deltas deltas = renewed ? keep_deltas(published, before)
                          : make_deltas(workspace, published, before, payloads.list, draft.names);
  payloads.targets.update(deltas.targets);
  payloads.files.merge(deltas.payloads);
  payloads.changes = std::move(deltas.changes);
  return deltas.report;
}

/// All names of a first list come.
std::string all_added(const Draft& draft) {
  std::string out;
  for (std::size_t begin = 0; begin < draft.names.size();) {
    const std::size_t end = draft.names.find('\n', begin) + 1;
    out.append("+").append(draft.names, begin, end - begin);
    begin = end;
  }
  return out;
}

/// Signs what changes without telling it, or keeps what was signed of a list that is renewed.
Status add_commitments(const Workspace& workspace, const Draft& draft, std::uint64_t seq,
                       const tuf::Targets& published, bool changed, Payloads& payloads) {
  const std::string path = "lists/" + draft.department + "/" + kFull;
  if (!payloads.targets.contains(path)) return {};
  tuf::Json& custom = payloads.targets[path]["custom"]["cpl"];
  const auto before = published.targets.find(path);
  if (!changed) {
    if (before == published.targets.end()) return {};
    const tuf::Json kept = before->second.custom.value("cpl", tuf::Json::object());
    if (kept.contains("changes")) custom["changes"] = kept["changes"];
    return {};
  }
  const bool first = before == published.targets.end();
  if (first && draft.entries <= kMaxCommitted) payloads.changes = all_added(draft);
  auto changes = commit_changes(workspace, draft.department, seq, payloads.changes);
  if (!changes) return fail(changes.error());
  if (!changes->is_null()) custom["changes"] = std::move(*changes);
  return {};
}

/// What is staged already, when it is the same document but for its expiry, signatures and the
/// salts of its commitments, which are another on each official's machine. A second official need
/// not repeat the bulk change that the first one declared.
std::optional<tuf::Json> same_staged(const std::filesystem::path& path, tuf::Json body,
                                     const std::string& full_path, bool declares_bulk) {
  const auto bytes = files::read_bounded(path, tuf::kMaxTargetsOctets);
  if (!bytes) return std::nullopt;
  auto envelope = tuf::parse_strict(*bytes, path.string());
  if (!envelope || !envelope->contains("signed")) return std::nullopt;
  tuf::Json there = (*envelope)["signed"];
  there["expires"] = body["expires"];
  const auto custom = tuf::Json::json_pointer("/custom/cpl");
  if (!declares_bulk && there["targets"].contains(full_path)) {
    there["targets"][full_path][custom].erase("override");
  }
  for (tuf::Json* one : {&there, &body}) {
    if ((*one)["targets"].contains(full_path)) {
      (*one)["targets"][full_path][custom].erase("changes");
    }
  }
  return there == body ? std::optional(std::move(*envelope)) : std::nullopt;
}

}  // namespace

std::filesystem::path staged_document(const Workspace& workspace, const std::string& department) {
  return workspace.staged() / (role_of(department) + ".json");
}

bool differs(const Draft& draft, const Published& published) {
  const auto list = published.list(draft.department);
  if (!list) return draft.entries != 0;
  return tuf::sha256(draft.cpl(list->seq)) != list->full.content_sha256 ||
         tuf::sha256(draft.orders_jsonl()) != list->orders.content_sha256;
}

Result<std::optional<Staged>> stage(const Workspace& workspace, const Draft& draft,
                                    const Published& published, const StageOptions& options) {
  const bool changed = differs(draft, published);
  if (!changed && !options.renew) return std::nullopt;
  // Appliances refuse the whole release of a longer one, and with it whatever else is urgent.
  if (draft.department == compile::kEmergency && draft.entries > compile::kMaxEmergencyEntries) {
    return fail("the emergency list would hold " + std::to_string(draft.entries) + " entries; " +
                    std::to_string(compile::kMaxEmergencyEntries) + " are the most",
                draft.department,
                "remove what has ended with sluice-authority remove, or list by a department");
  }
  auto next = next_targets(workspace, published);
  if (!next) return fail(next.error());
  const tuf::DelegatedRole* role = find_role(*next, draft.department);
  const auto now_published = published.lists.find(draft.department);
  if (role == nullptr || now_published == published.lists.end()) {
    return fail("the repository has no role for this department", draft.department,
                "it was made with another taxonomy");
  }
  auto keys = signers(workspace, role->name, *role, options.keys);
  if (!keys) return fail(keys.error());

  const auto list = published.list(draft.department);
  const std::uint64_t seq = (list ? list->seq : 0) + (changed ? 1 : 0);
  Payloads payloads;
  if (list || changed) {
    auto built = build_payloads(draft, seq, options);
    if (!built) return fail(built.error());
    payloads = std::move(*built);
  }
  std::string delta;
  if (list) delta = add_deltas(workspace, draft, now_published->second, *list, payloads);
  auto committed = add_commitments(workspace, draft, seq, now_published->second, changed, payloads);
  if (!committed) return fail(committed.error());
  tuf::Json body = document("targets", now_published->second.version + 1,
                            workspace.clock() + workspace.list_expiry(draft.department));
  body["targets"] = payloads.targets;

  const std::filesystem::path path = staged_document(workspace, draft.department);
  const std::string full_path = "lists/" + draft.department + "/" + kFull;
  tuf::Json envelope =
      same_staged(path, body, full_path, !options.bulk_order.empty())
          .value_or(tuf::Json{{"signatures", tuf::Json::array()}, {"signed", body}});
  auto added = add_signatures(envelope, *keys);
  if (!added) return fail(added.error());
  for (const auto& [file, packed] : payloads.files) {
    if (auto status = write_payload(workspace, file, packed); !status) return fail(status.error());
  }
  if (auto status = files::make_folder(workspace.staged()); !status) return fail(status.error());
  if (auto status = files::write_atomic(path, envelope_text(envelope)); !status) {
    return fail(status.error());
  }
  return Staged{now_published->second.version + 1,
                seq,
                draft.entries,
                static_cast<unsigned>(envelope["signatures"].size()),
                role->threshold,
                std::move(delta)};
}

}  // namespace sluice::authority
