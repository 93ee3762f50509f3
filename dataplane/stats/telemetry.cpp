#include "dataplane/stats/telemetry.h"

#include <charconv>
#include <cstring>
#include <mutex>
#include <rte_telemetry.h>
#include <string>
#include <vector>

namespace sluice::stats {
namespace {

// rte_telemetry's callbacks take no context before DPDK 23, so the list is the process's own.
struct Registry {
  std::mutex lock;
  std::vector<const Counters*> lcores;
};
Registry& registry() {
  static Registry instance;
  return instance;
}

void add_counters(rte_tel_data* data, std::span<const Counters* const> lcores) {
  rte_tel_data_start_dict(data);
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    std::uint64_t sum = 0;
    for (const Counters* counters : lcores) sum += counters->value(static_cast<Id>(i));
    rte_tel_data_add_dict_u64(data, std::string(kDescriptions[i].name).c_str(), sum);
  }
}

int all_lcores(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  const std::lock_guard guard(registry().lock);
  add_counters(data, registry().lcores);
  return 0;
}

int one_lcore(const char* /*command*/, const char* parameters, rte_tel_data* data) {
  const std::lock_guard guard(registry().lock);
  std::size_t index = 0;
  const char* const end = parameters == nullptr ? nullptr : parameters + std::strlen(parameters);
  if (end == nullptr || std::from_chars(parameters, end, index).ec != std::errc{} ||
      index >= registry().lcores.size()) {
    return -1;
  }
  add_counters(data, std::span(registry().lcores).subspan(index, 1));
  return 0;
}

int all_stages(const char* /*command*/, const char* /*parameters*/, rte_tel_data* data) {
  const std::lock_guard guard(registry().lock);
  rte_tel_data_start_dict(data);
  std::uint64_t frames = 0;
  for (const Counters* counters : registry().lcores) frames += counters->stages().frames();
  rte_tel_data_add_dict_u64(data, "frames", frames);
  for (std::size_t i = 0; i < kStageCount; ++i) {
    std::uint64_t sum = 0;
    for (const Counters* counters : registry().lcores) {
      sum += counters->stages().sum(static_cast<Stage>(i));
    }
    rte_tel_data_add_dict_u64(data, std::string(kStageNames[i]).c_str(), sum);
  }
  return 0;
}

}  // namespace

Status register_telemetry(std::span<const Counters* const> lcores) {
  {
    const std::lock_guard guard(registry().lock);
    registry().lcores.assign(lcores.begin(), lcores.end());
  }
  if (rte_telemetry_register_cmd("/sluice/stats", all_lcores, "Sums of all counters.") != 0 ||
      rte_telemetry_register_cmd("/sluice/lcore", one_lcore,
                                 "Counters of one worker. Parameter: its index.") != 0 ||
      rte_telemetry_register_cmd("/sluice/stages", all_stages,
                                 "Cycles of all workers by stage, and the frames timed.") != 0) {
    return fail("cannot register with rte_telemetry");
  }
  return {};
}

void unregister_telemetry() {
  const std::lock_guard guard(registry().lock);
  registry().lcores.clear();
}

}  // namespace sluice::stats
