// All that a site lists itself: its own entries and its subscriptions, as the layers that go into
// every generation.
//
// Thread safety: all members may be called from any thread; refresh() by one at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "control/site/entries.h"
#include "control/site/subscription.h"

namespace sluice::site {

class Site {
 public:
  /// `tell`: what goes wrong and is mended, for the log.
  Site(std::filesystem::path folder, tuf::Clock clock,
       std::function<void(const std::string&)> tell);

  /// After a start: reads what is kept.
  [[nodiscard]] Status recover();
  void set_subscriptions(std::vector<schema::Subscription> subscriptions);

  // What persons decide; on the disk before they return.
  /// An entry of the same kind at the same name is replaced.
  [[nodiscard]] Status add(const Entry& entry);
  [[nodiscard]] Result<Entry> remove(const std::string& name);
  /// Takes the list of a subscription that waits.
  [[nodiscard]] Status approve(const std::string& subscription);

  [[nodiscard]] compile::LocalLayers layers() const;
  [[nodiscard]] std::vector<schema::Subscription> subscriptions() const;
  /// Asks for a subscription's list. What is new is in layers() afterwards.
  [[nodiscard]] Status refresh(sync::Http& http, const schema::Subscription& subscription);
  /// Removes lists that neither a subscription nor a generation with these ids is made of.
  void drop_unused(const std::map<std::string, std::string>& ids) const;

  /// {"entries":[…],"subscriptions":[…]}
  [[nodiscard]] nlohmann::json to_json() const;
  /// What a person should look at: [{"id":"subscription-failed","text":"…"}].
  [[nodiscard]] nlohmann::json alarms() const;

 private:
  struct Taken {
    schema::Subscription settings;
    SubscriptionState state;
    std::uint64_t changes = 0;  // of the state, by whomever
  };
  void remember(const std::string& id, const compile::LocalContent& content) const;
  void forget_list(const std::string& subscription, const std::string& sha256) const;
  [[nodiscard]] compile::LocalSource own_source(tuf::Time now) const;

  const std::filesystem::path folder_;
  const tuf::Clock clock_;
  const std::function<void(const std::string&)> tell_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // and all below: guarded by mutex_
  std::string fault_;           // of the file that they are kept in
  mutable std::vector<Taken> taken_;
  // Keys of the own entries by the id that they had, so that a change need not read a generation.
  mutable std::vector<std::pair<std::string, std::vector<std::string>>> former_;
};

}  // namespace sluice::site
