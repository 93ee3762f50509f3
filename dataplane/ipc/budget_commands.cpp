// Budgets of time, as a person asks for them.
#include <cstdio>

#include "config/base/json.h"
#include "config/ipc/socket.h"
#include "dataplane/ipc/commands.h"

namespace sluice::ipc {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxWho = 64;
constexpr std::size_t kMaxReason = 500;

json notices_of(const gateway::Gateway& gateway) {
  json out = json::array();
  for (const gateway::BudgetNotice& one : gateway.notices()) {
    out.push_back({{"time", std::chrono::system_clock::to_time_t(one.time)},
                   {"device", budget::text(one.notice.device)},
                   {"budget", one.notice.budget},
                   {"state", budget::text(one.notice.state)}});
  }
  return out;
}

json list_budgets(gateway::Gateway& gateway, const json& request) {
  gateway.count_budgets();
  const std::string given = text_at(request, "device");
  json spent;
  if (given.empty()) {
    spent = gateway.budgets().to_json(gateway.moment());
  } else {
    const auto device = budget::parse_device(given);
    if (!device) return error(device.error());
    spent = gateway.budgets().to_json(gateway.moment(), &*device);
  }
  return ok({{"budgets", gateway.budgets().budgets_json()},
             {"spent", std::move(spent)},
             {"notices", notices_of(gateway)}});
}

Result<std::string> change_budget(gateway::Gateway& gateway, const json& request) {
  const std::string who = text_at(request, "who");
  const std::string reason = text_at(request, "reason");
  if (who.empty() || reason.empty() || who.size() > kMaxWho || reason.size() > kMaxReason) {
    return fail("who decides, or why, is not told, or too long", {}, "give --reason and --who");
  }
  const auto device = budget::parse_device(text_at(request, "device"));
  if (!device) return fail(device.error());
  gateway.count_budgets();
  const std::string budget = text_at(request, "budget");
  const auto minutes = request.find("minutes");
  const bool adds = text_at(request, "command") == "budget-add";
  const std::uint64_t more = minutes != request.end() && minutes->is_number_unsigned()
                                 ? std::min<std::uint64_t>(minutes->get<std::uint64_t>(), 100'000)
                                 : 0;
  auto done = adds ? gateway.budgets().add(*device, budget, static_cast<std::uint32_t>(more))
                   : gateway.budgets().reset(*device, budget);
  if (!done) return done;
  gateway.budgets_were_changed();
  const auto uid = request.find("peer_uid");
  std::fprintf(stderr, "audit: budget: %s, by '%s' (uid %s): %s\n", done->c_str(), who.c_str(),
               uid != request.end() ? lenient_json_text(*uid).c_str() : "-1", reason.c_str());
  return done;
}

}  // namespace

json answer_budget(gateway::Gateway& gateway, const json& request) {
  if (text_at(request, "command") == "budgets") return list_budgets(gateway, request);
  auto done = change_budget(gateway, request);
  return done ? ok({{"done", *done}}) : error(done.error());
}

}  // namespace sluice::ipc
