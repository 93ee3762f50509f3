#include "control/site/site.h"

#include <algorithm>
#include <set>

#include "config/files/file.h"
#include "control/tuf/digest.h"
#include "control/tuf/json.h"

namespace sluice::site {
namespace {

using nlohmann::json;

constexpr std::size_t kFormerKept = 8;
constexpr const char* kOwn = "own";
// An entry that ended is shown for so long, and goes with the next change.
constexpr auto kShownAfterEnd = std::chrono::hours(24 * 90);

}  // namespace

Site::Site(std::filesystem::path folder, tuf::Clock clock,
           std::function<void(const std::string&)> tell)
    : folder_(std::move(folder)), clock_(std::move(clock)), tell_(std::move(tell)) {}

Status Site::recover() {
  if (auto status = files::make_folder(folder_); !status) return status;
  files::remove_leftovers(folder_);
  const std::lock_guard lock(mutex_);
  auto loaded = load_entries(folder_);
  if (loaded) {
    entries_ = std::move(loaded->entries);
    if (!loaded->told.empty()) tell_(loaded->told);
    return {};
  }
  // What a person decided is not guessed at, and filtering does not wait for it.
  fault_ = loaded.error().text();
  tell_(fault_);
  return {};
}

void Site::set_subscriptions(std::vector<schema::Subscription> subscriptions) {
  const std::lock_guard lock(mutex_);
  std::vector<Taken> next;
  for (schema::Subscription& one : subscriptions) {
    const auto known = std::find_if(taken_.begin(), taken_.end(), [&](const Taken& taken) {
      return taken.settings.name == one.name;
    });
    Taken taken{.settings = std::move(one)};
    taken.state = known != taken_.end() ? known->state : load_state(folder_, taken.settings.name);
    Copy& good = taken.state.good;
    if (!good.sha256.empty() && !keys_of(folder_, good.sha256)) good = {};
    // Another address is another list: that of the one before does not stand in for it.
    if (taken.state.url != taken.settings.url) taken.state = {};
    next.push_back(std::move(taken));
  }
  taken_ = std::move(next);
}

Status Site::add(const Entry& entry) {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> next = entries_;
  std::erase_if(
      next, [&](const Entry& one) { return one.until && *one.until + kShownAfterEnd < clock_(); });
  for (const Entry& one : next) {
    if (one.name == entry.name && one.allow != entry.allow && one.applies(clock_())) {
      return fail(std::string("is ") + (one.allow ? "allowed" : "blocked") + " by " + one.who +
                      " already: " + one.reason,
                  entry.name, "remove that first: sluicectl site remove");
    }
  }
  std::erase_if(next, [&](const Entry& one) { return one.name == entry.name; });
  if (next.size() >= kMaxEntries) {
    return fail("the site has " + std::to_string(kMaxEntries) + " entries, which are the most", {},
                "remove some, or make a list of them and subscribe to that");
  }
  next.push_back(entry);
  if (auto status = save_entries(folder_, next); !status) return status;
  entries_ = std::move(next);
  fault_.clear();
  return {};
}

Result<Entry> Site::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return one.name == name; });
  if (found == entries_.end()) {
    return fail("the site neither allows nor blocks it", name, "see sluicectl site list");
  }
  Entry removed = *found;
  std::vector<Entry> next = entries_;
  std::erase_if(next, [&](const Entry& one) { return one.name == name; });
  if (auto status = save_entries(folder_, next); !status) return fail(status.error());
  entries_ = std::move(next);
  return removed;
}

Status Site::approve(const std::string& subscription) {
  const std::lock_guard lock(mutex_);
  for (Taken& taken : taken_) {
    if (taken.settings.name != subscription) continue;
    SubscriptionState next = taken.state;
    if (auto status = take_held(next); !status) return status;
    if (auto status = save_state(folder_, subscription, next); !status) return status;
    taken.state = std::move(next);
    ++taken.changes;
    return {};
  }
  return fail("there is no such subscription", subscription, "see sluicectl site list");
}

void Site::remember(const std::string& id, const compile::LocalContent& content) const {
  for (const auto& [known, keys] : former_) {
    if (known == id) return;
  }
  std::vector<std::string> keys;
  for (const compile::LocalEntry& entry : content.entries) keys.push_back(entry.key);
  if (former_.size() == kFormerKept) former_.erase(former_.begin());
  former_.emplace_back(id, std::move(keys));
}

compile::LocalSource Site::own_source(tuf::Time now) const {
  json list = json::array();
  for (const Entry& entry : entries_) {
    if (entry.applies(now)) list.push_back(site::to_json(entry));
  }
  if (list.empty()) return {};
  compile::LocalContent content = content_of(entries_, now);
  compile::LocalSource source{.name = kOwn, .id = tuf::sha256(tuf::canonical(list)), .read = {}};
  remember(source.id, content);
  source.read = [content = std::move(content)]() -> Result<compile::LocalContent> {
    return content;
  };
  return source;
}

void Site::forget_list(const std::string& subscription, const std::string& sha256) const {
  const std::lock_guard lock(mutex_);
  for (Taken& taken : taken_) {
    if (taken.settings.name != subscription || taken.state.good.sha256 != sha256) continue;
    taken.state.good = {};
    ++taken.changes;
  }
}

compile::LocalLayers Site::layers() const {
  const std::lock_guard lock(mutex_);
  const tuf::Time now = clock_();
  compile::LocalLayers out;
  if (auto own = own_source(now); !own.name.empty()) out.sources.push_back(std::move(own));
  for (const Entry& entry : entries_) {
    if (!entry.until || *entry.until <= now) continue;
    if (!out.next_change || *entry.until < *out.next_change) out.next_change = entry.until;
  }
  for (const Taken& taken : taken_) {
    if (taken.state.good.sha256.empty()) continue;
    auto source = source_of(taken.settings, taken.state.good, folder_);
    // A list that a disk has damaged must not stand in the way of the authority's: the attempt
    // fails, and the next one does without it until it is fetched again.
    source.read = [this, name = taken.settings.name, sha256 = taken.state.good.sha256,
                   read = std::move(source.read)]() {
      auto content = read();
      if (!content) forget_list(name, sha256);
      return content;
    };
    out.sources.push_back(std::move(source));
  }
  out.former = [this](const std::string& name,
                      const std::string& id) -> std::optional<std::vector<std::string>> {
    if (name != kOwn) return keys_of(folder_, id);
    const std::lock_guard guard(mutex_);
    for (const auto& [known, keys] : former_) {
      if (known == id) return keys;
    }
    return std::nullopt;
  };
  return out;
}

std::vector<schema::Subscription> Site::subscriptions() const {
  const std::lock_guard lock(mutex_);
  std::vector<schema::Subscription> out;
  for (const Taken& taken : taken_) out.push_back(taken.settings);
  return out;
}

Status Site::refresh(sync::Http& http, const schema::Subscription& subscription) {
  const auto find = [&] {
    return std::find_if(taken_.begin(), taken_.end(), [&](const Taken& taken) {
      return taken.settings.name == subscription.name && taken.settings.url == subscription.url;
    });
  };
  Taken before;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find();
    if (found == taken_.end()) return {};
    before = *found;
  }
  SubscriptionState next = before.state;
  const Status status = site::refresh(http, subscription, folder_, clock_(), next);
  const std::lock_guard lock(mutex_);
  const auto found = find();
  if (found == taken_.end()) return {};
  if (found->changes != before.changes) {
    return fail("a person decided about it meanwhile", subscription.name, "it is asked again");
  }
  if (auto saved = save_state(folder_, subscription.name, next); !saved) return saved;
  found->state = std::move(next);
  return status;
}

void Site::drop_unused(const std::map<std::string, std::string>& ids) const {
  std::set<std::string> used;
  for (const auto& [name, id] : ids) used.insert(id.substr(0, id.find(':')));
  const std::lock_guard lock(mutex_);
  for (const Taken& taken : taken_) {
    used.insert(taken.state.good.sha256);
    used.insert(taken.state.held.sha256);
  }
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder_, error)) {
    if (file.path().extension() != ".names" || used.contains(file.path().stem().string())) continue;
    std::error_code ignored;
    std::filesystem::remove(file.path(), ignored);
  }
}

json Site::to_json() const {
  const std::lock_guard lock(mutex_);
  json out = {{"entries", json::array()}, {"subscriptions", json::array()}};
  for (const Entry& entry : entries_) {
    json one = site::to_json(entry);
    one["in_force"] = entry.applies(clock_());
    out["entries"].push_back(std::move(one));
  }
  for (const Taken& taken : taken_) {
    out["subscriptions"].push_back(site::to_json(taken.settings, taken.state));
  }
  return out;
}

json Site::alarms() const {
  const std::lock_guard lock(mutex_);
  json out = json::array();
  const auto raise = [&](const char* id, const std::string& text) {
    out.push_back({{"id", id}, {"text", text}});
  };
  if (!fault_.empty()) raise("site-entries-lost", fault_);
  for (const Taken& taken : taken_) {
    const std::string name = "subscription " + taken.settings.name + ": ";
    if (taken.state.error) raise("subscription-failed", name + taken.state.error->text());
    if (!taken.state.held.sha256.empty()) {
      raise("subscription-held", name + taken.state.reason + "; the last good list stays. Let it " +
                                     "through: sluicectl site approve " + taken.settings.name);
    }
  }
  return out;
}

}  // namespace sluice::site
