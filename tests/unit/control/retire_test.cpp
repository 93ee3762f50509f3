// What leaves the repository because no release names it any more, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "control/tuf/digest.h"
#include "tests/unit/control/repository.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/former.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/log_monitor.h"
#include "tools/sluice-authority/publish.h"
#include "tools/sluice-authority/published.h"

namespace sluice::authority {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr hours kDay{24};

class Retiring : public ::testing::Test {
 protected:
  void SetUp() override {
    workspace_.folder = folder_.path() / "authority";
    workspace_.clock = [this] { return now_; };
    ASSERT_TRUE(create_authority(workspace_, "", ""));
    release("one.example");
    release("two.example");
  }

  void release(const std::string& name) {
    NameOptions options;
    options.order = {.order = "REF-1", .category = "gambling"};
    ASSERT_TRUE(add_command(workspace_, {name}, options));
    ASSERT_TRUE(sign_command(workspace_, "", {}));
    ASSERT_TRUE(publish(workspace_));
  }

  Retired publish_again(hours keep = {}) {
    const auto published = publish(workspace_, keep);
    EXPECT_TRUE(published) << published.error().text();
    EXPECT_FALSE(published->not_retired) << published->not_retired->text();
    return published ? published->retired : Retired{};
  }

  [[nodiscard]] unsigned lists(const fs::path& below) const {
    unsigned out = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(below / "targets/lists/police", ignored)) {
      out += entry.path().string().ends_with(".full.cpl.zst") ? 1 : 0;
    }
    return out;
  }

  test::Folder folder_;
  tuf::Time now_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
  Workspace workspace_;
};

TEST_F(Retiring, AListStaysForAWeekAfterItWasReplaced) {
  now_ += 6 * kDay;
  EXPECT_EQ(publish_again().files, 0U);
  EXPECT_EQ(lists(workspace_.repo()), 2U);
  now_ += kDay;
  const Retired gone = publish_again();
  EXPECT_EQ(gone.files, 1U);
  EXPECT_GT(gone.octets, 0U);
  EXPECT_EQ(lists(workspace_.repo()), 1U);
  EXPECT_EQ(lists(workspace_.folder / "retired"), 1U);
  // The log's auditors read these.
  EXPECT_TRUE(fs::exists(metadata_path(workspace_, 2, "list-police")));
  EXPECT_TRUE(fs::exists(metadata_path(workspace_, 2, "snapshot")));
}

TEST_F(Retiring, LongerWhereSignaturesLastLongerOrSomebodySaysSo) {
  workspace_.expiry.timestamp = hours(1080);
  EXPECT_EQ(retire_after(workspace_), hours(1104));
  workspace_.expiry.snapshot = 60 * kDay;
  EXPECT_EQ(retire_after(workspace_), 60 * kDay);
  workspace_.expiry = {};
  now_ += 30 * kDay;
  EXPECT_EQ(publish_again(31 * kDay).files, 0U);
  now_ += kDay;
  EXPECT_EQ(publish_again(31 * kDay).files, 1U);
}

TEST_F(Retiring, WhatIsNamedAgainStays) {
  now_ += 6 * kDay;
  ASSERT_TRUE(remove_command(workspace_, {"two.example"}, ""));
  ASSERT_TRUE(sign_command(workspace_, "", {}));
  EXPECT_EQ(publish_again().files, 0U);
  now_ += kDay;
  // List 3 says another number than list 1, so it is another file; the orders are the same one.
  EXPECT_EQ(publish_again().files, 1U);
  const auto published = load_published(workspace_);
  ASSERT_TRUE(published);
  for (const std::string& path : payload_paths(*published)) {
    EXPECT_TRUE(fs::exists(workspace_.repo() / path)) << path;
  }
}

TEST_F(Retiring, AClockThatRanAheadOrALostRecordOnlyMakesItLater) {
  now_ += kDay;
  fs::remove(workspace_.folder / "retiring.json");
  EXPECT_EQ(publish_again().waiting, 1U);
  now_ += 6 * kDay;
  EXPECT_EQ(publish_again().files, 0U);
  test::write_file(workspace_.folder / "retiring.json", "{\"a\": 3, ");
  EXPECT_EQ(publish_again().waiting, 1U);
  now_ -= 60 * kDay;
  EXPECT_EQ(publish_again().waiting, 1U);
  now_ += 7 * kDay;
  EXPECT_EQ(publish_again().files, 1U);
}

TEST_F(Retiring, AReleaseThatWaitsForWitnessesKeepsItsOwnAndTheAnnouncedOne) {
  // A snapshot that was made, and that no timestamp leads to yet.
  const auto published = load_published(workspace_);
  ASSERT_TRUE(published);
  const auto head = read_log(workspace_);
  ASSERT_TRUE(head && *head);
  NameOptions options;
  options.order = {.order = "REF-1", .category = "gambling"};
  ASSERT_TRUE(add_command(workspace_, {"three.example"}, options));
  ASSERT_TRUE(sign_command(workspace_, "", {}));
  const std::string timestamp = test::read_file(workspace_.metadata() / "timestamp.json");
  ASSERT_TRUE(publish(workspace_));
  test::write_file(workspace_.metadata() / "timestamp.json", timestamp);
  now_ += 30 * kDay;
  ASSERT_TRUE(retire_unused(workspace_, {}));
  now_ += 30 * kDay;
  ASSERT_TRUE(retire_unused(workspace_, {}));
  EXPECT_EQ(lists(workspace_.repo()), 2U);
  EXPECT_EQ(lists(workspace_.folder / "retired"), 1U);
}

TEST_F(Retiring, AFormerListIsWithdrawnToAllTheSame) {
  now_ += 6 * kDay;
  release("three.example");
  now_ += 9 * kDay;
  EXPECT_EQ(publish_again().files, 2U);
  const auto published = load_published(workspace_);
  ASSERT_TRUE(published);
  const auto former = load_former(workspace_, *published, "police", 1);
  ASSERT_TRUE(former) << former.error().text();
  EXPECT_THAT(former->draft.names, HasSubstr("one.example"));
  EXPECT_THAT(former->draft.names, Not(HasSubstr("two.example")));
}

TEST_F(Retiring, AMonitorAlarmsWhereAListIsGoneTooEarly) {
  const auto tell = [&](std::uint64_t version) {
    auto source = LogSource::open(workspace_.repo().string(), {});
    const auto snapshot = test::read_file(metadata_path(workspace_, version, "snapshot"));
    std::ostringstream out;
    const test::Folder fetched;
    ReleaseReport report(*source, fetched.path(), 10, now_, out);
    const auto status = report.tell({version - 1, {version, tuf::sha256(snapshot)}});
    return out.str() + (status ? "" : "ALARM " + status.error().text());
  };
  EXPECT_THAT(tell(2), HasSubstr("+one.example"));
  fs::rename(workspace_.repo() / "targets", workspace_.folder / "away");
  EXPECT_THAT(tell(2), HasSubstr("ALARM"));
  now_ += 7 * kDay;
  const std::string told = tell(2);
  EXPECT_THAT(told, Not(HasSubstr("ALARM")));
  EXPECT_THAT(told, HasSubstr("list 1, 1 entries; its changes cannot be told any more"));
}

}  // namespace
}  // namespace sluice::authority
