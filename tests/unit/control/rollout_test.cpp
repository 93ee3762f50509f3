// Rings: who takes a release when, and what waits for nobody.
#include "control/compile/rollout.h"

#include "control/compile/zstd_lines.h"
#include "control/service/commands.h"
#include "control/service/reply.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using std::chrono::hours;

constexpr const char* kRollout =
    R"({"rollout":1,"rings":[{"name":"lab","percent":0,"appliances":["gw-lab-1"],"soak_hours":1},)"
    R"({"name":"canary","percent":1,"soak_hours":6},{"name":"early","percent":10,"soak_hours":18},)"
    R"({"name":"all","percent":100}],"salt":"2026-08","skip_for":["malware","csam"],)"
    R"("halt_if":{"block_rate_ratio_gt":1.5,"top1k_new_hits_gt":0,"appeals_per_100_gw_gt":3}})";

TEST(RolloutFile, PlacesAndTurns) {
  // By another program: HMAC-SHA256 as one number, big-endian.
  EXPECT_EQ(compile::place_of("2026-08", "gw-lab-1"), 8889U);
  EXPECT_EQ(compile::place_of("2026-08", "gw-0"), 5142U);
  EXPECT_EQ(compile::place_of("2026-08", "gw-9"), 49U);
  const auto rollout = compile::parse_rollout(kRollout, "rollout");
  ASSERT_TRUE(rollout) << rollout.error().text();
  const auto turn = [&](const char* id) {
    const auto found = compile::turn_of(*rollout, id);
    return found.ring + " " + std::to_string(found.delay.count());
  };
  EXPECT_EQ(turn("gw-lab-1"), "lab 0");
  EXPECT_EQ(turn("gw-9"), "canary 1");
  EXPECT_EQ(turn("gw-2"), "early 7");
  EXPECT_EQ(turn("gw-0"), "all 25");
  EXPECT_EQ(rollout->urgent, (std::set<std::string>{"emergency", "telecom"}));
  EXPECT_EQ(rollout->max_new_popular, 0U);
  EXPECT_EQ(rollout->max_block_rate_ratio, 1.5);
}

TEST(RolloutFile, OnesThatLeaveAppliancesOutAreRefused) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = kRollout;
    return compile::parse_rollout(text.replace(text.find(from), from.size(), to), "r").has_value();
  };
  EXPECT_TRUE(with("2026-08", "2026-09"));
  EXPECT_FALSE(with("\"percent\":100", "\"percent\":99"));
  EXPECT_FALSE(with("\"percent\":10,", "\"percent\":0,"));
  EXPECT_FALSE(with("\"percent\":1,", "\"percent\":1.5,"));
  EXPECT_FALSE(with("\"percent\":100", "\"percent\":101"));
  EXPECT_FALSE(with("\"soak_hours\":6", "\"soak_hours\":-6"));
  EXPECT_FALSE(with("\"soak_hours\":6", "\"soak_hours\":1000000"));
  EXPECT_FALSE(with("2026-08", ""));
  EXPECT_TRUE(with("\"salt\"", R"("halted":{"police":{"seq":3,"reason":"x"}},"salt")"));
  EXPECT_FALSE(with("\"salt\"", R"("halted":{"police":{"seq":-3}},"salt")"));
  EXPECT_FALSE(with("\"salt\"", R"("halted":{"police":3},"salt")"));
  EXPECT_FALSE(with("\"salt\"", R"("halted":[1],"salt")"));
  EXPECT_FALSE(with("\"rollout\":1", "\"rollout\":2"));
  EXPECT_FALSE(with("{\"rollout\"", "[{\"rollout\""));
  EXPECT_FALSE(compile::parse_rollout(R"({"rollout":1,"salt":"x","rings":[]})", "r"));
}

class Rings : public Appliance {
 protected:
  Rings() { config_.appliance = "gw-0"; }

  void SetUp() override {
    repository_.add_role("list-emergency", 2, 1);
    repository_.policy = {{"policy/rollout.json", kRollout}};
    Appliance::SetUp();
  }

  /// The police list of so many names, published now.
  void publish(unsigned count) {
    List& list = repository_.lists["police"];
    list.names.clear();
    for (unsigned i = 0; i < count; ++i) {
      list.names += "n" + std::to_string(10'000 + i) + ".example\ttree\t0\n";
    }
    ++list.seq;
    repository_.now = now_;
    repository_.publish();
  }
  void later(int hours_later) {
    now_ += hours(hours_later);
    repository_.now = now_;
    repository_.publish();
  }
  Outcome pull() {
    const Outcome outcome = updater_->pull();
    if (updater_->view().pull_error) last_ = updater_->view().pull_error->text();
    return outcome;
  }
  [[nodiscard]] const service::StagingView staging() const { return updater_->view().staging; }

  std::string last_;
};

TEST_F(Rings, AListWaitsForItsRing) {
  EXPECT_EQ(entries(), 2U) << "the first one waits for nothing";
  publish(5);
  EXPECT_EQ(pull(), Outcome::unchanged) << last_;
  ASSERT_EQ(staging().waiting.size(), 1U);
  EXPECT_EQ(staging().turn.ring, "all");
  EXPECT_EQ(staging().waiting[0].seq, 2U);
  EXPECT_EQ(staging().waiting[0].due, now_ + hours(25));
  later(24);
  restart();
  EXPECT_EQ(pull(), Outcome::unchanged);
  EXPECT_EQ(entries(), 2U);
  later(1);
  EXPECT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(entries(), 5U);
  EXPECT_TRUE(staging().waiting.empty());
  EXPECT_EQ(pull(), Outcome::unchanged);
}

TEST_F(Rings, EachRingHasItsTurn) {
  for (const auto& [id, delay] : {std::pair{"gw-lab-1", 0}, {"gw-9", 1}, {"gw-2", 7}}) {
    config_.appliance = id;
    restart();
    const unsigned count = static_cast<unsigned>(entries()) + 1;
    publish(count);
    if (delay > 0) {
      EXPECT_EQ(pull(), Outcome::unchanged);
      later(delay - 1);
      EXPECT_EQ(pull(), Outcome::unchanged) << id;
      later(1);
    }
    EXPECT_EQ(pull(), Outcome::published) << id << last_;
    EXPECT_EQ(entries(), count);
  }
}

TEST_F(Rings, NewerListsWaitAnewButNotForEver) {
  publish(5);
  EXPECT_EQ(pull(), Outcome::unchanged);
  later(20);
  publish(6);
  EXPECT_EQ(pull(), Outcome::unchanged);
  EXPECT_EQ(staging().waiting[0].due, now_ + hours(25));
  later(20);
  publish(7);
  EXPECT_EQ(pull(), Outcome::unchanged);
  EXPECT_EQ(staging().waiting[0].due, now_ + hours(10)) << "twice the wait since the first of them";
  later(10);
  EXPECT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(entries(), 7U);
}

TEST_F(Rings, EmergencyAndMalwareWaitForNothing) {
  publish(5);
  repository_.lists["telecom"] = {.orders = order_line("T-1", "malware"),
                                  .names = "virus.example\ttree\t0\n"};
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", tuf::to_text(now_), tuf::to_text(now_ + hours(72))),
      .names = "now.example\ttree\t0\n"};
  repository_.add_role("list-telecom", 3, 2);
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(entries(), 4U);
  ASSERT_EQ(staging().waiting.size(), 1U);
  EXPECT_EQ(staging().waiting[0].department, "police");
  EXPECT_EQ(updater_->poll_period(), std::chrono::seconds(45));
  later(25);
  EXPECT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(entries(), 7U);
}

class NoEmergencyYet : public Rings {
 protected:
  void SetUp() override {
    config_.authority->poll_seconds = 3600;
    repository_.keys.erase("list-emergency");
    Appliance::SetUp();
  }
};

TEST_F(NoEmergencyYet, TheRoleCountsWhileItsReleaseIsHeld) {
  publish(2000);
  ASSERT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(updater_->poll_period(), std::chrono::seconds(3600));
  repository_.add_role("list-emergency", 2, 1);
  publish(100);
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_EQ(updater_->poll_period(), std::chrono::seconds(45));
}

TEST_F(Rings, AnEmergencyPassesAListThatIsHeld) {
  config_.appliance = "gw-lab-1";
  restart();
  publish(2000);
  ASSERT_EQ(pull(), Outcome::published) << last_;
  publish(100);
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", tuf::to_text(now_), tuf::to_text(now_ + hours(72))),
      .names = "now.example\ttree\t0\n"};
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_THAT(last_, ::testing::HasSubstr("from 2000 to 100"));
  EXPECT_EQ(entries(), 2001U);
  ASSERT_TRUE(updater_->view().held_release);
  // Another one, while the list still waits for a person.
  repository_.lists["emergency"].names += "now.test\ttree\t0\n";
  ++repository_.lists["emergency"].seq;
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_EQ(entries(), 2002U);
  EXPECT_EQ(pull(), Outcome::held);
  const std::string id = updater_->view().held_release->release;
  ASSERT_TRUE(updater_->running().approve(id, {.who = "li", .reason = "seen", .at = now_}));
  EXPECT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(entries(), 102U);
}

TEST_F(Rings, UrgentListsThatAreHeldAreCompiledOnceAndApprovedAlone) {
  config_.appliance = "gw-lab-1";
  repository_.lists["telecom"] = {.orders = order_line("T-1", "malware"), .names = {}};
  for (unsigned i = 0; i < 2000; ++i) {
    repository_.lists["telecom"].names += "v" + std::to_string(10'000 + i) + ".example\ttree\t0\n";
  }
  repository_.add_role("list-telecom", 3, 2);
  restart();
  publish(5);
  ASSERT_EQ(pull(), Outcome::published) << last_;
  ASSERT_EQ(entries(), 2005U);
  repository_.lists["telecom"].names = "virus.example\ttree\t0\n";
  ++repository_.lists["telecom"].seq;
  publish(7);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(pull(), Outcome::held);
  const auto first = service::View(updater_->view()).held_urgent;
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr(" urgent: held"));
  ASSERT_TRUE(first);
  const auto told = service::status_json({.view = updater_->view()});
  EXPECT_EQ(told["held_urgent"]["release"], first->release);
  EXPECT_THAT(told["alarms"].dump(), ::testing::HasSubstr("urgent-held"));
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::Not(::testing::HasSubstr(" urgent: ")));
  ASSERT_NE(first->release, updater_->view().held_release->release);
  const auto reply = service::answer_decision(updater_->running(), updater_->view(),
                                              {{"command", "approve"},
                                               {"release", first->release.substr(0, 12)},
                                               {"who", "li"},
                                               {"reason", "seen"}},
                                              now_);
  EXPECT_EQ(reply["ok"], true) << reply.dump();
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_EQ(entries(), 6U) << "the urgent list alone";
  EXPECT_FALSE(updater_->view().held_urgent);
}

TEST_F(Rings, AnEmergencyPassesAPersonsHold) {
  config_.appliance = "gw-lab-1";
  restart();
  publish(5);
  ASSERT_EQ(pull(), Outcome::published) << last_;
  ASSERT_TRUE(updater_->running().hold({.who = "li", .reason = "exams", .at = now_}, hours(24)));
  publish(7);
  EXPECT_EQ(pull(), Outcome::on_hold);
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", tuf::to_text(now_), tuf::to_text(now_ + hours(72))),
      .names = "now.example\ttree\t0\n"};
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::on_hold);
  EXPECT_EQ(entries(), 6U);
  EXPECT_TRUE(updater_->running().held());
  EXPECT_EQ(pull(), Outcome::on_hold);
  EXPECT_EQ(entries(), 6U);
  // It is held through a start as well, and lifted with all that has come meanwhile.
  restart();
  EXPECT_EQ(entries(), 6U);
  ASSERT_TRUE(updater_->running().resume({.who = "li", .reason = "over", .at = now_}));
  EXPECT_EQ(pull(), Outcome::published) << last_;
  EXPECT_EQ(entries(), 8U);
}

TEST_F(Rings, AnEmergencyComesUponWhatAPersonWentBackTo) {
  config_.appliance = "gw-lab-1";
  restart();
  publish(5);
  ASSERT_EQ(pull(), Outcome::published) << last_;
  publish(7);
  ASSERT_EQ(pull(), Outcome::published) << last_;
  ASSERT_TRUE(
      updater_->running().roll_back(0, {.who = "li", .reason = "wrong", .at = now_}, hours(24)));
  const std::string held = current();
  ASSERT_EQ(entries(), 5U);
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", tuf::to_text(now_), tuf::to_text(now_ + hours(72))),
      .names = "now.example\ttree\t0\n"};
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::on_hold);
  EXPECT_NE(current(), held);
  EXPECT_EQ(entries(), 6U);
  ASSERT_TRUE(updater_->view().hold);
  ASSERT_TRUE(updater_->running().resume({.who = "li", .reason = "over", .at = now_}));
  EXPECT_EQ(pull(), Outcome::unchanged) << "the release is known already; " << last_;
  EXPECT_EQ(entries(), 8U);
}

TEST_F(Rings, PopularNamesHaltARollout) {
  config_.appliance = "gw-lab-1";
  restart();
  repository_.policy["policy/guards.yaml"] = "never_block: [{source: popularity-top1k}]";
  repository_.policy["policy/popular.cpl.zst"] =
      compile::zstd_pack("#CPL 1\nbig.example\ttree\t0\n").value();
  List& list = repository_.lists["police"];
  auto order = tuf::parse_strict(list.orders.substr(0, list.orders.find('\n')), "order").value();
  order["confirm_popular"] = true;
  list.orders = tuf::canonical(order) + "\n";
  list.names = "big.example\ttree\t0\ncasino.example\ttree\t0\nbet.test\texact\t0\n";
  ++list.seq;
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::held);
  EXPECT_THAT(last_, ::testing::HasSubstr("big.example among them"));
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Rings, BadRolloutsAreRefused) {
  for (const char* text : {"{", "[]", R"({"rollout":1,"salt":"x","rings":[]})"}) {
    repository_.policy["policy/rollout.json"] = text;
    repository_.publish();
    expect_refused("policy/rollout.json");
  }
  // Only when it is taken has changed, so that nothing is compiled anew.
  repository_.policy["policy/rollout.json"] = std::string(kRollout) + "\n";
  repository_.publish();
  EXPECT_EQ(pull(), Outcome::unchanged) << last_;
  EXPECT_EQ(current(), "0000000001.lmdb");
}

}  // namespace
}  // namespace sluice::test
