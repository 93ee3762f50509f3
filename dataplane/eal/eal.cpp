#include "dataplane/eal/eal.h"

#include <fstream>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <sstream>
#include <unistd.h>

namespace sluice::eal {
namespace {

constexpr const char* kFilePrefix = "sluice";

std::uint64_t free_huge_mib() {
  std::ifstream in("/proc/meminfo");
  std::uint64_t pages = 0;
  std::uint64_t page_kib = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t value = 0;
    words >> key >> value;
    if (key == "HugePages_Free:") pages = value;
    if (key == "Hugepagesize:") page_kib = value;
  }
  return pages * page_kib / 1024;
}

// "(0,1)" in EAL's notation: the CPUs that this process may run on, but for these.
std::string allowed_cpus(std::span<const std::uint32_t> without = {}) {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  for (const std::uint32_t cpu : without) CPU_CLR(cpu, &set);
  std::string out;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) out += (out.empty() ? "" : ",") + std::to_string(cpu);
  }
  return "(" + out + ")";
}

// Workers stay on the CPUs that they were given. The main lcore, and all threads that begin there,
// float over the others, if there are any: loading a generation would hold up a burst.
std::string lcore_map(const schema::Dataplane& config) {
  const std::string anywhere = allowed_cpus();
  const std::string others = allowed_cpus(config.cpus);
  std::string map = "0@" + (others == "()" ? anywhere : others);
  for (std::uint32_t i = 0; i < config.workers; ++i) {
    map += "," + std::to_string(i + 1) + "@" +
           (config.cpus.empty() ? anywhere : std::to_string(config.cpus[i]));
  }
  return map;
}

Status check_cpus(const schema::Dataplane& config) {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  for (const std::uint32_t cpu : config.cpus) {
    if (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set)) continue;
    return fail("CPU " + std::to_string(cpu) + " is not one that this process may run on",
                "dataplane.cpus", "choose from " + allowed_cpus());
  }
  return {};
}

}  // namespace

Result<Environment> start(const schema::Dataplane& config, std::span<const port::Devargs> devices,
                          const std::filesystem::path& run_dir) {
  if (auto status = check_cpus(config); !status) return fail(status.error());
  std::error_code error;
  std::filesystem::create_directories(run_dir, error);
  if (error) return fail("cannot make the folder: " + error.message(), run_dir.string());
  setenv("RUNTIME_DIRECTORY", run_dir.c_str(), 1);  // where DPDK looks first
  Environment environment;
  environment.telemetry_socket = run_dir / "dpdk" / kFilePrefix / "dpdk_telemetry.v2";
  const std::uint64_t memory_mib = config.memory_mib;
  const std::uint64_t huge = free_huge_mib();
  environment.huge_pages = config.huge_pages != schema::HugePages::never && huge >= memory_mib;
  if (config.huge_pages == schema::HugePages::required && !environment.huge_pages) {
    return fail("huge pages are required, but " + std::to_string(huge) +
                    " MiB of them are free and " + std::to_string(memory_mib) + " MiB are needed",
                "dataplane.huge_pages", "reserve them with sysctl vm.nr_hugepages, or set 'auto'");
  }
  std::vector<std::string> arguments = {"sluice-dataplane",
                                        "--iova-mode=va",
                                        std::string("--file-prefix=") + kFilePrefix,
                                        "--log-level=lib.eal:warning",
                                        "--log-level=lib.telemetry:error",
                                        "--lcores=" + lcore_map(config),
                                        "-m",
                                        std::to_string(memory_mib)};
  if (environment.huge_pages) {
    arguments.emplace_back("--in-memory");
  } else {
    // DPDK refuses --in-memory beside --no-huge; this is the part of it that matters then.
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  }
  bool pci = false;
  for (const port::Devargs& device : devices) {
    pci |= device.is_pci;
    arguments.push_back((device.is_pci ? "--allow=" : "--vdev=") + device.text);
  }
  if (!pci) arguments.emplace_back("--no-pci");

  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    std::string command;
    for (const std::string& argument : arguments) command += argument + " ";
    return fail(std::string("DPDK does not start: ") + rte_strerror(rte_errno), command,
                "DPDK's own messages above say more");
  }
  environment.worker_lcores.reserve(config.workers);
  for (std::uint32_t i = 0; i < config.workers; ++i) environment.worker_lcores.push_back(i + 1);
  return environment;
}

void stop() { rte_eal_cleanup(); }

}  // namespace sluice::eal
