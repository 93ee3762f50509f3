#include "dataplane/gateway/gateway.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <sys/random.h>
#include <utility>

#include "dataplane/gateway/generations.h"

namespace sluice::gateway {
namespace {

// Buffers in rings and in flight, for a port with deep kernel rings.
constexpr std::uint32_t kBuffersPerPort = 4096;
constexpr std::size_t kHistory = 1000;

int run_worker(void* worker) {
  static_cast<worker::Worker*>(worker)->run();
  return 0;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(const schema::Config& config,
                                                const std::filesystem::path& generation_file,
                                                WallClock clock) {
  std::uint64_t secret = 0;
  if (getrandom(&secret, sizeof secret, 0) < 0) return fail("the kernel gives no random numbers");
  std::unique_ptr<Gateway> gateway(new Gateway(config, clock, secret));
  gateway->shared_.fail = config.dataplane.fail;
  gateway->shared_.idle_sleep_us = config.dataplane.idle_sleep_us;
  if (auto status = gateway->open_ports(); !status) return fail(status.error());
  if (auto status = gateway->assign_roles(); !status) return fail(status.error());
  // Before the first frame is received, so that none is passed or dropped for want of a list.
  gateway->load_at_start(generation_file);
  if (auto status = gateway->start_workers(); !status) return fail(status.error());
  return gateway;
}

namespace {

/// The service's own folder (systemd.exec(5), StateDirectory=), where there is one.
std::filesystem::path own_folder(const schema::Config& config) {
  const char* const given = std::getenv("STATE_DIRECTORY");
  return given != nullptr ? std::filesystem::path(given) : config.state_dir;
}

}  // namespace

Gateway::Gateway(schema::Config config, WallClock clock, std::uint64_t secret)
    : config_(std::move(config)),
      clock_(clock),
      moment_(clock_.now()),
      budgets_(own_folder(config_) / "budgets.json", secret) {
  shared_.secret = secret;
}

Gateway::~Gateway() {
  shared_.stop = true;
  if (workers_started_) {
    for (const unsigned lcore : environment_.worker_lcores) rte_eal_wait_lcore(lcore);
  }
  // EAL has told that they ended; their own word makes what they wrote seen here.
  (void)shared_.ended.load(std::memory_order_acquire);
  count_budgets();
  // What EAL gave goes before EAL does.
  links_.clear();
  workers_.clear();
  ports_.clear();
  shared_.qsbr.reset();
  if (eal_started_) eal::stop();
}

Status Gateway::open_ports() {
  std::vector<port::Prepared> prepared;
  std::vector<port::Devargs> devices;
  for (const schema::Port& port : config_.ports) {
    auto one = port::prepare(port, static_cast<unsigned>(prepared.size()));
    if (!one) return fail(one.error());
    devices.push_back(one->devargs);
    prepared.push_back(std::move(*one));
  }
  auto environment = eal::start(config_.dataplane, devices, config_.run_dir);
  if (!environment) return fail(environment.error());
  environment_ = std::move(*environment);
  eal_started_ = true;
  if (auto status = make_pool(prepared); !status) return status;

  // Both sides of a pair use the same queue numbers, so the fewest of all ports counts.
  std::uint16_t queues = static_cast<std::uint16_t>(config_.dataplane.workers);
  for (const port::Prepared& one : prepared) {
    auto most = port::max_queues(one);
    if (!most) return fail(most.error());
    queues = std::min(queues, port::has_symmetric_queues(one.spec.kind) ? *most : std::uint16_t{1});
  }
  ports_.reserve(prepared.size());
  for (port::Prepared& one : prepared) {
    auto port = port::Port::start(std::move(one), queues, shared_.pool);
    if (!port) return fail(port.error());
    ports_.push_back(std::move(*port));
  }
  return {};
}

Status Gateway::make_pool(std::span<const port::Prepared> prepared) {
  std::uint32_t room = RTE_MBUF_DEFAULT_DATAROOM;
  for (const port::Prepared& one : prepared) {
    room = std::max(room, port::data_room(one.mtu, one.spec.kind));
  }
  const auto count = kBuffersPerPort * static_cast<std::uint32_t>(prepared.size()) - 1;
  const bool dma = std::any_of(prepared.begin(), prepared.end(),
                               [](const port::Prepared& one) { return one.devargs.is_pci; });
  auto made =
      eal::make_buffers(count, room, config_.dataplane.memory_mib, environment_.huge_pages, dma);
  if (!made) return fail(made.error());
  buffers_ = std::move(*made);
  shared_.pool = buffers_.pool;
  return {};
}

Status Gateway::assign_roles() {
  const auto find = [this](const std::string& name) {
    return std::find_if(ports_.begin(), ports_.end(),
                        [&](const port::Port& port) { return port.name() == name; });
  };
  for (const schema::Pair& pair : config_.pairs) {
    const auto inside = find(pair.inside);
    const auto outside = find(pair.outside);
    if (inside == ports_.end() || outside == ports_.end()) {
      return fail("names a port that is not configured", "pairs." + pair.name,
                  "list it under ports");
    }
    shared_.ports[inside->number()] = {outside->number(),
                                       static_cast<std::uint16_t>(inside_ports_.size()),
                                       inside->queues(), true, true};
    shared_.ports[outside->number()] = {inside->number(),
                                        static_cast<std::uint16_t>(inside_ports_.size()),
                                        outside->queues(), false, true};
    inside_ports_.push_back(pair.inside);
    links_.emplace_back(*inside, *outside);
  }
  return {};
}

Status Gateway::start_workers() {
  const std::size_t octets = rte_rcu_qsbr_get_memsize(config_.dataplane.workers);
  shared_.qsbr.reset(
      static_cast<rte_rcu_qsbr*>(rte_zmalloc("sluice_qsbr", octets, RTE_CACHE_LINE_SIZE)));
  if (!shared_.qsbr || rte_rcu_qsbr_init(shared_.qsbr.get(), config_.dataplane.workers) != 0) {
    return fail("out of memory", "dataplane.memory_mib", "raise it");
  }
  for (unsigned i = 0; i < config_.dataplane.workers; ++i) {
    workers_.push_back(std::make_unique<worker::Worker>(i, shared_));
  }
  const unsigned owners = ports_.empty() ? 1 : ports_.front().queues();
  for (unsigned i = 0; i < owners; ++i) {
    for (const port::Port& port : ports_) {
      if (shared_.ports[port.number()].used) {
        workers_[i]->own(port.number(), static_cast<std::uint16_t>(i), port.wait_descriptors());
      }
    }
  }
  for (unsigned i = owners; i < workers_.size(); ++i) {
    for (unsigned owner = 0; owner < owners; ++owner) {
      auto status = worker::Worker::connect(*workers_[owner], *workers_[i]);
      if (!status) return status;
    }
  }
  workers_started_ = true;  // from the first one on, they are to be waited for
  for (unsigned i = 0; i < workers_.size(); ++i) {
    if (rte_eal_remote_launch(run_worker, workers_[i].get(), environment_.worker_lcores[i]) != 0) {
      return fail("cannot start worker " + std::to_string(i), "dataplane.workers");
    }
  }
  return {};
}

void Gateway::load_at_start(const std::filesystem::path& generation_file) {
  const auto candidates = generation_file.empty()
                              ? start_candidates(config_.generations_dir())
                              : std::vector<std::filesystem::path>{generation_file};
  for (const std::filesystem::path& file : candidates) {
    auto loaded = load(file);
    if (loaded) return;
    alarms_.push_back("generation refused: " + loaded.error().text());
    std::fprintf(stderr, "alarm: %s\n", alarms_.back().c_str());
  }
  const bool open = config_.dataplane.fail == schema::FailMode::open;
  alarms_.push_back(
      std::string("there is no good generation: ") +
      (open ? "all frames pass unjudged (fail: open)" : "all frames are dropped (fail: closed)"));
  std::fprintf(stderr, "alarm: %s\n", alarms_.back().c_str());
}

Result<std::uint64_t> Gateway::load(const std::filesystem::path& file) {
  auto generation =
      generation::Generation::open(file, running_ ? running_->shared_generation() : nullptr);
  if (!generation) return fail(generation.error());
  const std::uint64_t number = (*generation)->header().generation;
  auto snapshot = index::Snapshot::build(std::move(*generation), config_.policy, inside_ports_,
                                         config_.dataplane.workers, running_.get());
  if (!snapshot) return fail(snapshot.error());
  moment_ = clock_.now();
  use_budgets(**snapshot);
  use_neighbours(**snapshot);
  (void)(*snapshot)->set_time(moment_);  // nobody has seen those before
  shared_.snapshot.store(snapshot->get(), std::memory_order_release);
  // Events are collected while the snapshot that they were judged by is alive.
  if (workers_started_) {
    wait_until_quiescent();
    collect_events();
    alarms_.clear();
  }
  running_ = std::move(*snapshot);
  return number;
}

// As rte_rcu_qsbr_synchronize() does, but compiled here, where a sanitizer sees the order that it
// makes between the workers' last reads and the end of what they read.
void Gateway::wait_until_quiescent() {
  rte_rcu_qsbr* const qsbr = shared_.qsbr.get();
  (void)rte_rcu_qsbr_check(qsbr, rte_rcu_qsbr_start(qsbr), true);
}

void Gateway::keep_time() {
  moment_ = clock_.now();
  if (!running_) return;
  keep_budgets();
  keep_neighbours();
  if (const auto before = running_->set_time(moment_)) wait_until_quiescent();
}

std::vector<std::string> Gateway::alarms() const {
  std::vector<std::string> alarms = alarms_;
  if (auto fault = budgets_.fault(); !fault.empty()) alarms.push_back(std::move(fault));
  if (neighbours_.is_full()) {
    alarms.emplace_back(
        "more addresses are claimed on the network than are kept, as when somebody makes them up: "
        "other addresses of devices are judged by themselves");
  }
  const bool goes_by_the_clock =
      running_ && (running_->timetable().has_schedules() || !running_->policy().budgets.empty());
  if (goes_by_the_clock && !running_->timetable().covers(moment_)) {
    alarms.emplace_back(
        moment_ ? "the policy's schedules were not worked out for this time: sluice-control has to "
                  "make a generation anew; when_time_unknown decides"
                : "the time is not known, for the clock was never synchronised since the start: "
                  "when_time_unknown decides; start a time service, or set calendar.trust_clock");
  }
  return alarms;
}

void Gateway::housekeeping() {
  keep_time();
  const auto now = port::LinkWatch::Clock::now();
  for (port::LinkWatch& link : links_) link.poll(now);
  collect_events();
}

namespace {

bool is_by_authority(const stats::BlockEvent& event) {
  // Where the site's budget, pause or curated list decided, the record only says what was listed.
  const bool for_its_listing = event.reason == policy::Reason::category ||
                               event.reason == policy::Reason::mandatory ||
                               event.reason == policy::Reason::emergency;
  return for_its_listing && event.layer != generation::Layer::site &&
         event.layer != generation::Layer::subscription;
}

}  // namespace

void Gateway::collect_events() {
  for (const auto& worker : workers_) {
    for (PastBlock past; worker->events().pop(past.event);) {
      past.sequence = ++sequence_;
      past.time = std::chrono::system_clock::now();
      const index::Snapshot* const judged_by = std::exchange(past.event.judged_by, nullptr);
      past.group = judged_by->groups().groups()[past.event.group].name;
      ++(is_by_authority(past.event) ? block_origins_.authority : block_origins_.site);
      history_.push_back(past);
      if (history_.size() > kHistory) history_.pop_front();
    }
  }
}

}  // namespace sluice::gateway
