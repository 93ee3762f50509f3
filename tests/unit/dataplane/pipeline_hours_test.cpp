// What becomes of connections that are open when the hours of their category end.
#include "tests/unit/dataplane/pipeline_flow.h"

namespace sluice::pipeline {
namespace {

class PipelineHoursTest : public PipelineFlowTest {
 protected:
  static constexpr std::int64_t kDay = 500;
  static constexpr std::int64_t kNight = 1500;
  /// Gambling is blocked by night, and what is open then is cut.
  void use_hours() {
    policy::PolicySet set;
    policy::Policy& pupils = set.policies.emplace_back();
    pupils.name = set.default_policy = "pupils";
    pupils.hours = {{.schedule = 0,
                     .categories = policy::bit(policy::find_category("gambling")->id),
                     .cut = true}};
    set.schedules = {{.name = "night", .toggles = {(kDay + kNight) / 2}}};
    set.schedules_until = 2 * kNight;
    PipelineCase::use(set);
  }
};

TEST_F(PipelineHoursTest, WhereHoursEndAConnectionIsCutButNoResetIsAnswered) {
  use_hours();
  (void)snapshot_->set_time(kDay);
  EXPECT_EQ(tcp(request("www.example.com"), 1, 100, 0x18, 80), Fate::forward);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\n\r\n", 1), Fate::forward);
  (void)snapshot_->set_time(kNight);
  EXPECT_EQ(answer("more", 1), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
  EXPECT_EQ(answer("", 1, 0x14), Fate::forward);
  EXPECT_TRUE(pipeline_->emissions().empty());
}

TEST_F(PipelineHoursTest, WhatIsAllowedWhateverTheHoursIsNotCut) {
  use_hours();
  std::uint16_t port = 1;
  for (const char* name : {"www.allowed.example", "www.permitted.example"}) {
    for (const std::int64_t begun : {kDay, kNight}) {
      (void)snapshot_->set_time(begun);
      EXPECT_EQ(tcp(request(name), ++port, 100, 0x18, 80), Fate::forward);
      (void)snapshot_->set_time(kNight);
      EXPECT_EQ(answer("HTTP/1.1 200 OK\r\n\r\n", port), Fate::forward) << name << begun;
    }
  }
}

}  // namespace
}  // namespace sluice::pipeline
