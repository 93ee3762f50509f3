// What begins comes into the generation that runs and what ends is taken out of it, against the
// same lists compiled as a whole.
#include "control/compile/ends.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "config/base/json.h"
#include "config/files/file.h"
#include "config/name/name.h"
#include "control/compile/begins.h"
#include "control/compile/compile.h"
#include "control/compile/emergency.h"
#include "control/tuf/digest.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using compile::Release;
using generation::Generation;

class Ends : public ::testing::Test {
 protected:
  [[nodiscard]] compile::ListFile put(const std::string& path, const std::string& text) const {
    const std::string packed = compile::zstd_pack(text).value();
    compile::ListFile file{path, packed.size(), tuf::sha256(packed), tuf::sha256(text)};
    write_file(folder_.path() / file.stored_name(), packed);
    return file;
  }

  /// `names`: by reversed key, the rest of their line.
  void add_list(const std::string& department, const std::map<std::string, std::string>& names,
                const std::string& orders) {
    std::string text =
        "#CPL 1\n#list " + department + "\n#seq 1\n#entries " + std::to_string(names.size()) + "\n";
    for (const auto& [key, rest] : names) text += name::from_reversed_key(key) + rest + "\n";
    compile::ReleaseList list;
    list.department = department;
    list.seq = 1;
    list.entries = names.size();
    list.full = put("lists/" + department + "/full.cpl.zst", text);
    list.orders = put("lists/" + department + "/orders.jsonl.zst", orders);
    release_.lists.push_back(list);
  }

  void protect(const std::string& name) {
    release_.policy = {put("policy/protected.cpl.zst", name + "\ttree\t0\n")};
    const std::string guards = "never_block: [{source: 'target:policy/protected.cpl.zst'}]\n";
    compile::ListFile file{"policy/guards.yaml", guards.size(), tuf::sha256(guards), ""};
    write_file(folder_.path() / file.stored_name(), guards);
    release_.policy.push_back(file);
  }

  [[nodiscard]] std::filesystem::path path(std::uint64_t number) const {
    return folder_.path() / (std::to_string(number) + ".lmdb");
  }

  std::shared_ptr<const Generation> whole(std::uint64_t number) const {
    const auto compiled = compile::compile({.release = &release_,
                                            .lists_dir = folder_.path(),
                                            .policy_json = "{}",
                                            .now = now_,
                                            .generation = number,
                                            .output = path(number)});
    EXPECT_TRUE(compiled) << compiled.error().text();
    return compiled ? *Generation::open(path(number)) : nullptr;
  }

  std::shared_ptr<const Generation> as_of_now(const std::shared_ptr<const Generation>& of,
                                              std::uint64_t number,
                                              const compile::Begun* begun = nullptr,
                                              const compile::Emergency* emergency = nullptr) {
    const compile::LocalLayers none;
    const auto made = compile::compile_local({.base = of,
                                              .layers = &none,
                                              .emergency = emergency,
                                              .begun = begun,
                                              .policy_json = "{}",
                                              .now = now_,
                                              .generation = number,
                                              .output = path(number)});
    EXPECT_TRUE(made) << made.error().text();
    if (!made) return nullptr;
    ended_ = made->ended;
    begun_ = made->begun;
    return *Generation::open(path(number), of);
  }

  Result<std::optional<compile::Begun>> look_for_begun(const Generation& of) const {
    const auto rules = compile::read_rules(release_.policy, folder_.path());
    return compile::find_begun(release_, of.sources_json(), folder_.path(), *rules, now_);
  }
  std::optional<compile::Begun> begun(const Generation& of) const {
    auto found = look_for_begun(of);
    EXPECT_TRUE(found) << found.error().text();
    return found ? std::move(*found) : std::nullopt;
  }

  /// Everything that a generation says, provenance by content and not by number.
  static std::vector<std::string> contents(const Generation& of) {
    std::vector<std::string> out;
    of.visit([&](std::string_view key, const std::vector<generation::Record>& records) {
      for (const auto& r : records) {
        out.push_back(std::string(key) + " " +
                      generation::provenance_json(*of.provenance(r.provenance)) + " " +
                      std::to_string(r.category) + " " + std::string(text(r.scope)));
      }
      name::LookupName name;
      (void)name::from_text(name::from_reversed_key(key), name);
      const auto answer = of.cursor()->find(name);
      out.push_back(std::to_string(answer.categories) + " " +
                    std::to_string(answer.matched_labels));
      return true;
    });
    auto sources = parse_json(of.sources_json());
    sources.erase("ended");
    // Those that are told are the first ones as they were found.
    if (sources.contains("dropped"))
      std::sort(sources["dropped"].begin(), sources["dropped"].end());
    out.push_back(json_text(sources));
    out.push_back(std::to_string(of.header().entries) + " " + std::to_string(of.header().records));
    return out;
  }

  Folder folder_;
  Release release_;
  tuf::Time now_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
  std::uint64_t ended_ = 0;  // of as_of_now()
  std::uint64_t begun_ = 0;
};

std::string hour(unsigned n) {
  const auto at = tuf::parse_time("2026-06-01T00:00:00Z").value() + std::chrono::hours(n);
  return tuf::to_text(at);
}

TEST_F(Ends, ComeToWhatAWholeCompilationSays) {
  std::mt19937 random(4711);  // NOLINT: a fixed seed repeats a failure
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::uint64_t begun_in_all = 0;
  std::uint64_t ended_in_all = 0;
  for (unsigned round = 0; round < 20; ++round) {
    release_ = {};
    now_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
    if (round % 3 == 0) protect("a.example");
    for (const std::string department : {"cyberspace", "police", "emergency"}) {
      std::string orders;
      for (unsigned n = 0; n < 6; ++n) {
        const unsigned begin = pick(2) == 0 ? pick(12) : 0;
        const std::string category = department == "cyberspace" ? "pornography" : "gambling";
        orders +=
            order_line("A-" + std::to_string(n), category, hour(begin), hour(begin + 1 + pick(20)));
      }
      std::map<std::string, std::string> names;
      for (unsigned n = 3 + pick(20); n > 0; --n) {
        std::string key = "example.";
        for (unsigned labels = 1 + pick(2); labels > 0; --labels) {
          key += std::string(1, static_cast<char>('a' + pick(5))) + ".";
        }
        const char* scopes[] = {"tree", "exact", "subs"};
        names[key] = std::string("\t") + scopes[pick(3)] + "\t" + std::to_string(pick(6));
      }
      add_list(department, names, orders);
    }
    auto running = whole(1);
    ASSERT_TRUE(running);
    for (std::uint64_t number = 2; number < 26; ++number) {
      now_ += std::chrono::minutes(30 + pick(60));
      const auto wanted = whole(1000 + number);
      const auto found = begun(*running);
      ASSERT_TRUE(found);
      const auto rules = compile::read_rules(release_.policy, folder_.path());
      const auto emergency = compile::read_emergency(release_, folder_.path(), *rules, now_);
      ASSERT_TRUE(emergency);
      running = as_of_now(running, number, &*found, &*emergency);
      ASSERT_TRUE(running);
      begun_in_all += begun_;
      ended_in_all += ended_;
      const auto has = contents(*running);
      const auto should = contents(*wanted);
      ASSERT_EQ(has.size(), should.size());
      for (std::size_t i = 0; i < has.size(); ++i) {
        ASSERT_EQ(has[i], should[i]) << "round " << round << ", " << number;
      }
      const auto end = compile::next_end(*running);
      ASSERT_TRUE(end);
      EXPECT_GT(end->value_or(tuf::Time::max()), now_);
    }
  }
  EXPECT_GT(begun_in_all, 100U);
  EXPECT_GT(ended_in_all, 100U);
}

TEST_F(Ends, MoreThanAnOverlayHolds) {
  std::map<std::string, std::string> names;
  for (unsigned n = 0; n < 100'012; ++n) {
    names["example.n" + std::to_string(n) + "."] = n % 10'000 == 9 ? "\ttree\t1" : "\ttree\t0";
  }
  add_list(
      "police", names,
      order_line("A", "gambling", hour(0), hour(1)) + order_line("B", "fraud", hour(0), hour(9)));
  add_list("cyberspace", {{"example.n5.", "\ttree\t0"}},
           order_line("C", "pornography", hour(0), hour(9)));
  const auto running = whole(1);
  now_ += std::chrono::hours(1);
  const auto found = begun(*running);
  ASSERT_TRUE(found);
  const auto made = as_of_now(running, 2, &*found);
  ASSERT_TRUE(made);
  EXPECT_EQ(ended_, 100'001U);
  EXPECT_FALSE(made->header().base) << "is an overlay";
  auto wanted = contents(*whole(3));
  EXPECT_EQ(contents(*made), wanted);
}

TEST_F(Ends, MoreBeginsThanAnOverlayHolds) {
  std::map<std::string, std::string> names;
  for (unsigned n = 0; n < 100'001; ++n) names["example.n" + std::to_string(n) + "."] = "\ttree\t0";
  add_list("police", names, order_line("A", "gambling", hour(1), hour(9)));
  const auto running = whole(1);
  ASSERT_TRUE(begun(*running));
  now_ += std::chrono::hours(1);
  EXPECT_FALSE(begun(*running)) << "all lists have to be compiled";
}

TEST_F(Ends, BeginningsThatAreNotOfWhatRuns) {
  add_list(
      "police", {{"example.a.", "\ttree\t0"}, {"example.b.", "\ttree\t1"}},
      order_line("A", "gambling", hour(0), hour(1)) + order_line("B", "fraud", hour(2), hour(9)));
  const auto running = whole(1);
  EXPECT_EQ(compile::next_end(*running).value(), now_ + std::chrono::hours(1));
  now_ += std::chrono::hours(2);
  // Where the lists are lost, what has begun is not lost with them.
  const auto without = as_of_now(running, 2);
  EXPECT_EQ(without->header().entries, 0U);
  EXPECT_FALSE(compile::next_end(*without).value());
  const auto found = begun(*without);
  ASSERT_TRUE(found);
  const auto made = as_of_now(without, 3, &*found);
  EXPECT_EQ(contents(*made), contents(*whole(4)));
  const auto path = folder_.path() / release_.lists[0].full.stored_name();
  auto bytes = *files::read_bounded(path, 1 << 20);
  bytes[bytes.size() / 2] ^= 1;
  write_file(path, bytes);
  EXPECT_FALSE(look_for_begun(*running)) << "is damaged";
  release_.lists[0].seq = 2;
  EXPECT_FALSE(begun(*running)) << "another release";
}

TEST_F(Ends, WhatRulesLeftOutIsCountedAnew) {
  protect("a.example");
  add_list("police", {{"example.a.", "\ttree\t0"}, {"example.b.", "\ttree\t0"}},
           order_line("A", "gambling", hour(0), hour(1)));
  const auto running = whole(1);
  now_ += std::chrono::hours(1);
  const auto found = begun(*running);
  ASSERT_TRUE(found);
  EXPECT_EQ(contents(*as_of_now(running, 2, &*found)), contents(*whole(3)));
}

TEST_F(Ends, AClockThatRanAhead) {
  add_list(
      "police", {{"example.a.", "\ttree\t0"}, {"example.b.", "\ttree\t1"}},
      order_line("A", "gambling", hour(0), hour(1)) + order_line("B", "fraud", hour(2), hour(9)));
  const auto running = whole(1);
  const auto before = contents(*running);
  now_ += std::chrono::hours(24 * 365);
  const auto ahead = begun(*running);
  ASSERT_TRUE(ahead);
  const auto emptied = as_of_now(running, 2, &*ahead);
  EXPECT_EQ(emptied->header().entries, 0U);
  now_ -= std::chrono::hours(24 * 365);
  EXPECT_FALSE(begun(*emptied)) << "all lists have to be compiled";
  EXPECT_FALSE(compile::sources_from_json(emptied->sources_json()).orders.holds(now_));
  EXPECT_EQ(contents(*whole(3)), before);
}

using EndsHere = Appliance;

TEST_F(EndsHere, AClockThatRanAheadTakesNothingAwayForGood) {
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", "2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z"),
      .names = "e.example\ttree\t0\n"};
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  ASSERT_EQ(entries(), 3U);
  const tuf::Time right = now_;
  for (const bool held : {false, true}) {
    if (held) {
      const service::Decision decision{.who = "li", .uid = 0, .reason = "exams", .at = now_};
      ASSERT_TRUE(updater_->running().hold(decision, std::chrono::hours(72)));
    }
    now_ = tuf::parse_time("2031-01-01T00:00:00Z").value();
    ASSERT_TRUE(updater_->refresh_generation());
    EXPECT_EQ(entries(), 0U);
    EXPECT_NE(updater_->pull(), Outcome::published);
    now_ = right;
    const auto view = updater_->view();
    EXPECT_TRUE(view.last_change && now_ < *view.last_change) << "nobody would look at it";
    ASSERT_TRUE(updater_->refresh_generation());
    EXPECT_EQ(entries(), 3U) << held;
    const std::string current_before = current();
    ASSERT_TRUE(updater_->refresh_generation());
    EXPECT_EQ(current(), current_before);
  }
}

TEST_F(EndsHere, AreNotKeptUpByLostLists) {
  repository_.lists["police"] = {
      .orders = order_line("A", "gambling", "2026-01-01T00:00:00Z", "2026-06-10T00:00:00Z") +
                order_line("B", "fraud", "2026-01-01T00:00:00Z", "2026-08-01T00:00:00Z"),
      .names = "a.example\ttree\t0\nb.example\ttree\t1\n",
      .seq = 2};
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", "2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z"),
      .names = "e.example\ttree\t0\n"};
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  const service::Decision decision{.who = "li", .uid = 0, .reason = "exams", .at = now_};
  ASSERT_TRUE(updater_->running().hold(decision, std::chrono::hours(72)));
  for (const auto& entry : std::filesystem::directory_iterator(config_.state_dir / "lists")) {
    if (entry.path().extension() == ".zst") write_file(entry.path(), "damaged");
  }
  now_ = tuf::parse_time("2026-06-03T12:00:00Z").value();
  EXPECT_FALSE(updater_->refresh_generation()) << "the emergency list is lost";
  EXPECT_EQ(entries(), 3U);
  now_ = tuf::parse_time("2026-06-10T00:00:00Z").value();
  const service::Decision again{.who = "li", .uid = 0, .reason = "exams", .at = now_};
  ASSERT_TRUE(updater_->running().hold(again, std::chrono::hours(72)));
  EXPECT_FALSE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 2U);
  EXPECT_EQ(updater_->view().hold->generation, updater_->view().generation.generation);
  EXPECT_TRUE(updater_->view().build_error);
}

TEST_F(EndsHere, BeginningsAreSmallChangesOfWhatRunsAndOfWhatIsHeld) {
  repository_.lists["police"] = {
      .orders = order_line("A", "gambling", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z") +
                order_line("B", "fraud", "2026-06-02T00:00:00Z", "2027-01-01T00:00:00Z") +
                order_line("C", "fraud", "2026-06-03T00:00:00Z", "2027-01-01T00:00:00Z"),
      .names = "a.example\ttree\t0\nb.example\ttree\t1\nc.example\ttree\t2\n",
      .seq = 2};
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  const auto runs = [&] { return updater_->running().current(); };
  EXPECT_FALSE(runs()->header().base);
  now_ = tuf::parse_time("2026-06-02T00:00:00Z").value();
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 2U);
  EXPECT_TRUE(runs()->header().base) << "no other list is read into it";
  const service::Decision decision{.who = "li", .uid = 0, .reason = "exams", .at = now_};
  ASSERT_TRUE(updater_->running().hold(decision, std::chrono::hours(72)));
  EXPECT_EQ(tuf::to_text(updater_->view().next_change.value()), "2026-06-03T00:00:00Z");
  now_ = tuf::parse_time("2026-06-03T00:00:00Z").value();
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 3U);
  EXPECT_TRUE(runs()->header().base);
  EXPECT_EQ(updater_->view().hold->generation, updater_->view().generation.generation);
  // What was there before is gone back to without the lists that it was made of.
  repository_.lists["police"].names = "a.example\ttree\t0\n";
  repository_.lists["police"].seq = 3;
  repository_.publish();
  ASSERT_TRUE(updater_->running().resume(decision));
  ASSERT_EQ(updater_->pull(), Outcome::published);
  const std::uint64_t newest = updater_->view().generation.generation;
  ASSERT_TRUE(updater_->running().roll_back(3, decision, std::chrono::hours(72)));
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(updater_->view().generation.generation, 3U);
  EXPECT_EQ(entries(), 2U);
  EXPECT_GT(newest, 4U);
}

}  // namespace
}  // namespace sluice::test
