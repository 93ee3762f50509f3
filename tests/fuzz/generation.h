// A small generation for targets that judge: everything below `example`, `test` and `com` is
// listed, in categories that the policy blocks, watches and leaves alone.
#pragma once

#include <filesystem>
#include <memory>
#include <unistd.h>
#include <vector>

#include "config/generation/writer.h"
#include "dataplane/index/snapshot.h"
#include "tests/fuzz/expect.h"

namespace sluice::fuzz {

/// `fill` appends the entries.
template <class Fill>
std::shared_ptr<const generation::Generation> make_generation_of(Fill fill) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("sluice-fuzz-" + std::to_string(getpid()) + ".lmdb");
  auto writer = generation::Writer::create(path, 1 << 20);
  SLUICE_EXPECT(writer);
  fill([&](std::string_view key, std::vector<generation::Record> records) {
    SLUICE_EXPECT(writer->append(key, records));
  });
  SLUICE_EXPECT(writer->finish(1, "2026-01-01T00:00:00Z"));
  auto generation = generation::Generation::open(path);
  std::filesystem::remove(path);
  SLUICE_EXPECT(generation);
  return *generation;
}

inline std::shared_ptr<const generation::Generation> make_empty_generation() {
  return make_generation_of([](const auto&) {});
}

inline std::shared_ptr<const generation::Generation> make_generation() {
  using generation::Disposition;
  using generation::Layer;
  using generation::Scope;
  const auto id = [](std::string_view name) { return policy::find_category(name)->id; };
  return make_generation_of([&](const auto& add) {
    add("com.", {{0, id("video")}});
    add("com.example.", {{0, id("gambling")}});
    add("example.", {{0, id("gambling")}});
    add("example.allowed.", {{0, 0, Scope::tree, Disposition::allow, Layer::site}});
    add("example.permitted.", {{0, id("protected"), Scope::tree, Disposition::protect}});
    add("test.", {{0, id("terror"), Scope::subs, Disposition::block, Layer::emergency},
                  {0, id("games"), Scope::exact, Disposition::block, Layer::site}});
  });
}

/// Where DNS is answered with an address, TLS is refused with an alert, for both to be seen.
inline std::unique_ptr<const index::Snapshot> make_snapshot(
    const std::shared_ptr<const generation::Generation>& generation, policy::DnsAnswer dns,
    policy::SafeSearch safe_search = policy::SafeSearch::off) {
  const auto gambling = policy::bit(policy::find_category("gambling")->id);
  const auto video = policy::bit(policy::find_category("video")->id);
  policy::PolicySet set;
  set.policies = {
      {"pupils", gambling, video}, {"staff", 0, gambling}, {"strict", gambling, video, true}};
  set.policies[0].safe_search = safe_search;
  // One of so many names as there are of real ones, and three in a listed category or none.
  set.engines = {{"find", {"find.com", "www.find.net", "find.net"}, "safe.find.com", "m.find.com"}};
  for (int i = 0; i < 200; ++i) {
    set.engines[0].names.push_back("www.find.x" + std::to_string(i));
  }
  set.default_policy = "pupils";
  set.groups = {{"staff", "staff", {}, {policy::parse_prefix("192.0.2.200/32").value()}, {}, {}},
                {"lab", "pupils", {}, {policy::parse_prefix("2001:db8::/33").value()}, {}, {}},
                {"guests", "staff", {}, {}, {{300, 0}, {100, 7}}, {}},
                {"exam", "strict", {}, {policy::parse_prefix("192.0.2.64/26").value()}, {}, {}}};
  set.answer.dns = dns;
  if (dns == policy::DnsAnswer::address) set.answer.tls = policy::TlsRefusal::alert;
  set.answer.page_ipv4 = {192, 0, 2, 53};
  set.answer.page_ipv6.emplace().fill(0x20);
  auto snapshot = index::Snapshot::build(generation, set, {}, 1);
  SLUICE_EXPECT(snapshot);
  return std::move(*snapshot);
}

/// Where nothing passes but names below com, but for one, and minutes of some of them are spent;
/// one device may do as it likes, and one is paused.
inline std::unique_ptr<const index::Snapshot> make_curated_snapshot(
    const std::shared_ptr<const generation::Generation>& generation) {
  policy::PolicySet set;
  set.curated = {{"lessons", {"com"}, {"example"}, {"example.com"}}};
  set.budgets = {{"video", policy::bit(policy::find_category("video")->id), 60, 0, 0}};
  set.policies = {{.name = "lesson", .only = policy::Only{.lists = 1}, .budgets = 1},
                  {.name = "pause/all", .only = policy::Only{}},
                  {.name = "open", .budgets = 1}};
  set.default_policy = "lesson";
  set.modes = {
      {.word = "open", .address = policy::parse_prefix("192.0.2.200/32").value(), .policy = "open"},
      {.word = "pause",
       .address = policy::parse_prefix("192.0.2.65/32").value(),
       .policy = "pause/all"}};
  auto snapshot = index::Snapshot::build(generation, set, {}, 1);
  SLUICE_EXPECT(snapshot);
  (*snapshot)->set_budgets({1, 1, nullptr});
  (void)(*snapshot)->set_time(policy::Moment{1});
  return std::move(*snapshot);
}

}  // namespace sluice::fuzz
