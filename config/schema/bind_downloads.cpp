// What an appliance fetches, and how: the authority's lists, subscriptions, a proxy.
#include <algorithm>
#include <system_error>

#include "config/schema/bind.h"

namespace sluice::schema {
namespace {

void check_file(const TextNode* node, const std::string& path, Faults& faults) {
  if (node == nullptr) return;
  std::error_code code;
  const auto status = std::filesystem::status(node->text, code);
  if (!std::filesystem::exists(status)) {
    faults.add(node->place, path, "there is no file '" + node->text + "'",
               "put it there, or correct the path");
  } else if (!std::filesystem::is_regular_file(status)) {
    faults.add(node->place, path, "'" + node->text + "' is not a file", "correct the path");
  }
}

void bind_mirrors(const TextNode& mirrors, Authority& authority, Faults& faults) {
  for (std::size_t i = 0; i < mirrors.items.size(); ++i) {
    const TextNode& item = mirrors.items[i];
    if (!item.good) continue;
    const auto& known = authority.mirrors;
    if (item.text == authority.url ||
        std::find(known.begin(), known.end(), item.text) != known.end()) {
      faults.add(item.place, "authority.mirrors[" + std::to_string(i) + "]",
                 "'" + item.text + "' is named already", "name each mirror once");
    }
    authority.mirrors.push_back(item.text);
  }
}

void bind_authority(const TextNode& node, References references, Config& config, Faults& faults) {
  Authority& authority = config.authority.emplace();
  take(node, "url", authority.url);
  take(node, "root", authority.root);
  take(node, "ca_file", authority.ca_file);
  take(node, "poll_seconds", authority.poll_seconds);
  if (const TextNode* mirrors = find(node, "mirrors")) bind_mirrors(*mirrors, authority, faults);
  if (authority.url.empty() && !authority.mirrors.empty()) {
    faults.add(node.place, "authority.mirrors", "without authority.url",
               "make one of them the url");
  }
  if (references == References::unchecked) return;
  check_file(find(node, "root"), "authority.root", faults);
  check_file(find(node, "ca_file"), "authority.ca_file", faults);
}

void bind_proxy(const TextNode& node, References references, Config& config, Faults& faults) {
  Proxy& proxy = config.proxy.emplace();
  take(node, "url", proxy.url);
  take(node, "login_file", proxy.login_file);
  if (references == References::unchecked) return;
  check_file(find(node, "login_file"), "proxy.login_file", faults);
}

void bind_subscription(const Member& member, References references, Config& config,
                       Faults& faults) {
  const TextNode& node = member.value;
  const std::string path = "subscriptions." + member.key.text;
  Subscription subscription{.name = member.key.text};
  take(node, "url", subscription.url);
  take(node, "ca_file", subscription.ca_file);
  take(node, "format", subscription.format);
  take(node, "refresh_hours", subscription.refresh_hours);
  take(node, "max_entries", subscription.max_entries);
  take(node, "max_mib", subscription.max_mib);
  if (const TextNode* mode = find(node, "mode")) subscription.enforce = mode->text == "enforce";
  if (const TextNode* category = find(node, "category")) {
    const policy::Category* known = policy::find_category(category->text);
    if (known != nullptr && known->department != "site") {
      faults.add(category->place, path + ".category",
                 "'" + category->text + "' is filled by the authority alone",
                 "write social, ads, tracking, encrypted-dns or proxy");
    } else if (known != nullptr) {
      subscription.category = known->id;
    }
  }
  if (references == References::must_exist) {
    check_file(find(node, "ca_file"), path + ".ca_file", faults);
  }
  config.subscriptions.push_back(std::move(subscription));
}

}  // namespace

void bind_downloads(const TextNode& root, Config& config, References references, Faults& faults) {
  if (const TextNode* node = find(root, "authority")) {
    bind_authority(*node, references, config, faults);
  }
  if (const TextNode* node = find(root, "proxy")) bind_proxy(*node, references, config, faults);
  std::uint64_t names = 0;
  for (const Member* member : entries(find(root, "subscriptions"))) {
    bind_subscription(*member, references, config, faults);
    names += config.subscriptions.back().max_entries;
  }
  constexpr std::uint64_t kMost = 1'000'000;
  if (names > kMost) {
    faults.add(find(root, "subscriptions")->place, "subscriptions",
               "may hold " + std::to_string(names) + " names together; a million is the most",
               "lower their max_entries");
  }
  // What is counted and never blocked is watched by every policy.
  const bool monitors = std::any_of(config.subscriptions.begin(), config.subscriptions.end(),
                                    [](const Subscription& one) { return !one.enforce; });
  if (!monitors) return;
  for (policy::Policy& policy : config.policy.policies) {
    policy.watched |= policy::bit(policy::kMonitored);
  }
}

}  // namespace sluice::schema
