// A person goes back while a pull is on its way to make a generation.
#include <atomic>
#include <future>
#include <set>

#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

class RollbackRace : public Appliance {
 protected:
  void SetUp() override {
    Appliance::SetUp();
    repository_.policy["policy/guards.yaml"] = "probes: {must_miss: [school.example]}";
    publish(2, "casino.example\ttree\t0\nsecond.example\ttree\t0\nbet.test\texact\t0\n");
    ASSERT_EQ(updater_->pull(), Outcome::published);
    ASSERT_EQ(entries(), 3U);
  }

  void publish(std::uint64_t seq, const std::string& names) {
    repository_.lists["police"] = {
        .orders = order_line("PSB-1", "gambling"), .names = names, .seq = seq};
    repository_.publish();
  }

  [[nodiscard]] std::set<std::string> list_files() const {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(config_.state_dir / "lists")) {
      const std::string name = entry.path().filename();
      if (!name.starts_with('.')) out.insert(name);
    }
    return out;
  }

  [[nodiscard]] service::Decision decision() const {
    return {.who = "li", .uid = 0, .reason = "x", .at = now_};
  }
};

TEST_F(RollbackRace, LetsNoReleasePastTheGuards) {
  publish(3,
          "casino.example\ttree\t0\nschool.example\ttree\t0\nsecond.example\ttree\t0\n"
          "bet.test\texact\t0\n");
  // The time is first asked for between the download and the making of what is new.
  const auto before = list_files();
  std::atomic<bool> asked = false;
  std::future<Status> rollback;
  updater_ = std::make_unique<service::Updater>(
      config_,
      [&] {
        if (list_files() != before && !asked.exchange(true)) {
          rollback = std::async(std::launch::async, [this] {
            return updater_->running().roll_back(1, decision(), std::chrono::hours(1));
          });
          rollback.wait_for(std::chrono::seconds(1));
        }
        return now_;
      },
      stop_, [](std::uint64_t, const std::filesystem::path&) {});
  ASSERT_TRUE(updater_->recover());
  (void)updater_->pull();
  ASSERT_TRUE(asked);
  ASSERT_TRUE(rollback.get());
  EXPECT_EQ(updater_->running().current()->header().generation, 1U);
  ASSERT_TRUE(updater_->running().resume(decision()));
  (void)updater_->refresh_generation();
  EXPECT_EQ(entries(), 3U) << "of the release that no guard has let through";
  EXPECT_EQ(updater_->pull(), Outcome::held);
  EXPECT_EQ(entries(), 3U);
}

}  // namespace
}  // namespace sluice::test
