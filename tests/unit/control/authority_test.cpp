// The authority's drafts and releases, as an appliance sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "config/name/name.h"
#include "control/compile/cpd_make.h"
#include "control/compile/orders.h"
#include "control/sync/client.h"
#include "control/sync/lists.h"
#include "tests/unit/control/repository.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/publish.h"
#include "tools/sluice-authority/published.h"

namespace sluice::authority {
namespace {

using ::testing::HasSubstr;

class Authority : public ::testing::Test {
 protected:
  void SetUp() override {
    workspace_.folder = folder_.path() / "authority";
    workspace_.clock = [this] { return now_; };
    const auto created = create_authority(workspace_, "", "");
    ASSERT_TRUE(created) << created.error().text();
  }

  Status add(const std::string& name, const std::string& category, bool emergency = false) {
    NameOptions options;
    options.order = {.order = "REF-1", .category = category};
    options.emergency = emergency;
    return add_command(workspace_, {name}, options);
  }

  Result<compile::Release> refresh() {
    auto fetcher = sync::Fetcher::create({.base_urls = {"file://" + workspace_.repo().string()}});
    auto trust = sync::Trust::load(folder_.path() / "trust", workspace_.folder / "root.json");
    if (!fetcher) return fail(fetcher.error());
    if (!trust) return fail(trust.error());
    sync::Client client(*fetcher, *trust, workspace_.clock);
    auto release = client.refresh();
    if (!release) return release;
    auto brought = sync::bring_lists(*fetcher, *release, nullptr, folder_.path());
    if (!brought) return fail(brought.error());
    return release;
  }

  void release() {
    ASSERT_TRUE(sign_command(workspace_, "", {}));
    const auto published = publish(workspace_);
    ASSERT_TRUE(published) << published.error().text();
  }

  /// How many files of a department's are in the repository whose names end so.
  unsigned payloads(const std::string& department, const std::string& end) const {
    unsigned out = 0;
    const auto folder = workspace_.repo() / "targets/lists" / department;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      out += entry.path().string().ends_with(end) ? 1 : 0;
    }
    return out;
  }

  test::Folder folder_;
  tuf::Time now_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
  Workspace workspace_;
};

TEST_F(Authority, StartsEmptyAndValid) {
  const auto release = refresh();
  ASSERT_TRUE(release) << release.error().text();
  EXPECT_TRUE(release->lists.empty());
}

TEST_F(Authority, NeverReplacesAnother) {
  const auto again = create_authority(workspace_, "", "");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().text(), HasSubstr("an authority is here already"));
}

TEST_F(Authority, KeysAreForTheirOwnerOnly) {
  for (const auto& entry : std::filesystem::directory_iterator(workspace_.keys())) {
    EXPECT_EQ(entry.status().permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

TEST_F(Authority, DraftsAreSortedByLabelsFromTheRight) {
  ASSERT_TRUE(add("b.test", "gambling"));
  ASSERT_TRUE(add("z.example", "fraud"));
  ASSERT_TRUE(add("a.z.example", "gambling"));
  EXPECT_EQ(test::read_file(workspace_.list("police") / "names.tsv"),
            "z.example\ttree\t1\na.z.example\ttree\t0\nb.test\ttree\t0\n");
}

TEST_F(Authority, CategoriesGoToTheirDepartments) {
  ASSERT_TRUE(add("bet.example", "gambling"));
  ASSERT_TRUE(add("play.example", "games"));
  ASSERT_TRUE(add("now.example", "fraud", true));
  release();
  const auto release = refresh();
  ASSERT_TRUE(release) << release.error().text();
  ASSERT_EQ(release->lists.size(), 3U);
  EXPECT_NE(release->find("police"), nullptr);
  EXPECT_NE(release->find("press"), nullptr);
  EXPECT_NE(release->find("emergency"), nullptr);
}

TEST_F(Authority, RefusesWhatAnApplianceWouldRefuse) {
  for (const char* name : {"example", "192.0.2.1", "a..example", "https://a.example/"}) {
    EXPECT_FALSE(add(name, "gambling")) << name;
  }
  const auto unknown = add("a.example", "gamblin");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().text(), HasSubstr("did you mean 'gambling'"));
  EXPECT_FALSE(add("a.example", "ads"));
  NameOptions options;
  options.order = {.order = "REF", .category = "gambling", .expires = "2030-01-01T00:00:00Z"};
  const auto long_one = add_command(workspace_, {"a.example"}, options);
  ASSERT_FALSE(long_one);
  EXPECT_THAT(long_one.error().text(), HasSubstr("longer than two years"));
}

TEST_F(Authority, SomeOrdersLastForAShortTime) {
  const auto term = [&](NameOptions options) -> Result<std::chrono::hours> {
    options.order.order = "REF-" + options.order.category + options.order.expires;
    if (auto status = add_command(workspace_, {"a.example"}, options); !status) {
      return fail(status.error());
    }
    const std::string department = options.emergency ? "emergency" : "cyberspace";
    const std::string text = test::read_file(workspace_.list(department) / "orders.jsonl");
    const auto last = text.rfind('\n', text.size() - 2);
    const std::size_t begin = last == std::string::npos ? 0 : last + 1;
    const auto order = compile::parse_order(text.substr(begin, text.size() - 1 - begin), "");
    if (!order) return fail(order.error());
    return std::chrono::duration_cast<std::chrono::hours>(order->expires - order->effective);
  };
  constexpr std::chrono::hours kDay{24};
  EXPECT_EQ(term({.order = {.category = "vulgar"}}).value(), 365 * kDay);
  EXPECT_EQ(term({.order = {.category = "popup"}}).value(), 30 * kDay);
  EXPECT_EQ(term({.order = {.category = "popup", .expires = "2026-08-30T00:00:00Z"}}).value(),
            90 * kDay);
  const auto longer = term({.order = {.category = "popup", .expires = "2026-08-30T00:00:01Z"}});
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().text(), HasSubstr("category popup lasts at most 2160 h"));
  EXPECT_EQ(term({.order = {.category = "popup"}, .emergency = true}).value(), 3 * kDay);
  EXPECT_FALSE(term(
      {.order = {.category = "vulgar", .expires = "2026-06-05T00:00:00Z"}, .emergency = true}));
}

TEST_F(Authority, NothingChangedNothingSigned) {
  ASSERT_TRUE(add("bet.example", "gambling"));
  release();
  const auto first = refresh();
  release();
  const auto second = refresh();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->lists[0].role_version, first->lists[0].role_version);
  EXPECT_EQ(second->timestamp_version, first->timestamp_version + 1);
}

TEST_F(Authority, BulkChangeIsSignedAndKeptByTheSecondOfficial) {
  ASSERT_TRUE(add("bet.example", "gambling"));
  StageOptions options;
  options.keys = {workspace_.keys() / "list-police-1.pem"};
  options.bulk_order = "X-1";
  options.bulk_reason = "purge";
  options.min_ratio = "0.25";
  ASSERT_TRUE(sign_command(workspace_, "police", options));
  StageOptions second;
  second.keys = {workspace_.keys() / "list-police-2.pem"};
  ASSERT_TRUE(sign_command(workspace_, "police", second));
  ASSERT_TRUE(publish(workspace_));
  const auto release = refresh();
  ASSERT_TRUE(release) << release.error().text();
  ASSERT_TRUE(release->lists[0].bulk_change);
  EXPECT_EQ(release->lists[0].bulk_change->min_ratio, 250'000U);
}

TEST_F(Authority, RenewedSignaturesLastLonger) {
  ASSERT_TRUE(add("bet.example", "gambling"));
  release();
  now_ += std::chrono::hours(24 * 60);
  ASSERT_TRUE(sign_command(workspace_, "police", {.renew = true}));
  ASSERT_TRUE(publish(workspace_));
  const auto published = load_published(workspace_);
  ASSERT_TRUE(published);
  EXPECT_EQ(tuf::to_text(published->lists.at("police").expires), "2026-10-29T00:00:00Z");
  EXPECT_EQ(published->list("police")->seq, 1U);
}

TEST_F(Authority, ThirtyStepsAndARollUpAreSigned) {
  // Random names, so that a full list is never the shorter way.
  std::mt19937 random(7);  // NOLINT: a fixed seed repeats a failure
  std::string names;
  for (unsigned i = 0; i < 300; ++i) names += "n" + std::to_string(random()) + ".example\n";
  test::write_file(folder_.path() / "names.txt", names);
  NameOptions options;
  options.order = {.order = "REF-1", .category = "gambling"};
  ASSERT_TRUE(import_command(workspace_, {folder_.path() / "names.txt"}, "auto", options));
  release();
  auto before = refresh();
  ASSERT_TRUE(before);
  for (unsigned seq = 2; seq <= 33; ++seq) {
    ASSERT_TRUE(add("extra" + std::to_string(seq) + ".example", "gambling"));
    if (seq > 20) {
      const auto gone =
          remove_command(workspace_, {"extra" + std::to_string(seq - 9) + ".example"}, "");
      ASSERT_TRUE(gone) << gone.error().text();
    }
    release();
    if (seq == 3) before = refresh();
  }
  const auto published = load_published(workspace_);
  ASSERT_TRUE(published);
  const auto list = published->list("police");
  EXPECT_EQ(list->deltas.size(), 31U);
  const auto way = compile::choose_deltas(before->lists[0], *list);
  ASSERT_EQ(way.size(), 1U) << "the roll-up is the shortest way";
  EXPECT_EQ(way[0].from, 3U);
  EXPECT_EQ(way[0].to, 33U);
  EXPECT_LT(std::filesystem::file_size(
                metadata_path(workspace_, published->lists.at("police").version, "list-police")),
            20'000U);
  // Of files no more than these, once the others were not named for a week.
  now_ += std::chrono::hours(7 * 24);
  ASSERT_TRUE(sign_command(workspace_, "emergency", {.renew = true}));
  release();
  EXPECT_EQ(payloads("police", ".cpd.zst"), 31U);
  // They lead where they say.
  auto fetcher = sync::Fetcher::create({.base_urls = {"file://" + workspace_.repo().string()}});
  auto now = refresh();
  ASSERT_TRUE(now);
  now->lists[0] = *list;
  const auto brought = sync::bring_lists(*fetcher, *now, &*before, folder_.path());
  ASSERT_TRUE(brought) << brought.error().text();
  ASSERT_EQ(brought->size(), 1U);
  EXPECT_EQ((*brought)[0].refused, "");
  EXPECT_EQ((*brought)[0].steps, 1U);
}

TEST_F(Authority, DeltasArePartOfWhatOfficialsSign) {
  ASSERT_TRUE(add("a.example", "gambling"));
  for (unsigned i = 0; i < 60; ++i)
    ASSERT_TRUE(add("n" + std::to_string(i * 7919) + ".test", "fraud"));
  release();
  ASSERT_TRUE(add("b.example", "gambling"));
  ASSERT_TRUE(
      sign_command(workspace_, "police", {.keys = {workspace_.keys() / "list-police-1.pem"}}));
  ASSERT_TRUE(
      sign_command(workspace_, "police", {.keys = {workspace_.keys() / "list-police-3.pem"}}));
  ASSERT_TRUE(publish(workspace_));
  auto published = load_published(workspace_);
  ASSERT_EQ(published->list("police")->deltas.size(), 1U);
  EXPECT_EQ(published->list("police")->deltas[0].added, 1U);
  ASSERT_TRUE(sign_command(workspace_, "police", {.renew = true}));
  ASSERT_TRUE(publish(workspace_));
  published = load_published(workspace_);
  EXPECT_EQ(published->list("police")->deltas.size(), 1U) << "renewing lost the delta";
  EXPECT_TRUE(refresh());
}

TEST_F(Authority, DraftsThatPeopleEditAreSortedAndChecked) {
  ASSERT_TRUE(add("a.example", "gambling"));
  const auto file = workspace_.list("police") / "names.tsv";
  test::write_file(file, "b.example\ttree\t0\na.example\ttree\t0\nb.example\texact\t0");
  const auto draft = load_draft(workspace_, "police");
  ASSERT_TRUE(draft) << draft.error().text();
  EXPECT_EQ(draft->names, "a.example\ttree\t0\nb.example\texact\t0\n");
  EXPECT_EQ(draft->entries, 2U);
  for (const char* line : {"B.example\ttree\t0\n", "b.example\ttree\t1\n", "b.example\turl\t0\tx\n",
                           "example\ttree\t0\n", "b.example\ttree\t00\n", "b.example\n"}) {
    test::write_file(file, std::string("a.example\ttree\t0\n") + line);
    const auto bad = load_draft(workspace_, "police");
    ASSERT_FALSE(bad) << line;
    EXPECT_THAT(bad.error().where, HasSubstr("names.tsv:2"));
  }
}

}  // namespace
}  // namespace sluice::authority
