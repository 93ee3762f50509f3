// Entries that are in no generation yet, because their orders begin later.
#include <algorithm>
#include <set>

#include "config/generation/codec.h"
#include "control/compile/begins.h"
#include "control/compile/orders.h"
#include "control/compile/rules.h"
#include "control/service/signed_layers.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

/// When orders of the release begin next.
std::vector<tuf::Time> beginnings_of(const compile::Release& release,
                                     const std::filesystem::path& lists_dir, tuf::Time now) {
  std::set<tuf::Time> all;
  for (const compile::ReleaseList& list : release.lists) {
    const auto orders = compile::read_orders(list, lists_dir);
    if (!orders || list.department == compile::kEmergency) continue;
    for (const compile::Order& order : *orders) {
      if (order.active && order.effective > now) all.insert(order.effective);
    }
  }
  std::vector<tuf::Time> out(all.begin(), all.end());
  out.resize(std::min(out.size(), kMostBeginnings));
  return out;
}

bool is_known(const std::vector<Listed::Entry>& entries, const Listed::Entry& other) {
  return std::any_of(entries.begin(), entries.end(), [&](const Listed::Entry& one) {
    return one.covering.listed_name == other.covering.listed_name &&
           one.covering.record == other.covering.record && one.from.order == other.from.order;
  });
}

}  // namespace

std::vector<Listed::Entry> listed_later(const generation::Generation& generation,
                                        const std::filesystem::path& state_dir,
                                        const std::string& name, std::int64_t now) {
  std::vector<Listed::Entry> out;
  name::LookupName lookup;
  if (name::from_text(name, lookup) != name::Defect::none) return out;
  const auto lists_dir = state_dir / "lists";
  const auto release = service::kept_release(lists_dir);
  if (!release || !*release) return out;
  const auto rules = compile::read_rules((*release)->policy, lists_dir);
  if (!rules) return out;
  for (const tuf::Time at :
       beginnings_of(**release, lists_dir, tuf::Time(std::chrono::seconds(now)))) {
    const auto begun =
        compile::find_begun(**release, generation.sources_json(), lists_dir, *rules, at);
    if (!begun || !*begun) break;
    for (const compile::BegunList& list : (*begun)->lists) {
      for (const compile::LocalEntry& entry : list.content.entries) {
        for (unsigned labels = 1; labels <= lookup.label_count; ++labels) {
          if (lookup.suffix(labels) != entry.key ||
              !generation::covers(entry.record.scope, labels < lookup.label_count)) {
            continue;
          }
          Listed::Entry found{
              .covering = {name::from_reversed_key(entry.key), entry.record},
              .from = list.content.provenance[entry.record.provenance],
              .begins = at.time_since_epoch().count(),
          };
          // Of each moment all that has begun by then is found.
          if (!is_known(out, found)) out.push_back(std::move(found));
        }
      }
    }
  }
  return out;
}

}  // namespace sluice::ctl
