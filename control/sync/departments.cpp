#include "control/sync/departments.h"

#include <algorithm>

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

}  // namespace

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
  if (auto status = compile::read_custom(full->second.custom, where, list); !status) {
    return fail(status.error());
  }
  list.full.path = full->first;
  list.full.length = full->second.length;
  list.full.sha256 = full->second.sha256;
  list.orders.path = orders->first;
  list.orders.length = orders->second.length;
  list.orders.sha256 = orders->second.sha256;
  return list;
}

}  // namespace sluice::sync
