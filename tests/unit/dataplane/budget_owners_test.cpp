// Budgets of other owners than the site: nobody gives more of them but who set them.
#include <gtest/gtest.h>

#include "dataplane/budget/book.h"

namespace sluice::budget {
namespace {

class BudgetOwners : public ::testing::Test {
 protected:
  void SetUp() override {
    policy::PolicySet set;
    const policy::CategoryMask games = policy::bit(policy::find_category("games")->id);
    set.budgets = {{"games", games, 2, 0, 1},
                   {"signed/province/games", games, 2, 0, 1},
                   {"layer/parents/games", games, 2, 0, 1}};
    set.layers = {{"signed/province", "Education Department", true, {}},
                  {"layer/parents", "Parents' council", true, {}}};
    epoch_ = book_.set_policy(set);
    for (minute_ = 100; minute_ < 102; ++minute_) {
      ASSERT_TRUE(activity_.mark(device_, hash(device_, 7), {minute_, epoch_, 0b111}));
      book_.merge(activity_, minute_);
    }
  }
  std::uint32_t used_up() {
    if (auto now = book_.exhausted(minute_)) exhausted_ = std::move(now);
    return exhausted_ ? exhausted_->of(device_) : 0;
  }

  const Device device_ = Device::of({.mac = {2, 0, 0, 0, 0, 1}}, false);
  Book book_{7};
  Activity activity_;
  std::uint32_t minute_ = 0;
  std::uint8_t epoch_ = 0;
  std::shared_ptr<const Exhausted> exhausted_;
};

TEST_F(BudgetOwners, TheSiteAddsNothingToOthersBudgets) {
  ASSERT_EQ(used_up(), 0b111U);
  const auto done = book_.add(device_, "signed/province/games", 30);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("is a budget of Education Department"), std::string::npos)
      << done.error().text();
  EXPECT_FALSE(book_.add(device_, "layer/parents/games", 30));
  EXPECT_TRUE(book_.add(device_, "games", 30));
  EXPECT_EQ(used_up(), 0b110U);
}

TEST_F(BudgetOwners, TheSiteResetsItsOwnAlone) {
  EXPECT_FALSE(book_.reset(device_, "signed/province/games"));
  EXPECT_FALSE(book_.reset(device_, "layer/parents/games"));
  ASSERT_EQ(used_up(), 0b111U);
  const auto done = book_.reset(device_, "");
  ASSERT_TRUE(done);
  EXPECT_NE(done->find("layer/parents/games, signed/province/games"), std::string::npos) << *done;
  EXPECT_EQ(used_up(), 0b110U);
}

// As one of an earlier program that let anybody add: it counts no more than what its owner gives.
TEST_F(BudgetOwners, WhatWasAddedToOthersBudgetsOnceDoesNotCount) {
  nlohmann::json saved = nlohmann::json::parse(book_.save());
  for (auto& minutes : saved["devices"][0]["minutes"]) minutes[2] = 90;
  ASSERT_TRUE(book_.load(saved.dump()));
  EXPECT_EQ(used_up(), 0b110U);
}

}  // namespace
}  // namespace sluice::budget
