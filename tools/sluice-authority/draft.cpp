#include "tools/sluice-authority/draft.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "config/files/file.h"
#include "config/name/name.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxFile = std::uint64_t{4} << 30;
/// How long an order lasts where nothing is said, and where its kind has a bound of its own, at
/// most.
struct Term {
  std::chrono::hours usual;
  std::optional<std::chrono::hours> most;
  std::string_view of;  // what has the bound
};
constexpr std::chrono::hours kDay{24};

Term term_of(bool emergency, std::string_view category) {
  if (emergency) return {kDay * 3, kDay * 3, "an emergency order"};
  // Whoever opens such windows changes names by the week, and somebody else gets the old ones.
  if (category == "popup") return {kDay * 30, kDay * 90, "an order of category popup"};
  return {kDay * 365, std::nullopt, ""};
}

/// Calls `take` with each line and a function that tells its place.
template <class Take>
Status each_line(const std::filesystem::path& path, std::string_view text, Take take) {
  std::uint64_t line = 0;
  const auto where = [&] { return path.string() + ":" + std::to_string(line); };
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto status = take(text.substr(0, end), where); !status) return status;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::string();
  return files::read_bounded(path, kMaxFile);
}

std::string line_of(std::string_view key, const DraftEntry& entry) {
  return name::from_reversed_key(key) + "\t" + std::string(compile::match_text(entry.scope)) +
         "\t" + std::to_string(entry.order) + "\n";
}

std::string key_of(std::string_view line) {
  name::LookupName name;
  const auto defect = name::from_text(line.substr(0, line.find('\t')), name);
  return defect == name::Defect::none ? std::string(name.view()) : std::string();
}

/// A person has edited the file: of lines for one name the last counts.
void sort_names(Draft& draft) {
  std::map<std::string, std::string_view> lines;
  (void)each_line({}, draft.names, [&](std::string_view line, const auto&) -> Status {
    lines.insert_or_assign(key_of(line), line);
    return {};
  });
  std::string sorted;
  for (const auto& [key, line] : lines) sorted.append(line).push_back('\n');
  draft.names = std::move(sorted);
  draft.entries = lines.size();
}

/// One pass over the names with ascending keys beside them: `at_key` is told of each key, with the
/// line that is there or nothing, and appends what shall be there to the text that it is given.
template <class AtKey>
void merge(Draft& draft, std::span<const std::string_view> keys, AtKey at_key) {
  std::string out;
  out.reserve(draft.names.size() + keys.size() * 48);
  std::size_t next = 0;
  name::LookupName name;
  (void)each_line({}, draft.names, [&](std::string_view line, const auto&) -> Status {
    if (next < keys.size()) {
      (void)name::from_text(line.substr(0, line.find('\t')), name);
      while (next < keys.size() && keys[next] < name.view()) at_key(keys[next++], "", out);
    }
    if (next < keys.size() && keys[next] == name.view()) {
      at_key(keys[next++], line, out);
    } else {
      out.append(line).push_back('\n');
    }
    return {};
  });
  while (next < keys.size()) at_key(keys[next++], "", out);
  draft.names = std::move(out);
}

std::vector<std::string_view> sorted_unique(std::span<const std::string_view> keys) {
  std::vector<std::string_view> out(keys.begin(), keys.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

std::string Draft::cpl(std::uint64_t seq) const {
  return "#CPL 1\n#list " + department + "\n#seq " + std::to_string(seq) + "\n#entries " +
         std::to_string(entries) + "\n" + names;
}

std::string Draft::orders_jsonl() const {
  std::string out;
  for (const tuf::Json& order : orders) out += tuf::canonical(order) + "\n";
  return out;
}

Result<Draft> load_draft(const Workspace& workspace, const std::string& department) {
  Draft draft;
  draft.department = department;
  const std::filesystem::path orders = workspace.list(department) / "orders.jsonl";
  auto text = read_file(orders);
  if (!text) return fail(text.error());
  auto status = each_line(orders, *text, [&](std::string_view line, const auto& where) -> Status {
    auto json = tuf::parse_strict(line, where());
    if (!json) return fail(json.error());
    draft.orders.push_back(std::move(*json));
    return {};
  });
  if (!status) return fail(status.error());

  const std::filesystem::path names = workspace.list(department) / "names.tsv";
  text = read_file(names);
  if (!text) return fail(text.error());
  draft.names = std::move(*text);
  if (!draft.names.empty() && draft.names.back() != '\n') draft.names.push_back('\n');
  bool sorted = true;
  std::string last;
  compile::CplEntry entry;
  status = each_line(names, draft.names, [&](std::string_view line, const auto& where) -> Status {
    bool is_url = false;
    const auto fault = compile::parse_cpl_line(line, draft.orders.size(), entry, is_url);
    if (fault) return fail(fault->what, where(), "correct the line");
    if (is_url) return fail("the match is none of tree, exact, subs", where(), "correct the line");
    sorted = sorted && last < entry.name.view();
    last.assign(entry.name.view());
    ++draft.entries;
    return {};
  });
  if (!status) return fail(status.error());
  if (!sorted) sort_names(draft);
  return draft;
}

Status save_draft(const Workspace& workspace, const Draft& draft) {
  const std::filesystem::path folder = workspace.list(draft.department);
  if (auto status = files::make_folder(folder); !status) return status;
  // Orders first: names refer to them, and orders that no name refers to do no harm.
  if (auto status = files::write_atomic(folder / "orders.jsonl", draft.orders_jsonl()); !status) {
    return status;
  }
  return files::write_atomic(folder / "names.tsv", draft.names);
}

std::vector<std::uint64_t> names_by_order(const Draft& draft) {
  std::vector<std::uint64_t> by_order(draft.orders.size());
  for (std::size_t begin = 0; begin < draft.names.size();) {
    const std::size_t end = draft.names.find('\n', begin);
    const std::size_t tab = draft.names.rfind('\t', end);
    std::uint64_t order = 0;
    for (std::size_t i = tab + 1; i < end; ++i) {
      order = order * 10 + static_cast<std::uint64_t>(draft.names[i] - '0');
    }
    if (order < by_order.size()) ++by_order[order];
    begin = end + 1;
  }
  return by_order;
}

bool is_one_line(std::string_view text) {
  const bool clean = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F;
  });
  // The strict reader knows UTF-8.
  return clean && tuf::parse_strict(tuf::canonical(tuf::Json(std::string(text))), "").has_value();
}

Result<std::uint32_t> put_order(Draft& draft, const OrderFields& fields, tuf::Time now) {
  std::size_t at = 0;
  while (at < draft.orders.size() && (draft.orders[at].value("order", "") != fields.order ||
                                      draft.orders[at].value("category", "") != fields.category)) {
    ++at;
  }
  for (const std::string* text :
       {&fields.order, &fields.authority, &fields.legal_basis, &fields.issued, &fields.effective,
        &fields.expires, &fields.review_by, &fields.appeal_url}) {
    if (!is_one_line(*text)) {
      return fail("has a control character, or is not UTF-8", "order " + fields.order);
    }
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
  const Term term = term_of(emergency, fields.category);
  put("expires", fields.expires, from ? tuf::to_text(*from + term.usual) : "");
  put("authority", fields.authority, draft.department);
  put("legal_basis", fields.legal_basis, "");
  put("issued", fields.issued, tuf::to_text(now).substr(0, 10));
  put("review_by", fields.review_by, "");
  put("disclosure", "", "public");
  put("status", "", "active");
  if (fields.confirm_popular) order["confirm_popular"] = true;
  if (!fields.appeal_url.empty()) order["appeal"]["url"] = fields.appeal_url;

  const std::string where = "order " + fields.order;
  if (!fields.review_by.empty()) {
    const auto day = tuf::parse_time_or_day(fields.review_by);
    if (!day) return fail("review_by: " + day.error().text(), where, "give a day: 2027-01-31");
  }
  auto parsed = compile::parse_order(tuf::canonical(order), where);
  if (!parsed) return fail(parsed.error());
  if (auto status = compile::check_department(*parsed, draft.department, where); !status) {
    return fail(status.error());
  }
  if (term.most && parsed->expires - parsed->effective > *term.most) {
    return fail(
        std::string(term.of) + " lasts at most " + std::to_string(term.most->count()) + " h", where,
        "give an earlier --expires");
  }
  if (fresh) draft.orders.emplace_back();
  draft.orders[at] = std::move(order);
  return static_cast<std::uint32_t>(at);
}

Change put_names(Draft& draft, std::span<const std::string_view> keys, DraftEntry entry,
                 bool replace) {
  Change change;
  merge(draft, sorted_unique(keys),
        [&](std::string_view key, std::string_view there, std::string& out) {
          const std::string line = line_of(key, entry);
          const bool same = there == std::string_view(line).substr(0, line.size() - 1);
          const bool keep = same || (!there.empty() && !replace);
          ++(there.empty() ? change.added : keep ? change.unchanged : change.changed);
          if (keep) {
            out.append(there).push_back('\n');
          } else {
            out += line;
          }
        });
  draft.entries += change.added;
  return change;
}

std::uint64_t remove_names(Draft& draft, std::span<const std::string_view> keys) {
  std::uint64_t removed = 0;
  merge(draft, sorted_unique(keys), [&](std::string_view, std::string_view there, std::string&) {
    removed += there.empty() ? 0 : 1;
  });
  draft.entries -= removed;
  return removed;
}

}  // namespace sluice::authority
