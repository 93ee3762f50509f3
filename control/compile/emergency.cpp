#include "control/compile/emergency.h"

#include <algorithm>

#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/tuf/digest.h"

namespace sluice::compile {
namespace {

constexpr std::string_view kOfEmergency = ", emergency)";  // ends a dropped_text()

/// Of one list: what applies now goes into `out`.
Status read_entries(const ReleaseList& list, const std::filesystem::path& lists_dir,
                    const Rules& rules, tuf::Time now, Emergency& out) {
  auto orders = read_orders(list, lists_dir);
  if (!orders) return fail(orders.error());
  if (auto status = check_categories(rules, *orders, list.orders.path); !status) return status;
  auto reader = CplReader::open(list, lists_dir, orders->size());
  if (!reader) return fail(reader.error());
  for (const Order& order : *orders) {
    out.content.provenance.push_back(order.provenance(list.department));
    out.orders.consider(order, now);
  }
  ListCount count{.department = list.department};
  CplEntry entry;
  for (;;) {
    auto more = reader->next(entry);
    if (!more) return fail(more.error());
    if (!*more) break;
    const Order& order = (*orders)[entry.order];
    if (!order.applies(now)) {
      ++counted_as(count, order, now);
      continue;
    }
    if (const std::string_view reason = rules.drops(entry, order); !reason.empty()) {
      ++count.dropped[std::string(reason)];
      if (out.told.size() < kMaxDroppedTold) {
        out.told.push_back(dropped_text(entry.name.view(), reason, list.department));
      }
      continue;
    }
    ++count.entries;
    out.content.entries.push_back({std::string(entry.name.view()),
                                   record_of(order, entry.scope, list.department, entry.order)});
  }
  count.urls = reader->skipped_urls();
  out.list = to_json(count, list);
  return {};
}

}  // namespace

std::string emergency_id(const Release& release) {
  const ReleaseList* const list = release.find(kEmergency);
  if (list == nullptr) return {};
  return tuf::sha256(list->full.content_sha256 + list->orders.content_sha256);
}

Result<Emergency> read_emergency(const Release& release, const std::filesystem::path& lists_dir,
                                 const Rules& rules, tuf::Time now) {
  Emergency out{.id = emergency_id(release)};
  const ReleaseList* const list = release.find(kEmergency);
  if (list == nullptr) return out;
  if (auto status = check_emergency_length(*list); !status) return fail(status.error());
  if (auto status = read_entries(*list, lists_dir, rules, now, out); !status) {
    return fail(status.error());
  }
  return out;
}

void put_emergency(tuf::Json& sources, const Emergency& emergency) {
  tuf::Json keys = tuf::Json::array();
  for (const LocalEntry& entry : emergency.content.entries) keys.push_back(entry.key);
  tuf::Json told = {{"id", emergency.id}, {"keys", std::move(keys)}};
  put_stretch(told, emergency.orders);
  sources["emergency"] = std::move(told);
  tuf::Json& lists = sources["lists"];
  if (!lists.is_array()) lists = tuf::Json::array();
  const auto row = std::find_if(lists.begin(), lists.end(), [](const tuf::Json& one) {
    return one.is_object() && one.contains("department") && one["department"] == kEmergency;
  });
  if (row == lists.end()) {
    if (!emergency.list.is_null()) lists.push_back(emergency.list);
  } else if (emergency.list.is_null()) {
    lists.erase(row);
  } else {
    *row = emergency.list;
  }
  if (sources.contains("dropped")) {
    std::vector<std::string> former;
    for (const tuf::Json& text : sources["dropped"]) {
      if (text.is_string() && text.get_ref<const std::string&>().ends_with(kOfEmergency)) {
        former.push_back(text.get<std::string>());
      }
    }
    for (const std::string& text : former) tell_dropped(sources, text, false);
  }
  for (const std::string& text : emergency.told) tell_dropped(sources, text, true);
}

}  // namespace sluice::compile
