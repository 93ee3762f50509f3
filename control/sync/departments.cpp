#include "control/sync/departments.h"

#include <algorithm>

#include "control/compile/cpl.h"
#include "control/compile/orders.h"

namespace sluice::sync {
namespace {

constexpr std::string_view kRolePrefix = "list-";
constexpr const char* kRefused = "the release is refused; tell the authority";

bool covers(const tuf::DelegatedRole& role, const std::string& path) {
  return std::any_of(role.paths.begin(), role.paths.end(),
                     [&](const std::string& pattern) { return tuf::path_matches(pattern, path); });
}

/// TUF 1.0 section 5.6.7: the first terminating role whose paths match decides alone.
const tuf::DelegatedRole* decides(const tuf::Targets& top, const std::string& path) {
  const auto found =
      std::find_if(top.roles.begin(), top.roles.end(),
                   [&](const tuf::DelegatedRole& role) { return covers(role, path); });
  return found == top.roles.end() ? nullptr : &*found;
}

compile::ListFile list_file(const std::string& path, const tuf::TargetFile& file) {
  return {path, file.length, file.sha256, {}};
}

/// What a list of so many lines can need at most, packed however badly.
std::uint64_t most_octets(std::uint64_t lines) {
  constexpr std::uint64_t kPacking = 1 << 20;
  return kPacking + lines * compile::kMaxListLine;
}

/// The deltas that a role signs. One that tells nothing sensible of itself is left out: it is only
/// a shorter way to the full list, which is signed as well.
std::vector<compile::DeltaFile> read_deltas(const tuf::Targets& signed_by,
                                            const std::string& base) {
  std::vector<compile::DeltaFile> out;
  for (const auto& [path, file] : signed_by.targets) {
    if (!path.starts_with(base + "delta-") || !path.ends_with(".cpd.zst")) continue;
    auto delta = compile::read_delta_custom(file.custom, path);
    if (!delta) continue;
    delta->file = list_file(path, file);
    if (file.length > most_octets(delta->added + delta->removed)) continue;
    out.push_back(std::move(*delta));
  }
  return out;
}

}  // namespace

std::string emergency_role() { return std::string(kRolePrefix).append(compile::kEmergency); }

bool is_list_role(const tuf::DelegatedRole& role) { return role.name.starts_with(kRolePrefix); }

Status check_top_targets(const tuf::Targets& targets) {
  for (const auto& [path, file] : targets.targets) {
    if (!path.starts_with("lists/")) continue;
    return fail("signs '" + path + "', which only its department may", "targets.json", kRefused);
  }
  return {};
}

Result<std::optional<compile::ReleaseList>> read_department(const tuf::Targets& top,
                                                            const tuf::DelegatedRole& role,
                                                            const tuf::Targets& signed_by) {
  const std::string where = role.name + ".json";
  if (!role.terminating) return fail("its delegation is not terminating", where, kRefused);
  if (!signed_by.roles.empty())
    return fail("delegates further, which no department may", where, kRefused);
  compile::ReleaseList list;
  list.department = role.name.substr(kRolePrefix.size());
  list.role_version = signed_by.version;
  list.role_expires = signed_by.expires;
  for (const auto& [path, file] : signed_by.targets) {
    if (!covers(role, path))
      return fail("signs '" + path + "', outside its paths", where, kRefused);
    if (decides(top, path)->name != role.name) {
      return fail("'" + path + "' belongs to " + decides(top, path)->name, where, kRefused);
    }
  }
  const std::string base = "lists/" + list.department + "/";
  const auto full = signed_by.targets.find(base + "full.cpl.zst");
  const auto orders = signed_by.targets.find(base + "orders.jsonl.zst");
  if (full == signed_by.targets.end()) return std::nullopt;
  if (orders == signed_by.targets.end()) {
    return fail("signs a list without its orders.jsonl.zst", where, kRefused);
  }
  list.full = list_file(full->first, full->second);
  list.orders = list_file(orders->first, orders->second);
  list.deltas = read_deltas(signed_by, base);
  if (auto status = compile::read_custom(full->second.custom, where, list); !status) {
    return fail(status.error());
  }
  if (list.full.length > most_octets(list.entries) ||
      list.orders.length > compile::kMaxOrdersOctets) {
    return fail("signs files that are longer than what they hold can be", where, kRefused);
  }
  return list;
}

}  // namespace sluice::sync
