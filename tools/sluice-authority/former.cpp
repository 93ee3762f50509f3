#include "tools/sluice-authority/former.h"

#include "config/files/file.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/compile/zstd_lines.h"
#include "control/sync/departments.h"
#include "control/tuf/digest.h"
#include "tools/sluice-authority/retire.h"

namespace sluice::authority {
namespace {

template <class Take>
Status each_line(const Workspace& workspace, const compile::ListFile& file,
                 std::uint64_t max_octets, std::size_t max_line, Take take) {
  auto lines = compile::ZstdLines::open(kept_payload(workspace, file.remote_path()), file.path,
                                        max_octets, max_line);
  if (!lines) return fail(lines.error());
  for (;;) {
    auto line = lines->next();
    if (!line) return fail(line.error());
    if (!*line) break;
    if (auto status = take(**line); !status) return status;
  }
  if (lines->content_sha256() == file.content_sha256) return {};
  return fail("does not match its signed content", file.path, "bring the file back from a copy");
}

/// The list that a version of the department's document signs.
Result<std::optional<compile::ReleaseList>> list_of(const Workspace& workspace,
                                                    const Published& published,
                                                    const std::string& department,
                                                    std::uint64_t version) {
  const auto path = metadata_path(workspace, version, role_of(department));
  if (!std::filesystem::exists(path)) return std::nullopt;
  auto bytes = files::read_bounded(path, tuf::kMaxTargetsOctets);
  if (!bytes) return fail(bytes.error());
  auto envelope = tuf::parse_envelope(*bytes, path.string());
  if (!envelope) return fail(envelope.error());
  auto targets = tuf::parse_targets(envelope->body, path.string());
  if (!targets) return fail(targets.error());
  const tuf::DelegatedRole* role = published.role(department);
  if (role == nullptr) return fail("the repository has no such role", department);
  return sync::read_department(published.targets, *role, *targets);
}

Result<Draft> draft_of(const Workspace& workspace, const compile::ReleaseList& list) {
  Draft draft;
  draft.department = list.department;
  auto status = each_line(workspace, list.orders, compile::kMaxOrdersOctets, compile::kMaxOrderLine,
                          [&](std::string_view line) {
                            auto order = tuf::parse_strict(line, list.orders.path);
                            if (order) draft.orders.push_back(std::move(*order));
                            return order ? Status{} : fail(order.error());
                          });
  if (!status) return fail(status.error());
  const std::uint64_t octets = compile::kMaxListHeader + list.entries * compile::kMaxListLine;
  status = each_line(workspace, list.full, octets, compile::kMaxListLine,
                     [&](std::string_view line) -> Status {
                       if (line.starts_with('#')) return {};
                       draft.names.append(line).push_back('\n');
                       ++draft.entries;
                       return {};
                     });
  if (!status) return fail(status.error());
  return draft;
}

}  // namespace

Result<FormerList> load_former(const Workspace& workspace, const Published& published,
                               const std::string& department, std::uint64_t seq) {
  const auto now = published.list(department);
  if (!now) return fail("has no list that could be withdrawn", department);
  for (std::uint64_t version = published.lists.at(department).version; version-- > 1;) {
    auto list = list_of(workspace, published, department, version);
    if (!list) return fail(list.error());
    if (!*list || (*list)->seq == now->seq) continue;
    if (seq != 0 && (*list)->seq != seq) continue;
    auto draft = draft_of(workspace, **list);
    if (!draft) return fail(draft.error());
    return FormerList{std::move(**list), std::move(*draft)};
  }
  return fail(seq == 0 ? "was published once only, so there is nothing to go back to"
                       : "never was list " + std::to_string(seq) + ", or is it now",
              department, "take names off with sluice-authority remove");
}

Result<std::set<std::string>> published_orders(const Workspace& workspace,
                                               const compile::ReleaseList& list) {
  std::set<std::string> out;
  auto status = each_line(workspace, list.orders, compile::kMaxOrdersOctets, compile::kMaxOrderLine,
                          [&](std::string_view line) -> Status {
                            out.emplace(line);
                            return {};
                          });
  if (!status) return fail(status.error());
  return out;
}

}  // namespace sluice::authority
