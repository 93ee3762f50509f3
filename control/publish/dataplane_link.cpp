#include "control/publish/dataplane_link.h"

#include "config/ipc/socket.h"

namespace sluice::publish {
namespace {

std::optional<std::uint64_t> generation_in(const nlohmann::json& reply) {
  const auto found = reply.find("generation");
  if (found == reply.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

}  // namespace

DataplaneLink::DataplaneLink(LinkOptions options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

DataplaneLink::~DataplaneLink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DataplaneLink::want(std::uint64_t generation, std::filesystem::path path) {
  {
    const std::lock_guard lock(mutex_);
    status_.wanted = generation;
    status_.refused = false;
    status_.error.clear();
    path_ = std::move(path);
    offered_ = false;
    wake_ = true;
  }
  changed_.notify_all();
}

LinkStatus DataplaneLink::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

LinkStatus DataplaneLink::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return offered_ || stopping_ || !waits_; });
  return status_;
}

void DataplaneLink::stop_waiting() {
  {
    const std::lock_guard lock(mutex_);
    waits_ = false;
  }
  changed_.notify_all();
}

void DataplaneLink::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_ = false;
    lock.unlock();
    reconcile();
    lock.lock();
    changed_.wait_for(lock, options_.interval, [this] { return stopping_ || wake_; });
  }
}

void DataplaneLink::reconcile() {
  auto reply = ipc::call(options_.socket, {{"command", "status"}}, options_.status_timeout);
  std::uint64_t wanted = 0;
  std::filesystem::path path;
  bool fresh = false;
  {
    const std::lock_guard lock(mutex_);
    wanted = status_.wanted;
    path = path_;
    fresh = !offered_;
    status_.connected = reply.has_value();
    status_.generation = reply ? generation_in(*reply) : std::nullopt;
    const bool in_place = status_.generation == wanted;
    if (!reply) status_.error = reply.error().text();
    if (in_place) status_.error.clear();
    if (in_place || !reply) {
      status_.refused = false;
      offered_ = true;
    }
  }
  changed_.notify_all();
  if (!reply || wanted == 0 || generation_in(*reply) == wanted) return;
  // Refused before: offered again only after a pause, or when another one is wanted.
  if (!fresh && std::chrono::steady_clock::now() < not_before_) return;
  load(wanted, path);
}

void DataplaneLink::load(std::uint64_t number, const std::filesystem::path& path) {
  auto reply = ipc::call(options_.socket, {{"command", "load"}, {"path", path.string()}},
                         options_.load_timeout);
  const std::lock_guard lock(mutex_);
  if (status_.wanted != number) return;  // overtaken; the next round offers the newer one
  offered_ = true;
  const auto loaded = reply ? generation_in(*reply) : std::nullopt;
  if (loaded == number) {
    status_.generation = number;
    status_.refused = false;
    status_.error.clear();
  } else {
    status_.refused = true;
    status_.error = reply ? "the dataplane acknowledged another generation than the one offered"
                          : reply.error().text();
    not_before_ = std::chrono::steady_clock::now() + options_.refusal_pause;
  }
  changed_.notify_all();
}

}  // namespace sluice::publish
