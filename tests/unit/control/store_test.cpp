// The folder of generations where some are overlays of others.
#include "control/publish/store.h"

#include <fstream>
#include <gtest/gtest.h>

#include "config/generation/delta_writer.h"
#include "control/compile/changes.h"
#include "tests/unit/control/repository.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using generation::Generation;

class Overlays : public ::testing::Test {
 protected:
  void whole(std::uint64_t number) {
    write_file(folder_.path() / "names.txt", "a.example\nb.example\n");
    const fs::path files[] = {folder_.path() / "names.txt"};
    ASSERT_TRUE(compile::compile_plain_lists(files, "gambling", store_.path_of(number),
                                             {.generation = number}));
  }

  void overlay(std::uint64_t from, std::uint64_t number) {
    write_file(folder_.path() / "changes.txt", "+n" + std::to_string(number) + ".example\n");
    const auto compiled = compile::compile_changes(*Generation::open(store_.path_of(from)),
                                                   folder_.path() / "changes.txt", "gambling",
                                                   store_.path_of(number), {.generation = number});
    ASSERT_TRUE(compiled) << compiled.error().text();
    ASSERT_TRUE(compiled->summary.is_overlay);
  }

  [[nodiscard]] std::vector<std::uint64_t> there() const {
    std::vector<std::uint64_t> out;
    for (std::uint64_t number = 1; number < 20; ++number) {
      if (fs::exists(store_.path_of(number))) out.push_back(number);
    }
    return out;
  }

  void damage(std::uint64_t number) const {
    fs::resize_file(store_.path_of(number), fs::file_size(store_.path_of(number)) - 1);
  }

  Folder folder_;
  publish::Store store_{folder_.path(), 2};
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(Overlays, AFileOfANumberWithNoneAfterItIsNoGeneration) {
  whole(1);
  write_file(folder_.path() / "9999999999999999999.lmdb", "");
  EXPECT_EQ(store_.numbers(), Numbers{1});
  EXPECT_EQ(store_.next_number(), 2U);
}

TEST_F(Overlays, TheBaseOfAKeptOneIsNotPruned) {
  whole(1);
  ASSERT_TRUE(store_.activate(1));
  for (std::uint64_t number = 2; number <= 5; ++number) {
    overlay(number - 1, number);
    ASSERT_TRUE(store_.activate(number));
  }
  EXPECT_EQ(there(), (Numbers{1, 4, 5}));
  EXPECT_EQ((*Generation::open(store_.current_link()))->header().entries, 6U);
  // A whole one again: the base goes with the last overlay that needs it.
  whole(6);
  ASSERT_TRUE(store_.activate(6));
  EXPECT_EQ(there(), (Numbers{1, 5, 6}));
  whole(7);
  ASSERT_TRUE(store_.activate(7));
  EXPECT_EQ(there(), (Numbers{6, 7}));
}

TEST_F(Overlays, NothingIsPrunedWhereABaseIsNotKnown) {
  whole(1);
  overlay(1, 2);
  whole(3);
  damage(2);
  ASSERT_TRUE(store_.activate(3));
  EXPECT_EQ(there(), (Numbers{1, 2, 3}));
  whole(4);
  ASSERT_TRUE(store_.activate(4));
  EXPECT_EQ(there(), (Numbers{3, 4}));
}

TEST_F(Overlays, ADamagedOneGivesWayToTheOneBefore) {
  whole(1);
  overlay(1, 2);
  overlay(2, 3);
  ASSERT_TRUE(store_.activate(3));
  damage(3);
  const auto recovered = store_.recover();
  ASSERT_TRUE(recovered);
  ASSERT_NE(recovered->current, nullptr);
  EXPECT_EQ(recovered->current->header().generation, 2U);
  EXPECT_EQ(recovered->current->header().entries, 3U);
}

TEST_F(Overlays, WithoutTheirBaseThereIsNone) {
  whole(1);
  overlay(1, 2);
  ASSERT_TRUE(store_.activate(2));
  damage(1);
  const auto recovered = store_.recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->current, nullptr);
  EXPECT_FALSE(store_.activate(2));
}

TEST_F(Overlays, ABaseThatIsOpenIsNotReadAgain) {
  whole(1);
  overlay(1, 2);
  const auto first = *Generation::open(store_.path_of(1));
  const auto second = store_.activate(2, first);
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->base(), first);
  // Another of the same number is another base.
  fs::remove(store_.path_of(1));
  write_file(folder_.path() / "names.txt", "c.example\n");
  const fs::path files[] = {folder_.path() / "names.txt"};
  ASSERT_TRUE(compile::compile_plain_lists(files, "gambling", store_.path_of(1)));
  EXPECT_TRUE(Generation::open(store_.path_of(2), first));
  const auto refused = Generation::open(store_.path_of(2));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("holds other content"), std::string::npos);
}

TEST_F(Overlays, CarryPolicyAndProvenanceOfTheirOwn) {
  whole(1);
  const auto base = *Generation::open(store_.path_of(1));
  auto writer = generation::DeltaWriter::create(base);
  ASSERT_TRUE(writer);
  const auto known = writer->add_provenance({.department = "site", .list = "site"});
  const auto fresh = writer->add_provenance({.department = "police", .order = "PSB-9"});
  EXPECT_EQ(*known, 0U);
  EXPECT_EQ(*fresh, 1U);
  const std::vector<generation::Record> records = {{.provenance = *fresh, .category = 8}};
  ASSERT_TRUE(writer->change("example.z.", records));
  EXPECT_FALSE(writer->change("example.y.", records));
  writer->set_policy(R"({"a":1})");
  writer->set_sources(R"({"b":2})");
  EXPECT_FALSE(writer->finish(store_.path_of(1), 2, "t"));  // its own base
  const auto summary = writer->finish(store_.path_of(2), 2, "t");
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->is_overlay);
  EXPECT_EQ(summary->changed, 1U);
  const auto opened = *Generation::open(store_.path_of(2));
  EXPECT_EQ(opened->policy_json(), R"({"a":1})");
  EXPECT_EQ(opened->sources_json(), R"({"b":2})");
  EXPECT_EQ(opened->provenance(0)->department, "site");
  EXPECT_EQ(opened->provenance(1)->order, "PSB-9");
  EXPECT_FALSE(opened->provenance(2));
  EXPECT_EQ(opened->header().content_digest, summary->content_digest);
  EXPECT_NE(opened->header().content_digest, base->header().content_digest);
}

TEST_F(Overlays, StayBesideTheirBase) {
  whole(1);
  write_file(folder_.path() / "changes.txt", "+c.example\n-a.example\n");
  fs::create_directory(folder_.path() / "other");
  const auto compiled =
      compile::compile_changes(*Generation::open(store_.path_of(1)), folder_.path() / "changes.txt",
                               "gambling", folder_.path() / "other" / "2.lmdb", {.generation = 2});
  ASSERT_TRUE(compiled);
  EXPECT_FALSE(compiled->summary.is_overlay);
  EXPECT_EQ(compiled->added, 1U);
  EXPECT_EQ(compiled->removed, 1U);
  const auto opened = Generation::open(folder_.path() / "other" / "2.lmdb");
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->header().entries, 2U);
  EXPECT_TRUE((*opened)->verify_content());
}

TEST_F(Overlays, RefuseWhatTheBaseContradicts) {
  whole(1);
  for (const char* changes :
       {"+a.example\n", "-c.example\n", "+c.example\n+c.example\n", "-a.example\n-a.example\n",
        "c.example\n", "+\n", "+com\n", "+https://c.example/\n", "+10.0.0.1\n"}) {
    write_file(folder_.path() / "changes.txt", changes);
    const auto compiled = compile::compile_changes(*Generation::open(store_.path_of(1)),
                                                   folder_.path() / "changes.txt", "gambling",
                                                   store_.path_of(2), {.generation = 2});
    EXPECT_FALSE(compiled) << changes;
    const std::string where = compiled ? "" : compiled.error().where;
    EXPECT_NE(where.find("changes.txt:"), std::string::npos) << where;
    EXPECT_FALSE(fs::exists(store_.path_of(2)));
  }
  // Another category's entry of the same name is another's.
  write_file(folder_.path() / "changes.txt", "-a.example\n");
  EXPECT_FALSE(compile::compile_changes(*Generation::open(store_.path_of(1)),
                                        folder_.path() / "changes.txt", "fraud",
                                        store_.path_of(2)));
  // Off and on again is no change, but may be one of scope.
  write_file(folder_.path() / "changes.txt", "-a.example # for\n\n+a.example\n");
  const auto again = compile::compile_changes(
      *Generation::open(store_.path_of(1)), folder_.path() / "changes.txt", "gambling",
      store_.path_of(2), {.scope = generation::Scope::exact, .generation = 2});
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->summary.changed, 1U);
  EXPECT_EQ(again->summary.entries, 2U);
}

}  // namespace
}  // namespace sluice::test
