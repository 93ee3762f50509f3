#include "tools/sluice-authority/log_monitor.h"

#include <algorithm>
#include <set>

#include "config/policy/taxonomy.h"
#include "control/compile/cpd_make.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/compile/zstd_lines.h"
#include "control/sync/departments.h"
#include "control/tuf/digest.h"

namespace sluice::authority {
namespace {

constexpr std::size_t kMaxLine = 16'384;

std::uint64_t max_list_octets(const compile::ReleaseList& list) {
  return compile::kMaxListHeader + list.entries * compile::kMaxListLine;
}

std::string signers(const tuf::Envelope& envelope) {
  std::string out;
  for (const tuf::Signature& signature : envelope.signatures) {
    out += (out.empty() ? "" : ", ") + signature.keyid.substr(0, 12);
  }
  return out;
}

}  // namespace

Result<tuf::Envelope> ReleaseReport::read_role(const tuf::Snapshot& snapshot,
                                               const std::string& role) {
  const auto listed = snapshot.meta.find(role + ".json");
  if (listed == snapshot.meta.end()) return fail("the snapshot does not name it", role);
  const std::string path =
      "metadata/" + std::to_string(listed->second.version) + "." + role + ".json";
  auto bytes = source_.need(path, tuf::kMaxTargetsOctets);
  if (!bytes) return fail(bytes.error());
  if (!listed->second.sha256 || tuf::sha256(*bytes) != *listed->second.sha256) {
    return fail("is not what the logged snapshot names", path);
  }
  return tuf::parse_envelope(*bytes, path);
}

Result<ReleaseReport::Documents> ReleaseReport::read(const LoggedRelease& release) {
  const std::string path = "metadata/" + std::to_string(release.leaf.version) + ".snapshot.json";
  auto bytes = source_.need(path, tuf::kMaxSnapshotOctets);
  if (!bytes) return fail(bytes.error());
  if (tuf::sha256(*bytes) != release.leaf.sha256) return fail("is not what was logged", path);
  auto envelope = tuf::parse_envelope(*bytes, path);
  if (!envelope) return fail(envelope.error());
  auto snapshot = tuf::parse_snapshot(envelope->body, path);
  if (!snapshot) return fail(snapshot.error());
  Documents out;
  out.snapshot = std::move(*snapshot);
  auto top = read_role(out.snapshot, "targets");
  if (!top) return fail(top.error());
  auto targets = tuf::parse_targets(top->body, "targets.json");
  if (!targets) return fail(targets.error());
  out.top = std::move(*targets);
  out.signed_by["targets"] = signers(*top);
  for (const tuf::DelegatedRole& role : out.top.roles) {
    if (!out.snapshot.meta.contains(role.name + ".json")) continue;
    auto document = read_role(out.snapshot, role.name);
    if (!document) return fail(document.error());
    if (auto status = tuf::verify(*document, out.top.keys, role, role.name); !status) {
      return fail(status.error());
    }
    auto parsed = tuf::parse_targets(document->body, role.name);
    if (!parsed) return fail(parsed.error());
    auto list = sync::read_department(out.top, role, *parsed);
    if (!list) return fail(list.error());
    if (*list) out.lists[role.name] = std::move(**list);
    out.roles[role.name] = std::move(*parsed);
    out.signed_by[role.name] = signers(*document);
  }
  return out;
}

Result<std::vector<std::string>> ReleaseReport::lines_of(const compile::ListFile& file,
                                                         std::uint64_t max_octets) {
  const auto path = folder_ / file.stored_name();
  auto status = source_.fetcher().download(file.remote_path(), path, file.length, file.sha256);
  if (!status) return fail(status.error());
  auto lines = compile::ZstdLines::open(path, file.path, max_octets, kMaxLine);
  if (!lines) return fail(lines.error());
  std::vector<std::string> out;
  for (;;) {
    auto line = lines->next();
    if (!line) return fail(line.error());
    if (!*line) return out;
    if (!(*line)->starts_with('#')) out.emplace_back(**line);
  }
}

Result<std::string> ReleaseReport::changes(const compile::ReleaseList* before,
                                           const compile::ReleaseList& after) {
  std::string text;
  const auto join = [&](const std::vector<std::string>& lines, const char* sign) {
    for (const std::string& line : lines) text.append(sign).append(line).push_back('\n');
  };
  if (before != nullptr) {
    for (const compile::DeltaFile& delta : after.deltas) {
      if (delta.from_sha256 != before->full.content_sha256) continue;
      if (delta.to_sha256 != after.full.content_sha256) continue;
      auto lines = lines_of(delta.file, (delta.added + delta.removed + 4) * kMaxLine);
      if (!lines) return fail(lines.error());
      join(*lines, "");
      return text;
    }
  }
  auto lines = lines_of(after.full, max_list_octets(after));
  if (!lines) return fail(lines.error());
  join(*lines, before == nullptr ? "+" : "");
  if (before == nullptr) return text;
  const compile::ListFile& file = before->full;
  const auto path = folder_ / file.stored_name();
  auto status = source_.fetcher().download(file.remote_path(), path, file.length, file.sha256);
  if (!status) return fail(status.error());
  auto diff = compile::diff_lists(*before, path, text);
  if (!diff) return fail(diff.error());
  return std::move(diff->lines);
}

Status ReleaseReport::tell_orders(const compile::ReleaseList* before,
                                  const compile::ReleaseList& after) {
  auto now = lines_of(after.orders, compile::kMaxOrdersOctets);
  if (!now) return fail(now.error());
  std::set<std::string> known;
  if (before != nullptr) {
    auto then = lines_of(before->orders, compile::kMaxOrdersOctets);
    if (!then) return fail(then.error());
    known.insert(then->begin(), then->end());
  }
  for (const std::string& line : *now) {
    if (known.contains(line)) continue;
    auto order = tuf::parse_strict(line, after.orders.path);
    if (!order) return fail(order.error());
    const std::string category = order->value("category", "");
    const policy::Category* found = policy::find_category(category);
    out_ << "    order " << order->value("order", "") << " (" << category
         << (found == nullptr ? "" : " " + std::string(found->name_zh)) << "), by "
         << order->value("authority", "") << ", " << order->value("effective", "") << " to "
         << order->value("expires", "") << ", " << order->value("status", "active") << "\n";
  }
  return {};
}

Status ReleaseReport::tell_list(const compile::ReleaseList* before,
                                const compile::ReleaseList& after) {
  auto text = changes(before, after);
  if (!text) return fail(text.error());
  std::uint64_t added = 0;
  std::string shown;
  std::uint64_t told = 0;
  std::uint64_t all = 0;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = text->find('\n', begin);
    ++all;
    added += (*text)[begin] == '+' ? 1 : 0;
    if (told < names_) {
      shown += "    " + text->substr(begin, end - begin) + "\n";
      ++told;
    }
    begin = end + 1;
  }
  out_ << "    list " << after.seq << ", " << after.entries << " entries, " << added << " came, "
       << all - added << " went\n";
  if (auto status = tell_orders(before, after); !status) return status;
  out_ << shown;
  if (told < all) out_ << "    … " << all - told << " more: --names\n";
  return {};
}

Status ReleaseReport::begin_with(const LoggedRelease& release) {
  auto documents = read(release);
  if (!documents) return fail(documents.error());
  last_ = std::move(*documents);
  return {};
}

Status ReleaseReport::tell(const LoggedRelease& release) {
  auto now = read(release);
  if (!now) return fail(now.error());
  out_ << "entry " << release.index << ": release " << release.leaf.version << "\n";
  if (now->top.version != last_.top.version) {
    out_ << "  targets " << now->top.version << ", signed by " << now->signed_by["targets"] << "\n";
    for (const auto& [path, file] : now->top.targets) {
      const auto then = last_.top.targets.find(path);
      if (then == last_.top.targets.end() || then->second.sha256 != file.sha256) {
        out_ << "    " << path << " is new\n";
      }
    }
    for (const auto& [path, file] : last_.top.targets) {
      if (!now->top.targets.contains(path)) out_ << "    " << path << " is gone\n";
    }
  }
  for (const auto& [role, document] : now->roles) {
    const auto then = last_.roles.find(role);
    if (then != last_.roles.end() && then->second.version == document.version) continue;
    out_ << "  " << role << " " << document.version << ", signed by " << now->signed_by[role]
         << "\n";
    const auto list = now->lists.find(role);
    if (list == now->lists.end()) continue;
    const auto before = last_.lists.find(role);
    auto status = tell_list(before == last_.lists.end() ? nullptr : &before->second, list->second);
    if (!status && now_ < now->snapshot.expires) return status;
    if (!status) {
      out_ << "    list " << list->second.seq << ", " << list->second.entries
           << " entries; its changes cannot be told any more: " << status.error().text() << "\n";
    }
  }
  last_ = std::move(*now);
  return {};
}

}  // namespace sluice::authority
