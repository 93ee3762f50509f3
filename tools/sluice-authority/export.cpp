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

/// Names that departments protect by their lists: a zone that blocks what is around them would
/// block them too.
Result<compile::NameSet> listed_as_protected(std::vector<ListStream> streams, tuf::Time now) {
  std::vector<compile::NameSet::Entry> entries;
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

/// Goes over all lists at once, and gives each name that shall be blocked to `order`.
class Export {
 public:
  Export(const compile::Rules& rules, const compile::NameSet& listed, tuf::Time now)
      : rules_(rules), listed_(listed), now_(now) {}

  Status run(std::vector<ListStream> streams, ZoneOrder& order) {
    for (;;) {
      const ListStream* least = nullptr;
      for (const ListStream& stream : streams) {
        if (!stream.done && (least == nullptr || stream.key() < least->key())) least = &stream;
      }
      if (least == nullptr) return order.finish();
      ZoneName name{std::string(least->key()), false, false};
      for (ListStream& stream : streams) {
        if (stream.done || stream.key() != name.key) continue;
        add(stream, name);
        if (auto status = stream.advance(); !status) return status;
      }
      if (auto status = give(std::move(name), order); !status) return status;
    }
  }

  [[nodiscard]] const std::map<std::string, std::uint64_t>& left_out() const { return left_out_; }
  void leave_out(const std::string& reason) { ++left_out_[reason]; }

 private:
  [[nodiscard]] std::string reason_against(const ListStream& stream) const {
    const compile::Order& order = stream.order();
    if (!order.applies(now_)) return "their order does not apply now";
    if (protects(order) || order.category->name == "learning") return "their category permits";
    const std::string reason(rules_.drops(stream.entry, order));
    if (!reason.empty()) return "left out by appliances too: " + reason;
    const auto scope = stream.entry.scope;
    const bool around = listed_.covers(stream.key()) ||
                        listed_.is_reached_by(stream.key(), scope) ||
                        rules_.protected_names.is_reached_by(stream.key(), scope);
    return around ? "would block a protected name" : "";
  }

  void add(const ListStream& stream, ZoneName& name) {
    if (const std::string reason = reason_against(stream); !reason.empty()) {
      return leave_out(reason);
    }
    const auto scope = stream.entry.scope;
    name.exact = name.exact || scope != generation::Scope::subs;
    name.subs = name.subs || scope != generation::Scope::exact;
  }

  /// A name below a wildcard would not only be there twice: it would end the wildcard's reach for
  /// the names between and beside (RFC 4592 section 2.2.2).
  Status give(ZoneName name, ZoneOrder& order) {
    if (!name.exact && !name.subs) return {};
    if (!cover_.empty() && name.key.starts_with(cover_)) {
      leave_out("covered by a name above");
      return {};
    }
    if (name.subs) cover_ = name.key;
    return order.add(std::move(name));
  }

  const compile::Rules& rules_;
  const compile::NameSet& listed_;
  tuf::Time now_;
  std::string cover_;
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
  auto listed = listed_as_protected(std::move(*first), workspace.clock());
  if (!listed) return fail(listed.error());
  auto streams = open_lists(workspace, *published);
  if (!streams) return fail(streams.error());
  auto file = ZoneFile::create(out, *origin, *serial);
  if (!file) return fail(file.error());
  Export names(*rules, *listed, workspace.clock());
  ZoneOrder order([&](const ZoneName& name) -> Status {
    if (!file->add(name)) names.leave_out("too long for a name of the zone");
    return {};
  });
  if (auto status = names.run(std::move(*streams), order); !status) return status;
  if (auto status = file->finish(); !status) return status;
  std::cout << out.string() << ": zone " << *origin << ", serial " << *serial << ", "
            << file->records() << " rules\n";
  for (const auto& [reason, count] : names.left_out()) {
    std::cout << "  " << count << " left out: " << reason << "\n";
  }
  return {};
}

}  // namespace sluice::authority
