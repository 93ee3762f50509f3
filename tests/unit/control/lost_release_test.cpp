// What says which release the lists are from is lost or damaged: until a pull brings it anew,
// nothing can be made of the lists, and what was made of them goes on, but for orders that end.
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

class LostRelease : public Appliance, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Appliance::SetUp();
    repository_.lists["police"] = {
        .orders = order_line("PSB-1", "gambling") +
                  order_line("PSB-2", "gambling", "2026-01-01T00:00:00Z", "2026-06-02T00:00:00Z"),
        .names = "brief.example\ttree\t1\ncasino.example\ttree\t0\nbet.test\texact\t0\n",
        .seq = 2};
    repository_.publish();
    ASSERT_EQ(updater_->pull(), Outcome::published);
    ASSERT_EQ(entries(), 3U);
    const auto file = config_.state_dir / "lists/release.json";
    std::filesystem::remove(file);
    if (*GetParam() != '\0') write_file(file, GetParam());
  }

  void pass_the_end() {
    now_ = tuf::parse_time("2026-06-02T00:00:01Z").value();
    repository_.now = now_;
  }
};

TEST_P(LostRelease, TakesNoListAwayWhenAnOrderEnds) {
  restart();
  ASSERT_TRUE(updater_->view().next_change);
  EXPECT_EQ(tuf::to_text(*updater_->view().next_change), "2026-06-02T00:00:00Z");
  pass_the_end();
  EXPECT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 2U) << "what has ended";
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 2U);
}

TEST_P(LostRelease, TakesNoListAwayWhereAnOrderHasEnded) {
  pass_the_end();
  restart();
  EXPECT_EQ(entries(), 2U);
}

TEST_P(LostRelease, LeavesThePolicyFree) {
  pass_the_end();
  config_.policy.policies[0].blocked = policy::bit(9);
  restart();
  EXPECT_EQ(updater_->running().current()->policy_json(), policy::to_json(config_.policy));
  EXPECT_EQ(entries(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Ways, LostRelease, ::testing::Values("", "{", "{}"),
                         [](const auto& param) { return "way_" + std::to_string(param.index); });

}  // namespace
}  // namespace sluice::test
