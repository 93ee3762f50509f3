#include "control/compile/begins.h"

#include <algorithm>
#include <charconv>

#include "config/base/json.h"
#include "control/compile/compile.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/compile/zstd_lines.h"

namespace sluice::compile {
namespace {

/// Calls `visitor` for each entry of a retained list whose order is wanted. The list was read with
/// all care when it came; what may have happened to its file since then, its seal tells.
template <class Visitor>
Status for_each_wanted(const ReleaseList& list, const std::filesystem::path& folder,
                       const std::vector<bool>& wanted, const Visitor& visitor) {
  auto lines = ZstdLines::open(folder / list.full_file(), list.full.path,
                               kMaxListHeader + list.entries * kMaxListLine, kMaxListLine,
                               ZstdLines::Hashed::packed);
  if (!lines) return fail(lines.error());
  CplEntry entry;
  for (;;) {
    auto line = lines->next();
    if (!line) return fail(line.error());
    if (!*line) break;
    const std::string_view text = **line;
    // A header has no tab, and a URL is no number.
    const std::size_t tab = text.rfind('\t');
    if (tab == text.npos) continue;
    std::size_t order = 0;
    const auto [end, code] =
        std::from_chars(text.data() + tab + 1, text.data() + text.size(), order);
    if (code != std::errc() || end != text.data() + text.size()) continue;
    if (order >= wanted.size() || !wanted[order]) continue;
    bool is_url = false;
    if (const auto fault = parse_cpl_line(text, wanted.size(), entry, is_url)) {
      return fail(fault->what, lines->where(fault->column), "pull the list again");
    }
    if (!is_url && !visitor(entry)) return {};
  }
  // What a delta made has a checksum of its own, which was looked at while it was unpacked.
  if (list.made_file.empty() && lines->packed_sha256() != list.full.sha256) {
    return fail("the list is damaged", list.full.path, "pull the list again");
  }
  return {};
}

class Finder {
 public:
  Finder(const Sources& sources, const std::filesystem::path& lists_dir, const Rules& rules,
         tuf::Time now)
      : sources_(sources), lists_dir_(lists_dir), rules_(rules), now_(now) {}

  /// False: there is more of it than an overlay holds.
  Result<bool> read(const ReleaseList& list, bool has_dropped);
  [[nodiscard]] Begun take() { return std::move(out_); }

 private:
  /// Nothing has begun or ended before that which is not in the generation.
  [[nodiscard]] bool is_new(tuf::Time time) const {
    const auto& next = sources_.orders.next_change;
    return next && time >= *next && time <= now_;
  }
  void take_entry(const CplEntry& entry, const Order& order, BegunList& into);

  const Sources& sources_;
  const std::filesystem::path& lists_dir_;
  const Rules& rules_;
  const tuf::Time now_;
  std::uint64_t found_ = 0;
  Begun out_;
};

Result<bool> Finder::read(const ReleaseList& list, bool has_dropped) {
  out_.departments.push_back(list.department);
  auto orders = read_orders(list, lists_dir_);
  if (!orders) return fail(orders.error());
  BegunList into{.department = list.department};
  std::vector<bool> wanted;
  for (const Order& order : *orders) {
    out_.orders.consider(order, now_);
    // Names that were left out by the rules are counted as such, and in no generation.
    const bool changed = is_new(order.effective) || (has_dropped && is_new(order.expires));
    wanted.push_back(order.active && changed);
    into.content.provenance.push_back(order.provenance(list.department));
  }
  const bool any = std::find(wanted.begin(), wanted.end(), true) != wanted.end();
  if (!any || list.department == kEmergency) return true;
  auto status = for_each_wanted(list, lists_dir_, wanted, [&](const CplEntry& entry) {
    take_entry(entry, (*orders)[entry.order], into);
    return found_ <= generation::kMaxOverlayEntries;
  });
  if (!status) return fail(status.error());
  if (found_ > generation::kMaxOverlayEntries) return false;
  out_.lists.push_back(std::move(into));
  return true;
}

void Finder::take_entry(const CplEntry& entry, const Order& order, BegunList& into) {
  const bool begins = is_new(order.effective);
  const bool applies = order.applies(now_);
  const std::string_view reason = begins && !applies ? "" : rules_.drops(entry, order);
  if (!begins && reason.empty()) return;  // it is in the generation, and ends by that
  if (begins) --into.counts["pending"];
  if (!applies) ++into.counts["expired"];
  if (!reason.empty()) {
    into.dropped[std::string(reason)] += applies ? 1 : -1;
    std::string text = dropped_text(entry.name.view(), reason, into.department);
    if (applies && into.told.size() < kMaxDroppedTold) {
      into.told.push_back(std::move(text));
    } else if (!applies && std::find(sources_.dropped.begin(), sources_.dropped.end(), text) !=
                               sources_.dropped.end()) {
      into.untold.push_back(std::move(text));
    }
    return;
  }
  if (!applies) return;
  ++found_;
  ++into.counts["entries"];
  into.content.entries.push_back({std::string(entry.name.view()),
                                  record_of(order, entry.scope, into.department, entry.order)});
}

}  // namespace

Result<std::optional<Begun>> find_begun(const Release& release, std::string_view sources_json,
                                        const std::filesystem::path& lists_dir, const Rules& rules,
                                        tuf::Time now) {
  const Sources sources = sources_from_json(sources_json);
  tuf::Json json = parse_json(sources_json);
  if (sources.release != release_id(release) || !json.is_object()) return std::optional<Begun>();
  // The clock ran ahead, and what began or ended by it has not.
  if (sources.orders.last_change && now < *sources.orders.last_change) {
    return std::optional<Begun>();
  }
  Finder finder(sources, lists_dir, rules, now);
  for (const ReleaseList& list : release.lists) {
    const tuf::Json* const row = list_row(json, list.department);
    if (row == nullptr) return std::optional<Begun>();
    auto fits = finder.read(list, row->contains("dropped"));
    if (!fits) return fail(fits.error());
    if (!*fits) return std::optional<Begun>();
  }
  return std::optional(finder.take());
}

void put_begun(tuf::Json& sources, const Begun& begun) {
  put_stretch(sources, begun.orders);
  for (const BegunList& list : begun.lists) {
    tuf::Json* const row = list_row(sources, list.department);
    if (row == nullptr) continue;
    for (const auto& [what, more] : list.counts) add_to_count(*row, what, more);
    for (const auto& [reason, more] : list.dropped) add_to_dropped(*row, reason, more);
    for (const std::string& text : list.untold) tell_dropped(sources, text, false);
    for (const std::string& text : list.told) tell_dropped(sources, text, true);
  }
}

}  // namespace sluice::compile
