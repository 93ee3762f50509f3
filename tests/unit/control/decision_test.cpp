// Holds that end by themselves, whatever the clock does, and what runs meanwhile.
#include "control/service/decisions.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using std::chrono::hours;

class Holds : public Appliance {
 protected:
  void SetUp() override {
    Appliance::SetUp();
    ASSERT_TRUE(updater_->running().hold(decision(), hours(72)));
    repository_.lists["police"] = {
        .orders = order_line("PSB-2", "gambling"), .names = "new.example\ttree\t0\n", .seq = 2};
    repository_.publish();
    ASSERT_EQ(updater_->pull(), Outcome::on_hold);
  }

  [[nodiscard]] service::Decision decision() const {
    return {.who = "li", .uid = 0, .reason = "exams", .at = now_};
  }
};

TEST_F(Holds, EndAfterTheirTime) {
  now_ += hours(72) - std::chrono::seconds(1);
  EXPECT_TRUE(updater_->view().hold);
  EXPECT_FALSE(updater_->running().hold_has_ended());
  now_ += std::chrono::seconds(1);
  EXPECT_FALSE(updater_->view().hold);
  EXPECT_TRUE(updater_->running().hold_has_ended());
  EXPECT_FALSE(updater_->running().hold_has_ended()) << "it is told once";
  repository_.now = now_;
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Holds, AreNoLongerForAClockThatWasSetBack) {
  now_ -= hours(1);
  EXPECT_FALSE(updater_->view().hold);
  EXPECT_EQ(updater_->pull(), Outcome::published);
}

TEST_F(Holds, LastAtMostThreeDays) {
  EXPECT_FALSE(updater_->running().hold(decision(), hours(73)));
  EXPECT_FALSE(updater_->running().hold(decision(), hours(0)));
  EXPECT_FALSE(updater_->running().roll_back(1, decision(), hours(73)));
}

TEST_F(Holds, SurviveARestartAndANewPolicy) {
  config_.policy.policies[0].blocked = policy::bit(9);
  restart();
  EXPECT_TRUE(updater_->view().hold);
  EXPECT_EQ(updater_->view().hold->generation, 2U);
  EXPECT_EQ(entries(), 2U);
  const auto current = updater_->running().current();
  EXPECT_TRUE(current->header().base) << "a policy needs no new list";
  EXPECT_EQ(current->policy_json(), policy::to_json(config_.policy));
  EXPECT_EQ(updater_->pull(), Outcome::on_hold);
}

TEST_F(Holds, AnEmergencyThatCannotBeTakenIsTold) {
  std::string many;
  for (unsigned i = 100; i < 201; ++i) many += "e" + std::to_string(i) + ".example\ttree\t0\n";
  List& list = repository_.lists["emergency"];
  list = {.orders = order_line("E-1", "fraud", "2026-06-01T00:00:00Z", "2026-06-04T00:00:00Z"),
          .names = many};
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::on_hold);
  ASSERT_TRUE(updater_->view().pull_error);
  EXPECT_THAT(updater_->view().pull_error->text(), ::testing::HasSubstr("holds 101 entries"));
  list.names = "e.example\ttree\t0\n";
  list.seq = 2;
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::on_hold);
  EXPECT_FALSE(updater_->view().pull_error);
  EXPECT_EQ(entries(), 3U);
}

TEST_F(Holds, ARollbackThatWasCutIsFinished) {
  ASSERT_TRUE(updater_->running().resume(decision()));
  ASSERT_EQ(updater_->pull(), Outcome::published);
  ASSERT_TRUE(updater_->running().roll_back(0, decision(), hours(1)));
  ASSERT_EQ(current(), "0000000001.lmdb");
  // Cut after it was decided and before the link was switched.
  std::filesystem::remove(config_.generations_dir() / "current");
  std::filesystem::create_symlink("0000000002.lmdb", config_.generations_dir() / "current");
  restart();
  EXPECT_EQ(current(), "0000000001.lmdb");
  EXPECT_EQ(entries(), 2U);
}

}  // namespace
}  // namespace sluice::test
