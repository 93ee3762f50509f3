// sluice-control: start and stop only.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "config/files/file.h"
#include "config/schema/config.h"
#include "control/service/log.h"
#include "control/service/service.h"

namespace {

using sluice::Status;
using sluice::service::Level;
using sluice::service::log;

constexpr int kBadConfig = 2;

/// Held until the process ends: two writers of one state directory would undo each other's work.
Status lock_state(const std::filesystem::path& state_dir) {
  if (auto status = sluice::files::make_folder(state_dir); !status) return status;
  const std::filesystem::path path = state_dir / "control.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return sluice::fail("another sluice-control works in this folder, or it cannot be written",
                        path.string(), "stop the other one, or choose another state_dir");
  }
  return {};
}

void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int serve(const std::string& file, bool once) {
  sluice::schema::Loaded loaded = sluice::schema::load(file);
  for (const auto& fault : loaded.faults) log(Level::error, "config", fault.text());
  if (!loaded.config) return kBadConfig;
  if (auto status = lock_state(loaded.config->state_dir); !status) {
    log(Level::error, "start", status.error().text());
    return EXIT_FAILURE;
  }
  sluice::service::Service service(file, std::move(*loaded.config), std::move(loaded.layer_faults));
  const Status status = once ? service.once() : service.run();
  if (!status) log(Level::error, once ? "once" : "start", status.error().text());
  return status ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(int argc, char** argv) {
  CLI::App app{
      "Pulls signed lists from the authority, compiles them into generations, and keeps the "
      "dataplane on the newest good one."};
  std::string file = "/etc/sluice/sluice.yaml";
  bool once = false;
  app.add_option("--config", file, "Configuration file")->capture_default_str();
  app.add_flag("--once", once, "Pull and publish once, then end with 0 if all went well");
  app.set_version_flag("--version", SLUICE_VERSION);
  CLI11_PARSE(app, argc, argv);
  ::umask(0022);
  // Before any thread starts, so that all of them inherit it and the main one reads the signals.
  block_signals();
  return serve(file, once);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error stop: %s\n", error.what());
  }
  return EXIT_FAILURE;
}
