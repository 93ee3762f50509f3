// Exports the published lists as a response policy zone.
#include <algorithm>
#include <iostream>
#include <limits>
#include <map>

#include "config/name/name.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/compile/rules.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/zone_file.h"
#include "tools/sluice-authority/zone_order.h"

namespace sluice::authority {
namespace {

/// A published list, one entry ahead.
struct ListStream {
  std::vector<compile::Order> orders;
  compile::CplReader reader;
  compile::CplEntry entry;
  bool done = false;

  [[nodiscard]] std::string_view key() const { return entry.name.view(); }
  [[nodiscard]] const compile::Order& order() const { return orders[entry.order]; }

  Status advance() {
    auto more = reader.next(entry);
    if (!more) return fail(more.error());
    done = !*more;
    return {};
  }
};

Result<std::vector<ListStream>> open_lists(const Workspace& workspace, const Published& published) {
  std::vector<ListStream> streams;
  for (const std::string& department : departments()) {
    const auto list = published.list(department);
    if (!list) continue;
    const auto folder = (workspace.repo() / list->full.remote_path()).parent_path();
    auto orders = compile::read_orders(*list, folder);
    if (!orders) return fail(orders.error());
    auto reader = compile::CplReader::open(*list, folder, orders->size());
    if (!reader) return fail(reader.error());
    streams.push_back({std::move(*orders), std::move(*reader), {}, false});
    if (auto status = streams.back().advance(); !status) return fail(status.error());
  }
  return streams;
}

Result<compile::Rules> open_rules(const Workspace& workspace, const Published& published) {
  std::vector<compile::ListFile> files;
  for (const auto& [path, file] : published.targets.targets) {
    if (compile::is_policy_file(path)) files.push_back({path, file.length, file.sha256, {}});
  }
  return compile::read_rules(files, workspace.repo() / "targets/policy");
}

bool protects(const compile::Order& order) { return order.category->name == "protected"; }

/// All names that pass whatever is listed: by the signed rules, and by departments' lists.
Result<compile::NameSet> names_that_pass(std::vector<ListStream> streams,
                                         const compile::Rules& rules, tuf::Time now) {
  std::vector<compile::NameSet::Entry> entries = rules.protected_names.entries();
  for (ListStream& stream : streams) {
    if (std::none_of(stream.orders.begin(), stream.orders.end(), protects)) continue;
    while (!stream.done) {
      if (protects(stream.order()) && stream.order().applies(now)) {
        entries.push_back({std::string(stream.key()), stream.entry.scope});
      }
      if (auto status = stream.advance(); !status) return fail(status.error());
    }
  }
  return compile::NameSet(std::move(entries));
}

/// Goes over all lists at once, and gives each name that the zone must tell of to `order`.
class Export {
 public:
  Export(const compile::Rules& rules, const compile::NameSet& passing, tuf::Time now,
         ZoneOrder& order)
      : rules_(rules), passing_(passing.entries()), now_(now), order_(order) {}

  Status run(std::vector<ListStream> streams) {
    auto pass = passing_.begin();
    for (;;) {
      const ListStream* least = nullptr;
      for (const ListStream& stream : streams) {
        if (!stream.done && (least == nullptr || stream.key() < least->key())) least = &stream;
      }
      const bool passes = pass != passing_.end() && (least == nullptr || pass->key <= least->key());
      if (least == nullptr && !passes) return order_.finish();
      Said said{passes ? pass->key : std::string(least->key())};
      for (; pass != passing_.end() && pass->key == said.key; ++pass) {
        said.add(ZoneRule::pass, pass->scope);
      }
      for (ListStream& stream : streams) {
        if (stream.done || stream.key() != said.key) continue;
        if (const std::string reason = reason_against(stream); reason.empty()) {
          said.add(ZoneRule::block, stream.entry.scope);
        } else {
          leave_out(reason);
        }
        if (auto status = stream.advance(); !status) return status;
      }
      if (auto status = give(said); !status) return status;
    }
  }

  [[nodiscard]] const std::map<std::string, std::uint64_t>& left_out() const { return left_out_; }
  void leave_out(const std::string& reason) { ++left_out_[reason]; }

 private:
  /// What the lists say of one name. What passes does so whatever else is said.
  struct Said {
    std::string key;
    ZoneRule exact = ZoneRule::none;
    ZoneRule subs = ZoneRule::none;

    void add(ZoneRule rule, generation::Scope scope) {
      if (scope != generation::Scope::subs) exact = std::max(exact, rule);
      if (scope != generation::Scope::exact) subs = std::max(subs, rule);
    }
  };

  [[nodiscard]] std::string reason_against(const ListStream& stream) const {
    const compile::Order& order = stream.order();
    if (!order.applies(now_)) return "their order does not apply now";
    if (protects(order) || order.category->name == "learning") return "their category permits";
    const std::string reason(rules_.drops(stream.entry, order));
    return reason.empty() ? reason : "left out by appliances too: " + reason;
  }

  /// A name below a wildcard ends its reach for the names between and beside (RFC 4592 section
  /// 2.2.2). So it stands there only where something else becomes of it, and then all between say
  /// again what the wildcard said.
  Status give(const Said& said) {
    while (!above_.empty() && !said.key.starts_with(above_.back().key)) above_.pop_back();
    const ZoneRule inherited = above_.empty() ? ZoneRule::none : above_.back().subs;
    ZoneName name{said.key, std::max(inherited, said.exact), std::max(inherited, said.subs)};
    if (name.exact == inherited && name.subs == inherited) {
      const bool blocks = said.exact == ZoneRule::block || said.subs == ZoneRule::block;
      if (blocks) leave_out("covered by a name above");
      return {};
    }
    if (name.subs != ZoneRule::none) above_.push_back(name);
    if (inherited == ZoneRule::none) {
      // Nothing is blocked around it, so nothing has to be said of what passes.
      for (ZoneRule* rule : {&name.exact, &name.subs}) {
        if (*rule == ZoneRule::pass) *rule = ZoneRule::none;
      }
    } else if (auto status = fill(inherited); !status) {
      return status;
    }
    return order_.add(std::move(name));
  }

  /// Between the last name of above_ and the one before it.
  Status fill(ZoneRule inherited) {
    const ZoneName last = std::move(above_.back());
    above_.pop_back();
    std::size_t dot = above_.back().key.size();
    while ((dot = last.key.find('.', dot)) + 1 < last.key.size()) {
      above_.push_back({last.key.substr(0, ++dot), inherited, inherited});
      if (auto status = order_.add(above_.back()); !status) return status;
    }
    above_.push_back(last);
    return {};
  }

  const compile::Rules& rules_;
  const std::vector<compile::NameSet::Entry>& passing_;
  tuf::Time now_;
  ZoneOrder& order_;
  std::vector<ZoneName> above_;  // those that say something of what is below them, from the top
  std::map<std::string, std::uint64_t> left_out_;
};

Result<std::uint32_t> serial_of(const Published& published) {
  const std::uint64_t version = published.timestamp.snapshot.version;
  if (version <= std::numeric_limits<std::uint32_t>::max())
    return static_cast<std::uint32_t>(version);
  return fail("the snapshot's version is no serial of a zone", std::to_string(version));
}

}  // namespace

Status export_rpz_command(const Workspace& workspace, const std::string& zone,
                          const std::filesystem::path& out) {
  auto origin = name::canonical(zone);
  if (!origin) return fail(origin.error());
  auto published = load_announced(workspace);
  if (!published) return fail(published.error());
  auto serial = serial_of(*published);
  if (!serial) return fail(serial.error());
  auto rules = open_rules(workspace, *published);
  if (!rules) return fail(rules.error());
  auto first = open_lists(workspace, *published);
  if (!first) return fail(first.error());
  auto passing = names_that_pass(std::move(*first), *rules, workspace.clock());
  if (!passing) return fail(passing.error());
  auto streams = open_lists(workspace, *published);
  if (!streams) return fail(streams.error());
  auto file = ZoneFile::create(out, *origin, *serial);
  if (!file) return fail(file.error());
  std::uint64_t too_long = 0;
  ZoneOrder order([&](const ZoneName& name) -> Status {
    if (!file->add(name)) ++too_long;
    return {};
  });
  Export names(*rules, *passing, workspace.clock(), order);
  if (auto status = names.run(std::move(*streams)); !status) return status;
  if (auto status = file->finish(); !status) return status;
  std::cout << out.string() << ": zone " << *origin << ", serial " << *serial << ", "
            << file->records() << " rules\n";
  if (too_long > 0) std::cout << "  " << too_long << " left out: too long for a name of the zone\n";
  for (const auto& [reason, count] : names.left_out()) {
    std::cout << "  " << count << " left out: " << reason << "\n";
  }
  return {};
}

}  // namespace sluice::authority
