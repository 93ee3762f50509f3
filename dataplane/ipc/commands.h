// What the dataplane answers on its control socket:
//   status                      what runs, by which generation, and what is wrong
//   stats                       counters: sums and by lcore, ports
//   load {path}                 judge by that generation; replies when every worker does
//   trial {path}                what that generation would block of names that passed, by category
//   events {after}              past blocks with a sequence number above `after`
//   incident {id}               one past block
//   budgets {device}            minutes that devices have spent, or one
//   budget-add {device, budget, minutes, who, reason}, budget-reset {device, budget, who, reason}
//   devices {address, mac, vlan, inner_vlan, port}   who holds the addresses that the policy names;
//                               with an address or a MAC address, the one that it is
//
// Thread safety: the control thread.
#pragma once

#include <nlohmann/json.hpp>

#include "config/ipc/socket.h"
#include "dataplane/gateway/gateway.h"

namespace sluice::ipc {

[[nodiscard]] nlohmann::json answer(gateway::Gateway& gateway, const nlohmann::json& request);
/// What is left to do of a trial, on a thread of its own that starts from the control thread and so
/// keeps off the workers' CPUs; of other requests there is nothing.
[[nodiscard]] Later later(const gateway::Gateway& gateway, const nlohmann::json& request);

/// The budgets'.
[[nodiscard]] nlohmann::json answer_budget(gateway::Gateway& gateway,
                                           const nlohmann::json& request);
[[nodiscard]] nlohmann::json answer_devices(const gateway::Gateway& gateway,
                                            const nlohmann::json& request);

}  // namespace sluice::ipc
