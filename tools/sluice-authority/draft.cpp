#include "tools/sluice-authority/draft.h"

#include <charconv>

#include "config/name/name.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/files/file.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxFile = std::uint64_t{4} << 30;
constexpr auto kDefaultTerm = std::chrono::hours(365 * 24);
constexpr auto kEmergencyTerm = std::chrono::hours(72);

/// Calls `take` with each line and its number, from 1.
template <class Take>
Status each_line(const std::filesystem::path& path, Take take) {
  if (!std::filesystem::exists(path)) return {};
  auto bytes = files::read_bounded(path, kMaxFile);
  if (!bytes) return fail(bytes.error());
  std::string_view rest = *bytes;
  for (std::uint64_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string where = path.string() + ":" + std::to_string(line);
    if (auto status = take(rest.substr(0, end), where); !status) return status;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Result<generation::Scope> read_match(std::string_view text, const std::string& where) {
  for (const auto scope :
       {generation::Scope::tree, generation::Scope::exact, generation::Scope::subs}) {
    if (compile::match_text(scope) == text) return scope;
  }
  return fail("the match is none of tree, exact, subs", where);
}

Status read_name(Draft& draft, std::string_view line, const std::string& where) {
  const std::size_t first = line.find('\t');
  const std::size_t second = first == line.npos ? line.npos : line.find('\t', first + 1);
  name::LookupName name;
  if (second == line.npos || name::from_text(line.substr(0, first), name) != name::Defect::none) {
    return fail("is not 'name TAB match TAB order'", where, "correct the line");
  }
  auto scope = read_match(line.substr(first + 1, second - first - 1), where);
  if (!scope) return fail(scope.error());
  const std::string_view digits = line.substr(second + 1);
  DraftEntry entry{*scope, 0};
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), entry.order);
  if (code != std::errc() || end != digits.data() + digits.size() ||
      entry.order >= draft.orders.size()) {
    return fail("the order is not a line of orders.jsonl, counted from 0", where,
                "correct the line");
  }
  // Sorted already unless a person has edited it, so the hint makes this linear.
  draft.entries.insert_or_assign(draft.entries.end(), std::string(name.view()), entry);
  return {};
}

std::string body(const Draft& draft) {
  std::string out;
  for (const auto& [key, entry] : draft.entries) {
    out += name::from_reversed_key(key);
    out.push_back('\t');
    out += compile::match_text(entry.scope);
    out.push_back('\t');
    out += std::to_string(entry.order);
    out.push_back('\n');
  }
  return out;
}

}  // namespace

std::string Draft::cpl(std::uint64_t seq) const {
  return "#CPL 1\n#list " + department + "\n#seq " + std::to_string(seq) + "\n#entries " +
         std::to_string(entries.size()) + "\n" + body(*this);
}

std::string Draft::orders_jsonl() const {
  std::string out;
  for (const tuf::Json& order : orders) out += tuf::canonical(order) + "\n";
  return out;
}

Result<Draft> load_draft(const Workspace& workspace, const std::string& department) {
  Draft draft;
  draft.department = department;
  auto status = each_line(workspace.list(department) / "orders.jsonl",
                          [&](std::string_view line, const std::string& where) -> Status {
                            auto json = tuf::parse_strict(line, where);
                            if (!json) return fail(json.error());
                            draft.orders.push_back(std::move(*json));
                            return {};
                          });
  if (!status) return fail(status.error());
  status = each_line(workspace.list(department) / "names.tsv",
                     [&](std::string_view line, const std::string& where) {
                       return read_name(draft, line, where);
                     });
  if (!status) return fail(status.error());
  return draft;
}

Status save_draft(const Workspace& workspace, const Draft& draft) {
  const std::filesystem::path folder = workspace.list(draft.department);
  if (auto status = files::make_folder(folder); !status) return status;
  // Orders first: names refer to them, and orders that no name refers to do no harm.
  if (auto status = files::write_atomic(folder / "orders.jsonl", draft.orders_jsonl()); !status) {
    return status;
  }
  return files::write_atomic(folder / "names.tsv", body(draft));
}

Result<std::uint32_t> put_order(Draft& draft, const OrderFields& fields, tuf::Time now) {
  std::size_t at = 0;
  while (at < draft.orders.size() && (draft.orders[at].value("order", "") != fields.order ||
                                      draft.orders[at].value("category", "") != fields.category)) {
    ++at;
  }
  const bool fresh = at == draft.orders.size();
  tuf::Json order = fresh ? tuf::Json::object() : draft.orders[at];
  const auto put = [&](const char* key, const std::string& value, const std::string& fallback) {
    if (!value.empty()) {
      order[key] = value;
    } else if (!order.contains(key) && !fallback.empty()) {
      order[key] = fallback;
    }
  };
  order["order"] = fields.order;
  order["category"] = fields.category;
  const bool emergency = draft.department == compile::kEmergency;
  put("effective", fields.effective, tuf::to_text(now));
  const auto from = tuf::parse_time_or_day(order["effective"].get<std::string>());
  const auto term = emergency ? kEmergencyTerm : kDefaultTerm;
  put("expires", fields.expires, from ? tuf::to_text(*from + term) : "");
  put("authority", fields.authority, draft.department);
  put("legal_basis", fields.legal_basis, "");
  put("issued", fields.issued, tuf::to_text(now).substr(0, 10));
  put("review_by", fields.review_by, "");
  put("disclosure", "", "public");
  put("status", "", "active");
  if (!fields.appeal_url.empty()) order["appeal"]["url"] = fields.appeal_url;

  const std::string where = "order " + fields.order;
  auto parsed = compile::parse_order(tuf::canonical(order), where);
  if (!parsed) return fail(parsed.error());
  if (auto status = compile::check_department(*parsed, draft.department, where); !status) {
    return fail(status.error());
  }
  if (emergency && parsed->expires - parsed->effective > kEmergencyTerm) {
    return fail("an emergency order lasts at most 72 h", where, "give an earlier --expires");
  }
  if (fresh) draft.orders.emplace_back();
  draft.orders[at] = std::move(order);
  return static_cast<std::uint32_t>(at);
}

Change put_names(Draft& draft, std::span<const std::string_view> keys, DraftEntry entry,
                 bool replace) {
  Change change;
  for (const std::string_view key : keys) {
    const auto [at, fresh] = draft.entries.try_emplace(std::string(key), entry);
    DraftEntry& there = at->second;
    if (fresh) {
      ++change.added;
    } else if (replace && (there.scope != entry.scope || there.order != entry.order)) {
      there = entry;
      ++change.changed;
    } else {
      ++change.unchanged;
    }
  }
  return change;
}

}  // namespace sluice::authority
