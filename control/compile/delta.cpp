#include "control/compile/delta.h"

#include <algorithm>
#include <map>

#include "config/base/json.h"
#include "control/compile/cpd.h"
#include "control/compile/emergency.h"
#include "control/compile/orders.h"
#include "control/compile/rollout.h"
#include "control/compile/rules.h"
#include "control/tuf/json.h"

namespace sluice::compile {
namespace {

using generation::Record;

constexpr const char* kCompileWhole = "compile the whole release";

/// A line of a delta as it concerns the generation.
struct Change {
  std::string key;
  Record record;
  bool adds = false;
  std::size_t list = 0;  // of the release
  std::string place;
};

bool same_order(const Order& a, const Order& b, const std::string& department) {
  return a.active == b.active && a.confirm_popular == b.confirm_popular &&
         a.effective == b.effective && a.expires == b.expires && a.category == b.category &&
         generation::provenance_json(a.provenance(department)) ==
             generation::provenance_json(b.provenance(department));
}

Status check_orders(const std::vector<Order>& before, const std::vector<Order>& after,
                    const ReleaseList& list) {
  const bool kept =
      before.size() <= after.size() &&
      std::equal(before.begin(), before.end(), after.begin(),
                 [&](const Order& a, const Order& b) { return same_order(a, b, list.department); });
  if (kept) return {};
  return fail("orders that were there have changed", list.orders.path, kCompileWhole);
}

/// Of a generation's sources, brought up to date with what changes.
class SourcesText {
 public:
  SourcesText(std::string_view json, const Release& after) : json_(parse_json(json)) {
    json_["release"] = release_id(after);
    json_["snapshot"] = after.snapshot_version;
    json_["targets"] = after.targets_version;
  }
  void set_list(const ReleaseList& list) {
    tuf::Json& of = at(list.department);
    of["seq"] = list.seq;
    of["role_version"] = list.role_version;
  }
  /// Counts a line where compile() would.
  void count(const std::string& department, const char* what, bool adds) {
    add_to_count(at(department), what, adds ? 1 : -1);
  }
  /// The same of what the rules leave out.
  void count_dropped(const std::string& department, std::string_view reason, bool adds,
                     const std::string& text) {
    add_to_dropped(at(department), std::string(reason), adds ? 1 : -1);
    tell_dropped(json_, text, adds);
  }
  void set_stretch(const Stretch& orders) { put_stretch(json_, orders); }
  void set_emergency(const Emergency& emergency) { put_emergency(json_, emergency); }
  [[nodiscard]] std::string text() const { return json_text(json_); }

 private:
  tuf::Json& at(const std::string& department) {
    tuf::Json* const row = list_row(json_, department);
    return row != nullptr ? *row
                          : json_["lists"].emplace_back(tuf::Json{{"department", department}});
  }
  tuf::Json json_;
};

const char* count_of(const Order& order, tuf::Time now) {
  if (order.applies(now)) return "entries";
  return !order.active ? "inactive" : order.expires <= now ? "expired" : "pending";
}

class DeltaCompiler {
 public:
  DeltaCompiler(const DeltaInput& input, generation::DeltaWriter writer, Rules rules)
      : input_(input),
        writer_(std::move(writer)),
        rules_(std::move(rules)),
        sources_(input.base->sources_json(), *input.after) {}

  Result<DeltaCompiled> run();

 private:
  Status check_base() const;
  Status read_list(std::size_t index);
  Status read_changes(std::size_t index, const ListDelta& delta, const std::vector<Order>& before,
                      const std::vector<Order>& after);
  Status apply();
  Status apply_one(const Change& change, std::vector<Record>& records);
  Result<std::size_t> list_of(const Record& record);

  const DeltaInput& input_;
  generation::DeltaWriter writer_;
  Rules rules_;
  SourcesText sources_;
  std::vector<Change> changes_;
  std::map<std::uint32_t, std::size_t> lists_;  // by provenance
  Stretch orders_;
};

Status DeltaCompiler::check_base() const {
  const auto sources = sources_from_json(input_.base->sources_json());
  if (sources.release != release_id(*input_.before)) {
    return fail("is of another release than the delta", input_.base->path().string(),
                kCompileWhole);
  }
  if (!sources.orders.holds(input_.now)) {
    return fail("an order began or ended since it was compiled", input_.base->path().string(),
                kCompileWhole);
  }
  const bool same_lists = std::equal(
      input_.before->lists.begin(), input_.before->lists.end(), input_.after->lists.begin(),
      input_.after->lists.end(),
      [](const ReleaseList& a, const ReleaseList& b) { return a.department == b.department; });
  if (!same_lists) return fail("departments came or went", {}, kCompileWhole);
  // When a release is taken says nothing of what it lists.
  const auto rules_of = [](const Release& release) {
    std::map<std::string, std::string> out;
    for (const ListFile& file : release.policy) {
      if (file.path != kRolloutFile) out[file.path] = file.sha256;
    }
    return out;
  };
  const bool same_rules = rules_of(*input_.before) == rules_of(*input_.after);
  if (!same_rules) return fail("the signed rules have changed", {}, kCompileWhole);
  return {};
}

Status DeltaCompiler::read_list(std::size_t index) {
  const ReleaseList& before = input_.before->lists[index];
  const ReleaseList& after = input_.after->lists[index];
  if (auto status = check_emergency_length(after); !status) return status;
  auto orders_before = read_orders(before, input_.lists_dir);
  if (!orders_before) return fail(orders_before.error());
  auto orders_after = read_orders(after, input_.lists_dir);
  if (!orders_after) return fail(orders_after.error());
  if (auto status = check_orders(*orders_before, *orders_after, before); !status) return status;
  auto categories = check_categories(rules_, *orders_after, after.orders.path);
  if (!categories) return categories;
  for (const Order& order : *orders_after) orders_.consider(order, input_.now);
  sources_.set_list(after);
  const auto delta =
      std::find_if(input_.deltas.begin(), input_.deltas.end(),
                   [&](const ListDelta& one) { return one.department == after.department; });
  if (delta != input_.deltas.end()) {
    return read_changes(index, *delta, *orders_before, *orders_after);
  }
  if (before.full.content_sha256 == after.full.content_sha256) return {};
  return fail("the list has changed, and there is no delta of it", after.full.path, kCompileWhole);
}

Status DeltaCompiler::read_changes(std::size_t index, const ListDelta& delta,
                                   const std::vector<Order>& before,
                                   const std::vector<Order>& after) {
  auto reader = CpdReader::open(delta.file, delta.label, input_.before->lists[index],
                                input_.after->lists[index], before.size(), after.size());
  if (!reader) return fail(reader.error());
  CpdLine line;
  for (;;) {
    auto more = reader->next(line);
    if (!more) return fail(more.error());
    if (!*more) return {};
    const Order& order = (line.adds ? after : before)[line.entry.order];
    const bool counts = !line.is_url && order.applies(input_.now);
    const std::string_view dropped = counts ? rules_.drops(line.entry, order) : "";
    if (!dropped.empty()) {
      sources_.count_dropped(delta.department, dropped, line.adds,
                             dropped_text(line.entry.name.view(), dropped, delta.department));
      continue;
    }
    sources_.count(delta.department, line.is_url ? "urls" : count_of(order, input_.now), line.adds);
    if (!counts) continue;
    auto row = writer_.add_provenance(order.provenance(delta.department));
    if (!row) return fail(row.error());
    lists_[*row] = index;
    changes_.push_back({std::string(line.entry.name.view()),
                        record_of(order, line.entry.scope, delta.department, *row), line.adds,
                        index, reader->where()});
  }
}

/// Whose record it is, by its place in the release.
Result<std::size_t> DeltaCompiler::list_of(const Record& record) {
  const auto known = lists_.find(record.provenance);
  if (known != lists_.end()) return known->second;
  auto provenance = input_.base->provenance(record.provenance);
  if (!provenance) return fail(provenance.error());
  std::size_t index = 0;
  while (index < input_.after->lists.size() &&
         input_.after->lists[index].department != provenance->department) {
    ++index;
  }
  return lists_[record.provenance] = index;
}

Status DeltaCompiler::apply_one(const Change& change, std::vector<Record>& records) {
  auto at = records.begin();  // the first of this list or of a later one, as compile() orders them
  for (; at != records.end(); ++at) {
    auto list = list_of(*at);
    if (!list) return fail(list.error());
    if (*list < change.list) continue;
    if (*list > change.list) break;
    if (change.adds) return fail("adds a name that the list has", change.place, kCompileWhole);
    if (!(*at == change.record)) break;
    records.erase(at);
    return {};
  }
  if (!change.adds) {
    return fail("takes off a name that is not listed so", change.place, kCompileWhole);
  }
  records.insert(at, change.record);
  return {};
}

Status DeltaCompiler::apply() {
  std::stable_sort(changes_.begin(), changes_.end(),
                   [](const Change& a, const Change& b) { return a.key < b.key; });
  for (auto at = changes_.begin(); at != changes_.end();) {
    const std::string& key = at->key;
    std::vector<Record> records = writer_.records(key);
    for (; at != changes_.end() && at->key == key; ++at) {
      if (auto status = apply_one(*at, records); !status) return status;
    }
    if (auto status = writer_.change(key, records); !status) return status;
  }
  return {};
}

Result<DeltaCompiled> DeltaCompiler::run() {
  if (auto status = check_base(); !status) return fail(status.error());
  for (std::size_t index = 0; index < input_.after->lists.size(); ++index) {
    if (auto status = read_list(index); !status) return fail(status.error());
  }
  if (auto status = apply(); !status) return fail(status.error());
  auto emergency = read_emergency(*input_.after, input_.lists_dir, rules_, input_.now);
  if (!emergency) return fail(emergency.error());
  sources_.set_emergency(*emergency);
  sources_.set_stretch(orders_);
  writer_.set_policy(input_.policy_json);
  writer_.set_sources(sources_.text());
  auto summary = writer_.finish(input_.output, input_.generation, tuf::to_text(input_.now));
  if (!summary) return fail(summary.error());
  const auto added = static_cast<std::uint64_t>(
      std::count_if(changes_.begin(), changes_.end(), [](const Change& one) { return one.adds; }));
  return DeltaCompiled{std::move(*summary), added, changes_.size() - added};
}

}  // namespace

Result<DeltaCompiled> compile_delta(const DeltaInput& input) {
  auto writer = generation::DeltaWriter::create(input.base);
  if (!writer) return fail(writer.error());
  auto rules = read_rules(input.after->policy, input.lists_dir);
  if (!rules) return fail(rules.error());
  return DeltaCompiler(input, std::move(*writer), std::move(*rules)).run();
}

}  // namespace sluice::compile
