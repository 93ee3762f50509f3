// Guards, expiry, policy changes, crashes between two steps.
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using service::View;

class Updating : public Appliance {
 protected:
  [[nodiscard]] static std::string names(unsigned count) {
    // Fixed width, so that they ascend.
    std::string out;
    for (unsigned i = 0; i < count; ++i) {
      out += "n" + std::to_string(100'000 + i) + ".example\ttree\t0\n";
    }
    return out;
  }

  void set_police(unsigned count, std::uint64_t seq) {
    List& list = repository_.lists["police"];
    list.names = names(count);
    list.seq = seq;
  }
};

TEST_F(Updating, UnchangedReleaseMakesNoGeneration) {
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::unchanged);
  EXPECT_EQ(current(), "0000000001.lmdb");
  EXPECT_EQ(updater_->view().release->snapshot_version, 2U);
}

TEST_F(Updating, SeveralDepartmentsAreMerged) {
  repository_.lists["press"] = {.orders = order_line("P-1", "games"),
                                .names = "casino.example\ttree\t0\nplay.example\tsubs\t0\n"};
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 3U);
  EXPECT_EQ(updater_->view().generation.records, 4U);
  const auto opened = generation::Generation::open(config_.generations_dir() / "current");
  ASSERT_TRUE(opened);
  name::LookupName name;
  ASSERT_EQ(name::from_text("www.casino.example", name), name::Defect::none);
  const auto covering = (*opened)->covering(name);
  ASSERT_EQ(covering.size(), 2U);
  const auto provenance = (*opened)->provenance(covering[0].record.provenance);
  ASSERT_TRUE(provenance);
  EXPECT_EQ(provenance->department, "police");
  EXPECT_EQ(provenance->order, "PSB-1");
  EXPECT_EQ(provenance->expires, "2027-01-01T00:00:00Z");
}

TEST_F(Updating, EmptyListNeverReplacesOne) {
  set_police(0, 2);
  repository_.lists["police"].override_json = {
      {"kind", "bulk-change"}, {"min_ratio", "0.0"}, {"order", "X"}, {"reason", "wipe"}};
  repository_.publish();
  expect_refused("the list of 2 entries would become empty", Outcome::held);
  expect_recovery();
}

TEST_F(Updating, VanishedListIsHeld) {
  repository_.lists.erase("police");
  repository_.publish();
  expect_refused("would become empty", Outcome::held);
  expect_recovery();
}

TEST_F(Updating, ShrinkingListIsHeldUnlessSigned) {
  set_police(2000, 2);
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  set_police(1599, 3);
  repository_.publish();
  expect_refused("from 2000 to 1599 entries, outside 0.8-1.5", Outcome::held);
  set_police(1800, 4);
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::published);
  set_police(400, 5);
  repository_.lists["police"].override_json = {
      {"kind", "bulk-change"}, {"min_ratio", "0.3"}, {"order", "X"}, {"reason", "purge"}};
  repository_.publish();
  expect_refused("from 1800 to 400", Outcome::held);
  repository_.lists["police"].override_json["min_ratio"] = "0.2";
  set_police(400, 6);
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 400U);
}

TEST_F(Updating, GrowingListIsHeldUnlessSigned) {
  set_police(1000, 2);
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  set_police(1501, 3);
  repository_.publish();
  expect_refused("from 1000 to 1501 entries", Outcome::held);
  repository_.lists["police"].override_json = {{"kind", "bulk-change"},
                                               {"min_ratio", 1},
                                               {"max_ratio", "2"},
                                               {"order", "X"},
                                               {"reason", "merger"}};
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::published);
}

TEST_F(Updating, FallingSequenceNumberIsRefused) {
  repository_.lists["police"].seq = 5;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  repository_.lists["police"].seq = 4;
  repository_.publish();
  expect_refused("sequence number falls from 5 to 4");
}

TEST_F(Updating, OrdersBeginAndEndByThemselves) {
  repository_.lists["police"] = {
      .orders = order_line("A", "gambling", "2026-01-01T00:00:00Z", "2026-06-10T00:00:00Z") +
                order_line("B", "fraud", "2026-06-05T00:00:00Z", "2027-01-01T00:00:00Z"),
      .names = "a.example\ttree\t0\nb.example\ttree\t1\n",
      .seq = 2};
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 1U);
  ASSERT_TRUE(updater_->view().next_change);
  EXPECT_EQ(tuf::to_text(*updater_->view().next_change), "2026-06-05T00:00:00Z");

  now_ = tuf::parse_time("2026-06-05T00:00:00Z").value();
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 2U);
  EXPECT_EQ(tuf::to_text(*updater_->view().next_change), "2026-06-10T00:00:00Z");

  now_ = tuf::parse_time("2026-06-10T00:00:00Z").value();
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 1U);
  const std::string before = current();
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(current(), before);
}

TEST_F(Updating, EmergencyListIsShortAndBrief) {
  std::string many;
  for (unsigned i = 100; i < 201; ++i) many += "e" + std::to_string(i) + ".example\ttree\t0\n";
  const std::string brief =
      order_line("E-1", "fraud", "2026-06-01T00:00:00Z", "2026-06-04T00:00:00Z");
  repository_.lists["emergency"] = {.orders = brief, .names = many};
  repository_.publish();
  expect_refused("the emergency list holds 101 entries; 100 are the most");
  repository_.lists["emergency"] = {
      .orders = order_line("E-1", "fraud", "2026-06-01T00:00:00Z", "2026-06-04T00:00:01Z"),
      .names = "e.example\ttree\t0\n"};
  repository_.publish();
  expect_refused("an emergency order lasts longer than 72 h");
  repository_.lists["emergency"].orders = brief;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  const auto opened = generation::Generation::open(config_.generations_dir() / "current");
  ASSERT_TRUE(opened);
  name::LookupName name;
  ASSERT_EQ(name::from_text("e.example", name), name::Defect::none);
  EXPECT_TRUE((*opened)->cursor()->find(name).emergency);
}

TEST_F(Updating, UrlEntriesAreSkipped) {
  repository_.lists["police"].names =
      "a.example\turl\t0\thttps://a.example/x\na.example\turl\t0\thttps://a.example/y\n"
      "b.example\ttree\t0\n";
  repository_.lists["police"].seq = 2;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Updating, PolicyChangeCompilesRetainedLists) {
  std::filesystem::remove_all(repository_.folder());
  config_.policy.policies[0].blocked = policy::bit(9);
  updater_->set_config(config_);
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(current(), "0000000002.lmdb");
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Updating, SchedulesAreWorkedOutAnewEachMonth) {
  config_.times.calendar.time_zone = "Asia/Shanghai";
  config_.times.schedules = {{"night", {{.days = {{}}, .from = 1320, .until = 360}}}};
  config_.policy.schedules = {{.name = "night"}};
  config_.policy.policies[0].hours = {{.schedule = 0, .categories = policy::bit(18)}};
  updater_->set_config(config_);
  ASSERT_TRUE(updater_->refresh_generation());
  ASSERT_EQ(current(), "0000000002.lmdb");
  const auto covers = [&](tuf::Time moment) {
    const auto set = policy::from_json(updater_->running().current()->policy_json());
    EXPECT_TRUE(set);
    return set && set->schedules_from <= moment.time_since_epoch().count() &&
           set->schedules_until > moment.time_since_epoch().count();
  };
  EXPECT_TRUE(covers(now_));
  EXPECT_TRUE(covers(now_ + std::chrono::days(365)));

  // Not before it is due, and not twice.
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(current(), "0000000002.lmdb");
  const auto due = updater_->view().next_policy;
  ASSERT_TRUE(due);
  EXPECT_GT(*due, now_);
  EXPECT_LE(*due, now_ + std::chrono::days(35));
  now_ = *due;
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(current(), "0000000003.lmdb");
  EXPECT_TRUE(covers(now_ + std::chrono::days(390)));
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(current(), "0000000003.lmdb");
}

TEST_F(Updating, DamagedRetainedListIsToldAndMended) {
  List& list = repository_.lists["police"];
  list.orders += order_line("B", "fraud", "2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z");
  list.names = "a.example\ttree\t0\nb.example\ttree\t1\n";
  list.seq = 2;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  for (const auto& entry : std::filesystem::directory_iterator(config_.state_dir / "lists")) {
    if (entry.path().extension() == ".zst") write_file(entry.path(), "damaged");
  }
  now_ = tuf::parse_time("2026-06-03T00:00:00Z").value();
  EXPECT_FALSE(updater_->refresh_generation());
  EXPECT_TRUE(updater_->view().build_error);
  EXPECT_EQ(entries(), 1U) << "an order ends all the same";
  EXPECT_EQ(current(), "0000000003.lmdb");
  EXPECT_FALSE(updater_->refresh_generation());
  EXPECT_EQ(current(), "0000000003.lmdb");
  EXPECT_EQ(updater_->pull(), Outcome::published);
  EXPECT_FALSE(updater_->view().build_error);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Updating, BadCurrentGenerationFallsBack) {
  repository_.lists["police"].seq = 2;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  ASSERT_EQ(current(), "0000000002.lmdb");
  std::filesystem::resize_file(config_.generations_dir() / current(), 5000);
  repository_.on_file = [](const std::string&, std::string& bytes) { bytes.clear(); };
  repository_.publish();
  restart();
  EXPECT_NE(current(), "0000000002.lmdb");
  const auto opened = generation::Generation::open(config_.generations_dir() / "current");
  EXPECT_TRUE(opened);
  EXPECT_EQ(entries(), 2U);
}

TEST_F(Updating, LeftoversOfACrashAreRemoved) {
  write_file(config_.generations_dir() / "0000000009.lmdb.tmp.123", "x");
  write_file(config_.state_dir / "lists/.abc.full.cpl.zst.part", "x");
  write_file(config_.state_dir / "trust/.root.json.tmp", "x");
  write_file(config_.state_dir / "lists" / (std::string(64, 'a') + ".full.cpl.zst"), "x");
  restart();
  EXPECT_FALSE(std::filesystem::exists(config_.generations_dir() / "0000000009.lmdb.tmp.123"));
  EXPECT_FALSE(std::filesystem::exists(config_.state_dir / "lists/.abc.full.cpl.zst.part"));
  EXPECT_FALSE(std::filesystem::exists(config_.state_dir / "trust/.root.json.tmp"));
  EXPECT_EQ(updater_->pull(), Outcome::unchanged);
}

// Cut after the release was recorded and before the link was switched.
TEST_F(Updating, CutBetweenReleaseAndLinkGoesForward) {
  repository_.lists["police"].names += "zz.test\ttree\t0\n";
  repository_.lists["police"].seq = 2;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  std::filesystem::remove(config_.generations_dir() / "current");
  std::filesystem::create_symlink("0000000001.lmdb", config_.generations_dir() / "current");
  restart();
  EXPECT_EQ(entries(), 3U);
  EXPECT_EQ(current(), "0000000003.lmdb");
}

TEST_F(Updating, OldGenerationsArePruned) {
  for (std::uint64_t seq = 2; seq < 10; ++seq) {
    repository_.lists["police"].seq = seq;
    repository_.publish();
    ASSERT_EQ(updater_->pull(), Outcome::published);
  }
  unsigned files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(config_.generations_dir())) {
    files += entry.path().extension() == ".lmdb" ? 1 : 0;
  }
  EXPECT_EQ(files, config_.keep_generations);
  EXPECT_EQ(current(), "0000000009.lmdb");
}

TEST_F(Updating, WithoutAuthorityThePolicyAloneIsCompiled) {
  Folder folder;
  config_.authority.reset();
  config_.state_dir = folder.path() / "state";
  restart();
  EXPECT_EQ(current(), "0000000001.lmdb");
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(updater_->pull(), Outcome::no_authority);
}

TEST_F(Updating, BeforeTheFirstListThereIsNoGeneration) {
  Folder folder;
  config_.state_dir = folder.path() / "state";
  std::filesystem::remove_all(repository_.folder() / "metadata/timestamp.json");
  restart();
  EXPECT_EQ(current(), "");
  EXPECT_EQ(updater_->pull(), Outcome::failed);
  EXPECT_EQ(current(), "");
}

}  // namespace
}  // namespace sluice::test
