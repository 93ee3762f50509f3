// A repository that another implementation has signed. Its signatures, hashes and lists must be
// read; its category is outside the taxonomy, so its release must be refused for that alone.
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/compile/compile.h"
#include "control/compile/cpl.h"
#include "control/sync/client.h"
#include "control/sync/lists.h"
#include "tests/unit/control/repository.h"

namespace sluice {
namespace {

std::filesystem::path sample() {
  const char* shared = std::getenv("SLUICE_SHARED");
  return std::filesystem::absolute(shared != nullptr ? shared : SLUICE_SOURCE_DIR "/../shared") /
         "list-repository-sample/repo";
}

class Sample : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(sample() / "metadata/timestamp.json"))
        << "the sample repository is not at " << sample()
        << "; point SLUICE_SHARED at the folder that holds list-repository-sample";
  }

  Result<compile::Release> refresh() {
    auto fetcher = sync::Fetcher::create({.base_urls = {"file://" + sample().string() + "/"}});
    auto trust = sync::Trust::load(folder_.path() / "trust", sample() / "metadata/1.root.json");
    if (!fetcher) return fail(fetcher.error());
    if (!trust) return fail(trust.error());
    sync::Client client(*fetcher, *trust,
                        [] { return tuf::parse_time("2026-09-01T00:00:00Z").value(); });
    auto release = client.refresh();
    if (!release) return release;
    auto brought = sync::bring_lists(*fetcher, *release, nullptr, folder_.path());
    if (!brought) return fail(brought.error());
    return release;
  }

  test::Folder folder_;
};

TEST_F(Sample, SignaturesAndHashesVerify) {
  const auto release = refresh();
  ASSERT_TRUE(release) << release.error().text();
  EXPECT_EQ(release->timestamp_version, 9120U);
  EXPECT_EQ(release->snapshot_version, 310U);
  EXPECT_EQ(release->targets_version, 7U);
  ASSERT_EQ(release->lists.size(), 1U);
  EXPECT_EQ(release->lists[0].department, "gambling");
  EXPECT_EQ(release->lists[0].seq, 42U);
}

TEST_F(Sample, ListUnpacks) {
  const auto release = refresh();
  ASSERT_TRUE(release) << release.error().text();
  auto reader = compile::CplReader::open(release->lists[0], folder_.path(), 2);
  ASSERT_TRUE(reader) << reader.error().text();
  std::vector<std::string> names;
  compile::CplEntry entry;
  for (;;) {
    auto more = reader->next(entry);
    ASSERT_TRUE(more) << more.error().text();
    if (!*more) break;
    names.push_back(name::from_reversed_key(entry.name.view()));
  }
  EXPECT_THAT(names, ::testing::ElementsAre("jeux.casino-deux.example", "casino-un.example",
                                            "pari.exemple.test"));
}

TEST_F(Sample, ReleaseIsRefusedForItsCategory) {
  const auto release = refresh();
  ASSERT_TRUE(release) << release.error().text();
  const auto compiled = compile::compile({.release = &*release,
                                          .lists_dir = folder_.path(),
                                          .policy_json = "{}",
                                          .now = tuf::parse_time("2026-09-01T00:00:00Z").value(),
                                          .generation = 1,
                                          .output = folder_.path() / "1.lmdb"});
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().what, "the category 'gambling.unlicensed' is not in the taxonomy");
  EXPECT_EQ(compiled.error().where, "lists/gambling/orders.jsonl.zst:1");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "1.lmdb"));
}

}  // namespace
}  // namespace sluice
