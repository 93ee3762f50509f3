// The time below which no clock is believed.
#include "control/sync/time_floor.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class Floor : public ::testing::Test {
 protected:
  [[nodiscard]] sync::TimeFloor floor() const {
    return {folder_.path() / "floor.json", built_, [this] { return system_; }};
  }
  Folder folder_;
  tuf::Time built_ = tuf::parse_time("2026-01-01T00:00:00Z").value();
  tuf::Time system_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
};

TEST_F(Floor, AClockAboveItIsBelieved) {
  auto floor = this->floor();
  EXPECT_EQ(floor.now(), system_);
  ASSERT_TRUE(floor.raise(system_ + seconds(100), "timestamp 1"));
  system_ += hours(1);
  EXPECT_EQ(floor.now(), system_);
  EXPECT_EQ(floor.state().behind.count(), 0);
}

TEST_F(Floor, AClockBeforeTheBuildIsNot) {
  system_ = tuf::Time{};
  auto floor = this->floor();
  EXPECT_GE(floor.now(), built_);
  EXPECT_GE(floor.state().behind, built_ - system_);
  // What was signed tells how late it is, however much that is.
  ASSERT_TRUE(floor.raise(built_ + hours(5000), "timestamp 1"));
  EXPECT_GE(floor.now(), built_ + hours(5000));
}

TEST_F(Floor, IsKeptAndNeverFalls) {
  {
    auto floor = this->floor();
    ASSERT_TRUE(floor.raise(system_, "timestamp 7"));
    ASSERT_TRUE(floor.raise(system_ - hours(3), "timestamp 6"));
  }
  const tuf::Time seen = system_;
  system_ -= hours(24 * 30);
  auto floor = this->floor();
  EXPECT_GE(floor.now(), seen);
  EXPECT_LT(floor.now(), seen + hours(1));
  EXPECT_EQ(floor.state().source, "timestamp 7");
  EXPECT_GE(floor.state().behind, hours(24 * 30));
}

TEST_F(Floor, ASignersClockThatRunsAheadIsToldAndNotBelieved) {
  auto floor = this->floor();
  ASSERT_TRUE(floor.raise(system_ + hours(24 * 365), "timestamp 8"));
  EXPECT_EQ(floor.now(), system_);
  EXPECT_TRUE(floor.state().doubted);
  ASSERT_TRUE(floor.raise(system_, "timestamp 9"));
  EXPECT_FALSE(floor.state().doubted);
}

TEST_F(Floor, ADamagedFileIsKnownAgain) {
  write_file(folder_.path() / "floor.json", "{\"time\":\"20");
  auto floor = this->floor();
  EXPECT_EQ(floor.state().floor, built_);
  ASSERT_TRUE(floor.raise(system_, "timestamp 7"));
  EXPECT_EQ(this->floor().state().floor, system_);
}

class ClockBehind : public Appliance {
 protected:
  void SetUp() override {
    repository_.on_body = [this](const std::string& role, tuf::Json& body) {
      if (role == "timestamp") body["issued"] = tuf::to_text(repository_.now);
    };
    Appliance::SetUp();
  }
};

TEST_F(ClockBehind, SignaturesThatEndedStayEnded) {
  const std::string old = read_file(repository_.folder() / "metadata/timestamp.json");
  now_ += hours(80);
  expect_refused("expired");
  // Now somebody sets the clock back to when they had not.
  repository_.now = now_;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::unchanged);
  now_ -= hours(100);
  EXPECT_GE(updater_->time().now(), repository_.now);
  EXPECT_EQ(updater_->pull(), Outcome::unchanged);
  restart();
  EXPECT_GE(updater_->time().now(), repository_.now);
  EXPECT_GT(updater_->time().state().behind, hours(90));
  repository_.now -= hours(100);
  repository_.publish();
  expect_refused("expired");
}

TEST_F(ClockBehind, IssuedAfterItsEndIsRefused) {
  repository_.on_body = [](const std::string& role, tuf::Json& body) {
    if (role == "timestamp") body["issued"] = "2030-01-01T00:00:00Z";
  };
  repository_.publish();
  expect_refused("issued");
}

}  // namespace
}  // namespace sluice::test
