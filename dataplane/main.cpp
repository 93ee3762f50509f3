// sluice-dataplane: judges names in the frames between two ports. Starts and stops; gateway/ works.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>

#include "config/ipc/notify.h"
#include "config/ipc/socket.h"
#include "config/schema/config.h"
#include "dataplane/gateway/gateway.h"
#include "dataplane/ipc/commands.h"
#include "dataplane/stats/telemetry.h"

namespace {

using namespace sluice;
using namespace std::chrono_literals;

volatile std::sig_atomic_t stop_requested = 0;
void request_stop(int /*signal*/) { stop_requested = 1; }

constexpr std::string_view kUsage =
    "usage: sluice-dataplane [--config FILE] [--generation FILE]\n"
    "\n"
    "  --config FILE      the configuration; /etc/sluice/sluice.yaml where not given\n"
    "  --generation FILE  judge by this generation, not by the newest good one of state_dir\n"
    "  --version          print the version\n"
    "\n"
    "  --clock-for-tests MOMENT  let it be this time at the start, such as "
    "2026-12-04T20:30+08:00;\n"
    "                            or 'unknown'\n";

struct Options {
  std::filesystem::path config = "/etc/sluice/sluice.yaml";
  std::filesystem::path generation;
  std::string clock_for_tests;
};

Result<gateway::WallClock> clock_of(const Options& options, const schema::Config& config) {
  if (options.clock_for_tests.empty()) return gateway::WallClock(config.times.trust);
  if (options.clock_for_tests == "unknown") return gateway::WallClock(policy::Moment{});
  const auto moment =
      calendar::parse_moment(options.clock_for_tests, config.times.calendar.time_zone);
  if (!moment) return fail(moment.error());
  return gateway::WallClock(policy::Moment(*moment));
}

int complain(const std::string& text) {
  std::fprintf(stderr, "sluice-dataplane: %s\n", text.c_str());
  return 1;
}

/// The counters go with the gateway, on every way out.
struct TelemetryEnd {
  ~TelemetryEnd() { stats::unregister_telemetry(); }
};

int run(const Options& options) {
  // Keys and certificates are control's: without them the last good list still judges.
  const schema::Loaded loaded = schema::load(options.config, schema::References::unchecked);
  for (const schema::Fault& fault : loaded.faults) {
    std::fprintf(stderr, "%s\n", fault.text().c_str());
  }
  if (!loaded.config) return complain("the configuration is not usable; nothing was started");
  schema::Config config = *loaded.config;
  auto clock = clock_of(options, config);
  if (!clock) return complain(clock.error().text());
  // For generations that carry none.
  auto policy = schema::policy_at(config, clock->now().value_or(std::time(nullptr)));
  if (!policy) return complain(policy.error().text());
  config.policy = std::move(*policy);

  auto gateway = gateway::Gateway::start(config, options.generation, *clock);
  if (!gateway) return complain(gateway.error().text());
  const TelemetryEnd telemetry_end;
  std::vector<const stats::Counters*> counters;
  for (const auto& worker : (*gateway)->workers()) counters.push_back(&worker->counters());
  if (auto status = stats::register_telemetry(counters); !status) {
    return complain(status.error().text());
  }
  auto server = ipc::Server::listen(
      config.dataplane_socket(),
      [&](const nlohmann::json& request) { return ipc::answer(**gateway, request); },
      [&](const nlohmann::json& request) { return ipc::later(**gateway, request); });
  if (!server) return complain(server.error().text());

  std::fprintf(stderr, "sluice-dataplane: ready on %s\n", config.dataplane_socket().c_str());
  ipc::notify("READY=1");
  while (stop_requested == 0) {
    server->serve(100ms);
    (*gateway)->housekeeping();
  }
  ipc::notify("STOPPING=1");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--help" || argument == "-h") {
      std::fputs(kUsage.data(), stdout);
      return 0;
    }
    if (argument == "--version") {
      std::puts("sluice-dataplane " SLUICE_VERSION);
      return 0;
    }
    if (argument == "--config" && has_value) {
      options.config = argv[++i];
    } else if (argument == "--generation" && has_value) {
      options.generation = argv[++i];
    } else if (argument == "--clock-for-tests" && has_value) {
      options.clock_for_tests = argv[++i];
    } else {
      std::fprintf(stderr, "sluice-dataplane: cannot use '%s'\n%s", argv[i], kUsage.data());
      return 2;
    }
  }
  if (geteuid() != 0) return complain("run as root: it takes network interfaces over");
  struct sigaction action {};
  action.sa_handler = request_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // Short sleeps of idle workers are to be as short as they say; threads inherit this.
  prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
  return run(options);
}
