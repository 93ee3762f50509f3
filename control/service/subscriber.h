// Asks for the site's subscriptions, each in its own time, apart from the authority's lists: a
// server that stalls must not keep a signed list waiting.
//
// Thread safety: a thread of its own; the members may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "config/schema/config.h"
#include "control/service/schedule.h"
#include "control/site/site.h"

namespace sluice::service {

class Subscriber {
 public:
  /// `changed` is called after each list that was asked for. `stop` ends downloads.
  Subscriber(site::Site& site, std::function<void()> changed, const std::atomic<bool>& stop);
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void start(std::optional<schema::Proxy> proxy);
  void set_proxy(std::optional<schema::Proxy> proxy);
  /// Asks for all of them now.
  void ask_all();
  /// Asks for each once, on the caller's thread.
  void ask_once(const std::optional<schema::Proxy>& proxy);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Timed {
    Schedule schedule;
    SteadyTime next{};
  };
  void run();
  bool ask(const schema::Subscription& subscription, const std::optional<schema::Proxy>& proxy);

  site::Site& site_;
  const std::function<void()> changed_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<schema::Proxy> proxy_;  // and all below: guarded by mutex_
  std::map<std::string, Timed> timed_;
  std::uint64_t wishes_ = 0;  // counts ask_all()
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sluice::service
