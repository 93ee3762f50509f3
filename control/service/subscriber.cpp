#include "control/service/subscriber.h"

#include <random>

#include "control/service/downloads.h"
#include "control/service/log.h"

namespace sluice::service {
namespace {

// The configuration may have changed.
constexpr std::chrono::seconds kLongestRest{60};

}  // namespace

Subscriber::Subscriber(site::Site& site, std::function<void()> changed,
                       const std::atomic<bool>& stop)
    : site_(site), changed_(std::move(changed)), stop_(stop) {}

Subscriber::~Subscriber() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Subscriber::start(std::optional<schema::Proxy> proxy) {
  set_proxy(std::move(proxy));
  thread_ = std::thread([this] { run(); });
}

void Subscriber::set_proxy(std::optional<schema::Proxy> proxy) {
  const std::lock_guard lock(mutex_);
  proxy_ = std::move(proxy);
}

void Subscriber::ask_all() {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, timed] : timed_) timed.next = {};
    ++wishes_;
  }
  wake_.notify_all();
}

void Subscriber::ask_once(const std::optional<schema::Proxy>& proxy) {
  for (const schema::Subscription& one : site_.subscriptions()) (void)ask(one, proxy);
}

bool Subscriber::ask(const schema::Subscription& subscription,
                     const std::optional<schema::Proxy>& proxy) {
  Status status;
  auto options = http_options(proxy, subscription.ca_file, stop_);
  if (options) {
    options->plain_http = true;
    auto http = sync::Http::create(*options);
    status = http ? site_.refresh(*http, subscription) : fail(http.error());
  } else {
    status = fail(options.error());
  }
  if (stop_) return false;
  log(status ? Level::info : Level::error, "subscription",
      subscription.name + ": " + (status ? "asked" : status.error().text()));
  changed_();
  return status.has_value();
}

void Subscriber::run() {
  std::unique_lock lock(mutex_);
  while (!ending_ && !stop_) {
    SteadyTime next = std::chrono::steady_clock::now() + kLongestRest;
    for (const schema::Subscription& one : site_.subscriptions()) {
      const auto [at, fresh] =
          timed_.try_emplace(one.name + " " + one.url, Timed{Schedule(std::random_device{}())});
      Timed& timed = at->second;
      if (timed.next <= std::chrono::steady_clock::now()) {
        const auto proxy = proxy_;
        const std::uint64_t wishes = wishes_;
        lock.unlock();
        const bool good = ask(one, proxy);
        lock.lock();
        if (ending_ || stop_) return;
        const auto pause = timed.schedule.next(std::chrono::hours(one.refresh_hours), good);
        // Asked for meanwhile, it may have been for what the server has only now.
        timed.next = std::chrono::steady_clock::now() +
                     (wishes == wishes_ ? pause : std::chrono::milliseconds(0));
      }
      next = std::min(next, timed.next);
    }
    wake_.wait_until(lock, next);
  }
}

}  // namespace sluice::service
