// Minutes that are spent, and what becomes of a device that has none left.
#include "tests/unit/dataplane/pipeline_modes.h"

namespace sluice::pipeline {
namespace {

/// Minutes of gambling; `used_up`: whether the client has none left.
class PipelineBudgetTest : public PipelineModesTest {
 protected:
  void SetUp() override { use_budget(100, false); }
  void use_budget(std::uint32_t minute, bool used_up, bool by_address = false,
                  bool other_mode = false) {
    policy::PolicySet set;
    set.budgets = {{"bets", policy::bit(policy::find_category("gambling")->id), 5}};
    set.policies = {{.name = "pupils", .budgets = 1}};
    set.default_policy = "pupils";
    set.devices_by_address = by_address;
    if (other_mode) {
      set.policies.push_back({.name = "lesson", .only = policy::Only{}});
      set.groups = {{.name = "others", .policy = "lesson", .vlans = {{9, 0}}}};
    }
    PipelineCase::use(set);
    policy::Client client{.mac = {2, 0, 0, 0, 0, 2}, .has_ip = true, .address = {192, 0, 2, 2}};
    device_ = budget::Device::of(client, by_address);
    budget::Exhausted::Devices devices;
    if (used_up) devices.emplace_back(device_, 1U);
    snapshot_->set_budgets({minute, 1, std::make_shared<const budget::Exhausted>(devices, 7)});
    (void)snapshot_->set_time(0);
  }
  /// The minutes that the lcore has seen the client spend, newest first.
  [[nodiscard]] std::vector<std::uint32_t> minutes() const {
    std::vector<std::uint32_t> out;
    pipeline_->activity().visit([&](const budget::Device& device, const auto& words) {
      for (const std::uint64_t word : words) {
        if (device == device_ && word != 0) out.push_back(budget::Minute::of(word).number);
      }
    });
    std::sort(out.rbegin(), out.rend());
    return out;
  }
  budget::Device device_;
};

using Minutes = std::vector<std::uint32_t>;

TEST_F(PipelineBudgetTest, QuestionsAndConnectionsSpendMinutes) {
  EXPECT_EQ(ask("www.elsewhere.net"), Fate::forward);
  EXPECT_EQ(ask("www.permitted.example"), Fate::forward);  // protected: free
  EXPECT_EQ(minutes(), Minutes{});
  EXPECT_EQ(ask("www.bets.example"), Fate::forward);
  EXPECT_EQ(minutes(), Minutes{100});
  EXPECT_EQ(hello("www.bets.example", 1), Fate::forward);
  use_budget(101, false);
  EXPECT_EQ(tcp_answer("kept alive", 1), Fate::forward);
  EXPECT_EQ(minutes(), Minutes{100});
  EXPECT_EQ(tcp_answer(std::string(budget::kLeastOctets + 1, 'x'), 1), Fate::forward);
  EXPECT_EQ(minutes(), (Minutes{101, 100}));
  EXPECT_EQ(tcp_answer(std::string(500, 'x'), 2), Fate::forward);  // another connection
  use_budget(102, false);
  EXPECT_EQ(tcp(Bytes(500, 7), 1, 0x18, 9000), Fate::forward);
  EXPECT_EQ(minutes(), (Minutes{102, 101}));
}

TEST_F(PipelineBudgetTest, WhatIsUsedUpIsRefusedAndOpenConnectionsEnd) {
  EXPECT_EQ(hello("www.bets.example", 1), Fate::forward);
  use_budget(101, true);
  EXPECT_EQ(ask("www.bets.example"), Fate::reply);
  EXPECT_EQ(verdict().reason, policy::Reason::budget);
  EXPECT_EQ(hello("www.bets.example", 2), Fate::drop);
  EXPECT_EQ(ask("www.elsewhere.net"), Fate::forward);
  EXPECT_EQ(ask("www.allowed.example"), Fate::forward);  // by the site
  EXPECT_EQ(tcp_answer("x", 1), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
  EXPECT_EQ(minutes(), Minutes{100});
  Bytes other = test::frame(test::dns_query("www.bets.example"));
  other[11] ^= 1;
  EXPECT_EQ(run(other), Fate::forward);
}

// Of a name in two categories, that one is told whose minutes are over.
TEST_F(PipelineBudgetTest, TheCategoryIsThatOfTheBudgetWhichIsUsedUp) {
  const auto id = [](const char* name) { return policy::find_category(name)->id; };
  policy::PolicySet set;
  set.budgets = {{"bets", policy::bit(id("gambling")), 5}, {"clips", policy::bit(id("video")), 5}};
  set.policies = {{.name = "pupils", .budgets = 3}};
  set.default_policy = "pupils";
  PipelineCase::use(set);
  for (const auto& [used_up, category] :
       {std::pair{1U, "gambling"}, {2U, "video"}, {3U, "gambling"}}) {
    const budget::Exhausted::Devices devices = {{device_, used_up}};
    snapshot_->set_budgets({100, 1, std::make_shared<const budget::Exhausted>(devices, 7)});
    (void)snapshot_->set_time(0);
    EXPECT_EQ(ask("www.example.com"), Fate::reply);
    EXPECT_EQ(verdict().reason, policy::Reason::budget);
    EXPECT_EQ(verdict().category, id(category)) << used_up;
  }
}

TEST_F(PipelineBudgetTest, MinutesAreSpentWhileAnotherGroupHasAMode) {
  use_budget(100, false, false, true);
  EXPECT_EQ(ask("www.bets.example"), Fate::forward);
  EXPECT_EQ(hello("www.bets.example", 1), Fate::forward);
  EXPECT_EQ(minutes(), Minutes{100});
  use_budget(101, true, false, true);
  EXPECT_EQ(ask("www.bets.example"), Fate::reply);
  EXPECT_EQ(tcp_answer("x", 1), Fate::drop);
}

TEST_F(PipelineBudgetTest, DevicesBehindARouterAreToldApartByTheirAddresses) {
  use_budget(100, true, true);
  EXPECT_EQ(ask("www.bets.example"), Fate::reply);
  EXPECT_EQ(run(test::frame(test::dns_query("www.bets.example"), {.last_source_octet = 3})),
            Fate::forward);
}

}  // namespace
}  // namespace sluice::pipeline
