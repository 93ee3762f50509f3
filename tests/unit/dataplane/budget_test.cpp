// Minutes that devices spend: counted by lcores, added up, used up, and kept.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "dataplane/budget/keeper.h"

namespace sluice::budget {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kMonday = 4 * kDay;  // 5 January 1970

policy::CategoryMask category(std::string_view name) {
  return policy::bit(policy::find_category(name)->id);
}

/// Three minutes of games a day and five a week; two of video a day.
policy::PolicySet make_set() {
  policy::PolicySet set;
  set.budgets = {{"games", category("games"), 3, 5, 1}, {"video", category("video"), 2, 0, 0}};
  for (int day = 0; day < 40; ++day) {
    set.budget_days.push_back(kMonday + day * kDay);
    if (day % 7 == 0) set.budget_weeks.push_back(kMonday + day * kDay);
  }
  set.time_zone = "UTC";
  return set;
}

constexpr std::uint32_t kGames = 1;
constexpr std::uint32_t kVideo = 2;

Device mac(std::uint8_t last) {
  policy::Client client{.mac = {2, 0, 0, 0, 0, last}};
  return Device::of(client, false);
}

class BudgetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    epoch_ = book_.set_policy(make_set());
    at(kMonday + 60);
  }
  void at(std::int64_t moment) {
    moment_ = moment;
    book_.begin_days(moment_);
  }
  [[nodiscard]] std::uint32_t minute() const { return static_cast<std::uint32_t>(moment_ / 60); }
  void spend(const Device& device, std::uint32_t budgets, Activity* of = nullptr) {
    (void)(of != nullptr ? *of : activity_)
        .mark(device, hash(device, 7), {minute(), epoch_, budgets});
  }
  void merge() { book_.merge(activity_, minute()); }
  std::uint32_t used_up(const Device& device) {
    if (auto now = book_.exhausted(minute())) exhausted_ = std::move(now);
    return exhausted_ ? exhausted_->of(device) : 0;
  }
  nlohmann::json of(const Device& device, const std::string& budget) {
    for (const auto& one : book_.to_json(moment_, &device)) {
      if (one["budget"] == budget) return one;
    }
    return {};
  }

  Book book_{7};
  Activity activity_;
  std::int64_t moment_ = 0;
  std::uint8_t epoch_ = 0;
  std::shared_ptr<const Exhausted> exhausted_;
};

TEST_F(BudgetTest, AMinuteCountsOnceWhateverGoesByAndHoweverManyLcoresSeeIt) {
  Activity other;
  for (int i = 0; i < 100; ++i) {
    spend(mac(1), kGames);
    spend(mac(1), kGames, &other);
    merge();
    book_.merge(other, minute());
  }
  EXPECT_EQ(of(mac(1), "games")["used_today"], 1);
  moment_ += 60;
  spend(mac(1), kGames | kVideo, &other);
  book_.merge(other, minute());
  merge();
  EXPECT_EQ(of(mac(1), "games")["used_today"], 2);
  EXPECT_EQ(of(mac(1), "video")["used_today"], 1);
  EXPECT_TRUE(of(mac(2), "games").is_null());
}

TEST_F(BudgetTest, IsUsedUpOnceItsLastMinuteIsOver) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(used_up(mac(1)), 0U);
    spend(mac(1), kGames);
    merge();
    EXPECT_EQ(used_up(mac(1)), 0U) << "the minute that goes on is still the device's";
    moment_ += 60;
  }
  EXPECT_EQ(used_up(mac(1)), kGames);
  EXPECT_EQ(used_up(mac(2)), 0U);
  const auto notices = book_.take_notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].state, State::warned);
  EXPECT_EQ(notices[1].state, State::exhausted);
  EXPECT_TRUE(book_.take_notices().empty());
}

TEST_F(BudgetTest, DaysAndWeeksBegin) {
  for (int i = 0; i < 3; ++i, moment_ += 60) {
    spend(mac(1), kGames);
    merge();
  }
  EXPECT_EQ(used_up(mac(1)), kGames);
  at(kMonday + kDay);
  EXPECT_EQ(used_up(mac(1)), 0U);
  for (int i = 0; i < 2; ++i, moment_ += 60) {
    spend(mac(1), kGames);
    merge();
  }
  EXPECT_EQ(of(mac(1), "games")["used_today"], 2);
  EXPECT_EQ(used_up(mac(1)), kGames) << "the week's";
  at(kMonday + 2 * kDay);
  EXPECT_EQ(used_up(mac(1)), kGames);
  at(kMonday + 7 * kDay);
  EXPECT_EQ(used_up(mac(1)), 0U);
  EXPECT_EQ(book_.accounts(), 0U);
}

TEST_F(BudgetTest, AClockThatIsSetBackBeginsNothingAnew) {
  at(kMonday + 3 * kDay);
  for (int i = 0; i < 3; ++i, moment_ += 60) {
    spend(mac(1), kGames);
    merge();
  }
  at(kMonday + 60);
  EXPECT_EQ(used_up(mac(1)), kGames);
  at(kMonday + 120);
  spend(mac(1), kVideo);
  merge();
  EXPECT_EQ(of(mac(1), "video")["used_today"], 1);
}

TEST_F(BudgetTest, APersonAddsAndResets) {
  for (int i = 0; i < 3; ++i, moment_ += 60) {
    spend(mac(1), kGames);
    merge();
  }
  ASSERT_EQ(used_up(mac(1)), kGames);
  EXPECT_TRUE(book_.add(mac(1), "games", 1));
  EXPECT_EQ(used_up(mac(1)), 0U);
  spend(mac(1), kGames);
  merge();
  moment_ += 60;
  EXPECT_EQ(used_up(mac(1)), kGames);
  EXPECT_TRUE(book_.reset(mac(1), "games"));
  merge();  // what was counted does not come back
  EXPECT_EQ(used_up(mac(1)), 0U);
  EXPECT_EQ(of(mac(1), "games")["used_this_week"], 0);
  EXPECT_FALSE(book_.reset(mac(9), ""));
  EXPECT_FALSE(book_.add(mac(1), "chess", 5));
  EXPECT_FALSE(book_.add(mac(1), "games", 0));
  EXPECT_FALSE(book_.add(mac(1), "games", 5000));
}

TEST_F(BudgetTest, AnotherNumberingOfBudgetsDoesNotMixThem) {
  spend(mac(1), kGames);
  merge();
  policy::PolicySet set = make_set();
  std::swap(set.budgets[0], set.budgets[1]);
  const std::uint8_t before = epoch_;
  epoch_ = book_.set_policy(set);
  EXPECT_NE(epoch_, before);
  EXPECT_EQ(book_.set_policy(set), epoch_);
  merge();  // of the numbering before
  EXPECT_TRUE(of(mac(1), "video").is_null());
  EXPECT_EQ(of(mac(1), "games")["used_today"], 1);
}

TEST_F(BudgetTest, AFullTableCountsWithTheOthers) {
  std::size_t without_room = 0;
  for (std::uint64_t i = 0; i < 2 * Activity::kDevices; ++i) {
    const Device device{{1, i + 1, 0}};
    if (!activity_.mark(device, hash(device, 7), {minute(), epoch_, kGames})) ++without_room;
  }
  EXPECT_GE(without_room, Activity::kDevices);
  merge();
  EXPECT_EQ(of(Device::others(), "games")["used_today"], 1);
  EXPECT_LE(book_.accounts(), Activity::kDevices + 1);
  // What was active long ago makes room.
  moment_ += 600;
  const Device late{{1, UINT64_MAX, 0}};
  EXPECT_TRUE(activity_.mark(late, hash(late, 7), {minute(), epoch_, kGames}));
}

TEST_F(BudgetTest, IsReadWhileItIsWritten) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (std::uint64_t i = 0; !stop; ++i) {
      const Device device{{1, i % 200'000 + 1, i % 200'000 + 1}};
      (void)activity_.mark(device, hash(device, 7),
                           {static_cast<std::uint32_t>(100 + i / 1000), epoch_, kGames});
    }
  });
  for (int i = 0; i < 50; ++i) {
    activity_.visit([](const Device& device, const auto& words) {
      if (device.kind() == Device::Kind::others) return;
      EXPECT_EQ(device.words[1], device.words[2]);
      for (const std::uint64_t word : words) EXPECT_LE(Minute::of(word).budgets, kGames);
    });
  }
  stop = true;
  writer.join();
}

TEST(BudgetDevice, IsWrittenAndRead) {
  policy::Client client{.mac = {2, 0, 0x5e, 0x10, 0, 1}, .has_ip = true};
  client.address = policy::parse_prefix("192.0.2.7/32").value().address;
  EXPECT_EQ(text(Device::of(client, false)), "02:00:5e:10:00:01");
  EXPECT_EQ(text(Device::of(client, true)), "192.0.2.7");
  client.outer_vlan = 20;
  client.inner_vlan = 7;
  EXPECT_EQ(text(Device::of(client, true)), "192.0.2.7@20.7");
  EXPECT_EQ(text(Device::of(client, false)), "02:00:5e:10:00:01");
  client.ipv6 = true;
  client.address = policy::parse_prefix("2001:db8::7/128").value().address;
  client.inner_vlan = 0;
  for (const bool by_address : {false, true}) {
    const Device device = Device::of(client, by_address);
    EXPECT_EQ(parse_device(text(device)).value(), device);
  }
  for (const char* bad :
       {"", "192.0.2.0/24", "192.0.2.7@", "192.0.2.7@x", "192.0.2.7@5000", "pc"}) {
    EXPECT_FALSE(parse_device(bad)) << bad;
  }
}

class KeeperTest : public BudgetTest {
 protected:
  void SetUp() override {
    BudgetTest::SetUp();
    folder_ = fs::temp_directory_path() / ("sluice-budget-" + std::to_string(getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] fs::path file() const { return folder_ / "state" / "budgets.json"; }
  fs::path folder_;
};

TEST_F(KeeperTest, MinutesOutliveTheProcess) {
  {
    Keeper keeper(file(), 7);
    epoch_ = keeper.book().set_policy(make_set());
    keeper.book().begin_days(moment_);
    spend(mac(1), kGames);
    keeper.book().merge(activity_, minute());
    (void)keeper.book().add(mac(1), "games", 4);
  }
  Keeper keeper(file(), 9);
  EXPECT_EQ(keeper.fault(), "");
  epoch_ = keeper.book().set_policy(make_set());
  keeper.book().begin_days(moment_);
  keeper.book().merge(activity_, minute());
  const Device device = mac(1);
  const auto spent = keeper.book().to_json(moment_, &device);
  ASSERT_EQ(spent.size(), 1U);
  EXPECT_EQ(spent[0]["used_today"], 1) << "a minute that goes on is not counted again";
  EXPECT_EQ(spent[0]["added_today"], 4);
  keeper.book().begin_days(kMonday + kDay);
  EXPECT_EQ(keeper.book().to_json(moment_, &device)[0]["used_today"], 0);
}

TEST_F(KeeperTest, ADamagedFileIsSetAsideAndTold) {
  fs::create_directories(file().parent_path());
  for (const char* text : {"", "{", "[]", R"({"format": 2, "devices": []})",
                           R"({"format": 1, "devices": [{"device": "x", "minutes": {}}]})",
                           R"({"format": 1, "devices": [7]})"}) {
    std::ofstream(file()) << text;
    const Keeper keeper(file(), 7);
    EXPECT_NE(keeper.fault().find("were lost"), std::string::npos) << text;
    EXPECT_TRUE(fs::exists(file().string() + ".damaged")) << text;
    EXPECT_EQ(keeper.book().accounts(), 0U);
  }
}

TEST_F(KeeperTest, WhereTheDiskIsFullCountingGoesOn) {
  Keeper keeper(file(), 7);
  epoch_ = keeper.book().set_policy(make_set());
  keeper.book().begin_days(moment_);
  spend(mac(1), kGames);
  keeper.book().merge(activity_, minute());
  // No file may have any octets: a write fails as on a full disk, for root too.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit full{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  keeper.keep(Keeper::Clock::now(), true);
  for (int i = 0; i < 500 && keeper.fault().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE(keeper.fault().find("not kept over a restart"), std::string::npos);
  EXPECT_EQ(keeper.book().accounts(), 1U);
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  keeper.keep(Keeper::Clock::now() + Keeper::kInterval);
  for (int i = 0; i < 500 && !keeper.fault().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(keeper.fault(), "");
  EXPECT_TRUE(fs::is_regular_file(file()));
}

}  // namespace
}  // namespace sluice::budget
