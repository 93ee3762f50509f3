#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "config/generation/codec.h"
#include "config/generation/reader.h"
#include "config/generation/writer.h"

namespace sluice::generation {
namespace {

namespace fs = std::filesystem;

class GenerationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() /
           ("sluice-generation-" + std::to_string(getpid()) + "-" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  using Entries = std::map<std::string, std::vector<Record>>;  // by canonical name

  fs::path write(const Entries& entries, std::uint64_t number = 7) {
    const fs::path path = dir_ / (std::to_string(number) + ".lmdb");
    auto writer = Writer::create(path);
    EXPECT_TRUE(writer) << writer.error().text();
    std::map<std::string, std::vector<Record>> by_key;
    for (const auto& [name, records] : entries) by_key[name::reversed_key(name)] = records;
    for (const auto& [key, records] : by_key) EXPECT_TRUE(writer->append(key, records));
    EXPECT_TRUE(writer->set_policy("{}"));
    const auto summary = writer->finish(number, "2026-01-01T00:00:00Z");
    EXPECT_TRUE(summary) << summary.error().text();
    return path;
  }

  static name::LookupName lookup(std::string_view text) {
    name::LookupName name;
    EXPECT_EQ(name::from_text(text, name), name::Defect::none);
    return name;
  }

  static int mappings_of(std::string_view file) {
    std::ifstream maps("/proc/self/maps");
    int count = 0;
    for (std::string line; std::getline(maps, line);) {
      count += line.find(file) != std::string::npos ? 1 : 0;
    }
    return count;
  }

  fs::path dir_;
};

constexpr std::uint8_t kGames = 18;
constexpr std::uint8_t kVideo = 21;

TEST_F(GenerationTest, AnswersByTheMostSpecificName) {
  const auto path = write({
      {"example.com", {{0, kGames}}},
      {"only.example.com", {{0, kVideo, Scope::exact}}},
      {"subs.example.net", {{0, kGames, Scope::subs}}},
      {"exact.example.net", {{0, kGames, Scope::exact}}},
      {"allowed.example.com", {{0, 0, Scope::tree, Disposition::allow, Layer::site}}},
      {"back.allowed.example.com", {{0, kVideo, Scope::tree, Disposition::block, Layer::site}}},
      {"loose.example.com", {{0, kGames, Scope::tree, Disposition::allow, Layer::authority}}},
      {"gov.example.com", {{0, 0, Scope::tree, Disposition::protect}}},
      {"now.example.org", {{0, kGames, Scope::tree, Disposition::block, Layer::emergency}}},
  });
  const auto generation = Generation::open(path);
  ASSERT_TRUE(generation) << generation.error().text();
  EXPECT_EQ((*generation)->header().generation, 7U);
  EXPECT_EQ((*generation)->header().entries, 9U);
  EXPECT_TRUE((*generation)->verify_content());
  auto cursor = (*generation)->cursor();
  ASSERT_TRUE(cursor);
  const auto find = [&](std::string_view name) { return cursor->find(lookup(name)); };
  const auto games = policy::bit(kGames);
  const auto video = policy::bit(kVideo);

  EXPECT_EQ(find("example.com").categories, games);
  EXPECT_EQ(find("www.example.com").categories, games);
  EXPECT_EQ(find("www.example.com").matched_labels, 2);
  EXPECT_EQ(find("notexample.com").categories, 0U);
  EXPECT_EQ(find("example-shop.com").categories, 0U);
  EXPECT_EQ(find("com").categories, 0U);
  EXPECT_EQ(find("zzz").categories, 0U);
  EXPECT_EQ(find("aaa").categories, 0U);
  EXPECT_EQ(find("only.example.com").categories, games | video);
  EXPECT_EQ(find("a.only.example.com").categories, games);
  EXPECT_EQ(find("subs.example.net").categories, 0U);
  EXPECT_EQ(find("a.subs.example.net").categories, games);
  EXPECT_EQ(find("exact.example.net").categories, games);
  EXPECT_EQ(find("a.exact.example.net").categories, 0U);
  EXPECT_TRUE(find("allowed.example.com").local_allow);
  EXPECT_EQ(find("x.allowed.example.com").categories, games);
  EXPECT_FALSE(find("back.allowed.example.com").local_allow);
  EXPECT_EQ(find("back.allowed.example.com").categories, games | video);
  EXPECT_EQ(find("a.loose.example.com").categories, 0U);
  EXPECT_TRUE(find("a.gov.example.com").is_protected);
  EXPECT_TRUE(find("now.example.org").emergency);

  const auto decider = cursor->decider(lookup("a.only.example.com"), kGames);
  ASSERT_TRUE(decider);
  EXPECT_EQ(decider->labels, 2);
  EXPECT_FALSE(cursor->decider(lookup("a.example.org"), kGames));
  const auto covering = (*generation)->covering(lookup("only.example.com"));
  ASSERT_EQ(covering.size(), 2U);
  EXPECT_EQ(covering[1].listed_name, "only.example.com");
}

TEST_F(GenerationTest, KeepsProvenanceOnce) {
  const fs::path path = dir_ / "1.lmdb";
  auto writer = Writer::create(path);
  ASSERT_TRUE(writer);
  const Provenance police{.department = "police",
                          .list = "gambling",
                          .order = "PSB-1",
                          .authority = "psb.example",
                          .legal_basis = "s.12",
                          .listed_at = "2026",
                          .review_by = "2027",
                          .expires = "2028",
                          .appeal_url = "https://a.example"};
  EXPECT_EQ(writer->add_provenance(police).value(), 0U);
  EXPECT_EQ(writer->add_provenance({.department = "press"}).value(), 1U);
  EXPECT_EQ(writer->add_provenance(police).value(), 0U);
  ASSERT_TRUE(writer->append("com.example.", std::vector<Record>{{0, kGames}}));
  ASSERT_TRUE(writer->finish(1, "t"));
  const auto generation = Generation::open(path);
  ASSERT_TRUE(generation);
  EXPECT_EQ((*generation)->provenance(0)->order, "PSB-1");
  EXPECT_EQ((*generation)->provenance(0)->appeal_url, "https://a.example");
  EXPECT_FALSE((*generation)->provenance(2));
}

TEST_F(GenerationTest, RefusesDisorderAndLeavesNothingBehind) {
  const fs::path path = dir_ / "1.lmdb";
  {
    auto writer = Writer::create(path);
    ASSERT_TRUE(writer);
    const std::vector<Record> one = {{0, kGames}};
    ASSERT_TRUE(writer->append("com.b.", one));
    EXPECT_FALSE(writer->append("com.a.", one));
    EXPECT_FALSE(writer->append("com.b.", one));
    EXPECT_FALSE(writer->append("com.c.", {}));
  }
  EXPECT_TRUE(fs::is_empty(dir_));
  EXPECT_FALSE(Writer::create(dir_ / "no" / "such" / "folder.lmdb"));
}

TEST_F(GenerationTest, EveryCutAndEveryFlippedOctetIsRefused) {
  const auto path = write({{"example.com", {{0, kGames}}}});
  std::ifstream in(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const fs::path bad = dir_ / "bad.lmdb";
  const auto refused = [&](const std::string& bytes) {
    std::ofstream(bad, std::ios::binary) << bytes;
    return !Generation::open(bad);
  };
  ASSERT_FALSE(refused(good));
  for (std::size_t size = 0; size < good.size(); size += 511) {
    EXPECT_TRUE(refused(good.substr(0, size))) << size;
  }
  EXPECT_TRUE(refused(good.substr(0, good.size() - 1)));
  EXPECT_TRUE(refused(good + "x"));
  for (std::size_t at = 0; at < good.size(); at += 37) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x20);
    EXPECT_TRUE(refused(flipped)) << at;
  }
  EXPECT_TRUE(refused(std::string(100, '\0')));
  EXPECT_FALSE(Generation::open(dir_));
  const auto missing = Generation::open(dir_ / "missing.lmdb");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("missing.lmdb"), std::string::npos);
}

TEST_F(GenerationTest, AnOpenGenerationSurvivesTheLossOfItsFile) {
  const auto path = write({{"example.com", {{0, kGames}}}});
  const auto generation = Generation::open(path);
  ASSERT_TRUE(generation);
  auto cursor = (*generation)->cursor();
  fs::resize_file(path, 100);
  EXPECT_EQ(cursor->find(lookup("a.example.com")).categories, policy::bit(kGames));
  fs::remove(path);
  EXPECT_TRUE((*generation)->verify_content());
}

// Of a size that huge pages fit into: its memory file is left empty, and unmapped.
TEST_F(GenerationTest, ALargeGenerationLiesInPrivateMemory) {
  Entries entries;
  constexpr int kNames = 60'000;
  for (int i = 0; i < kNames; ++i) {
    entries["name-" + std::to_string(i) + ".example"] = {{0, i % 2 == 0 ? kGames : kVideo}};
  }
  const auto path = write(entries);
  ASSERT_GT(fs::file_size(path), std::size_t{2} << 20);
  const auto generation = Generation::open(path);
  ASSERT_TRUE(generation) << generation.error().text();
  EXPECT_EQ(mappings_of("memfd:sluice-generation"), 0);
  EXPECT_TRUE((*generation)->verify_content());
  const auto cursor = (*generation)->cursor();
  for (int i = 0; i < kNames; i += 7) {
    const auto name = lookup("name-" + std::to_string(i) + ".example");
    ASSERT_EQ(cursor->find(name).categories, policy::bit(i % 2 == 0 ? kGames : kVideo)) << i;
  }
  EXPECT_EQ(cursor->find(lookup("name.example")).categories, 0U);
}

// A process that may not map it twice opened it before there were huge pages.
TEST_F(GenerationTest, ALargeGenerationOpensWithRoomForItAlone) {
  Entries entries;
  for (int i = 0; i < 120'000; ++i) {
    entries["name-" + std::to_string(i) + ".example"] = {{0, kGames}};
  }
  const auto path = write(entries);
  const auto octets = fs::file_size(path);
  ASSERT_GT(octets, std::size_t{4} << 20);
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit narrow = before;
  narrow.rlim_cur = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + octets * 3 / 2;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &narrow), 0);
  const auto generation = Generation::open(path);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_TRUE(generation) << generation.error().text();
  EXPECT_EQ(mappings_of("memfd:sluice-generation"), 1);
  EXPECT_TRUE((*generation)->verify_content());
  EXPECT_EQ((*generation)->cursor()->find(lookup("name-77.example")).categories,
            policy::bit(kGames));
}

TEST_F(GenerationTest, TheSameContentHasTheSameDigest) {
  const auto digest = [](const fs::path& path) {
    return (*Generation::open(path))->header().content_digest;
  };
  const auto a = digest(write({{"example.com", {{0, kGames}}}}, 1));
  EXPECT_EQ(a, digest(write({{"example.com", {{0, kGames}}}}, 2)));
  EXPECT_NE(a, digest(write({{"example.com", {{0, kVideo}}}}, 3)));
}

TEST_F(GenerationTest, RefusesACategoryThatNoMaskHolds) {
  std::string value;
  append_simple(value, {1, 63});
  EXPECT_TRUE(EntryView::decode(value));
  value[4] = 64;
  EXPECT_FALSE(EntryView::decode(value));
}

TEST_F(GenerationTest, DoesNotWaitForAFileThatIsNoFile) {
  const fs::path fifo = dir_ / "1.lmdb";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto generation = Generation::open(fifo);
  ASSERT_FALSE(generation);
  EXPECT_EQ(generation.error().what, "is not a regular file");
}

}  // namespace
}  // namespace sluice::generation
