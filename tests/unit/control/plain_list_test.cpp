#include "control/compile/plain_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/generation/reader.h"
#include "config/name/name.h"
#include "tests/unit/control/repository.h"

namespace sluice::compile {
namespace {

using test::Folder;
using test::write_file;
using ::testing::ElementsAre;

class PlainList : public ::testing::Test {
 protected:
  PlainNames read(const std::string& text, PlainFormat format = PlainFormat::automatic) {
    write_file(folder_.path() / "list.txt", text);
    const std::filesystem::path files[] = {folder_.path() / "list.txt"};
    auto names = read_plain_lists(files, format);
    EXPECT_TRUE(names);
    return std::move(*names);
  }

  static std::uint64_t rejected(const PlainNames& names, const std::string& reason) {
    for (const Rejected& one : names.report().rejections) {
      if (one.reason == reason) return one.count;
    }
    return 0;
  }

  Folder folder_;
};

TEST_F(PlainList, SortsAndCountsDuplicates) {
  const auto names = read("b.example\nA.example.\n\n# note\nb.example # again\na.b.example\n");
  EXPECT_THAT(names.keys(), ElementsAre("example.a.", "example.b.", "example.b.a."));
  EXPECT_EQ(names.report().lines, 6U);
  EXPECT_EQ(names.report().read, 4U);
  EXPECT_EQ(names.report().accepted, 3U);
  EXPECT_EQ(names.report().duplicates, 1U);
}

TEST_F(PlainList, ReadsHostsFiles) {
  const auto names = read(
      "127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost\n"
      "0.0.0.0\tads.example  www.ads.example # two\r\n0.0.0.0 0.0.0.0\n");
  EXPECT_THAT(names.keys(), ElementsAre("example.ads.", "example.ads.www."));
  EXPECT_EQ(rejected(names, "local-name"), 3U);
  EXPECT_EQ(rejected(names, "ip-address"), 1U);
}

TEST_F(PlainList, NeverShortensUrls) {
  const auto names = read(
      "https://site.example/page\nsite.example/page\nsite.example?q\nsite.example:8080\n"
      "||ads.example^$third-party\n*.wild.example\n.dot.example\n192.0.2.7\n2001:db8::1\ncom\n"
      "a..example\ntwo words\n");
  EXPECT_TRUE(names.keys().empty());
  EXPECT_EQ(rejected(names, "url"), 4U);
  EXPECT_EQ(rejected(names, "filter-option"), 1U);
  EXPECT_EQ(rejected(names, "wildcard"), 2U);
  EXPECT_EQ(rejected(names, "ip-address"), 2U);
  EXPECT_EQ(rejected(names, "top-level"), 1U);
  EXPECT_EQ(rejected(names, "invalid-name"), 1U);
  EXPECT_EQ(rejected(names, "more-words"), 1U);
  EXPECT_THAT(names.report().rejections[0].first[0], ::testing::EndsWith("list.txt:1"));
}

TEST_F(PlainList, ConvertsInternationalisedNames) {
  const auto names = read(
      "\xEF\xBB\xBF"
      "B\xC3\xBC"
      "cher.example\n\xE4\xBE\x8B\xE5\xAD\x90.test\n"
      "fa\xC3\x9F.example\n\xFF\xFE.example\n");
  EXPECT_THAT(names.keys(),
              ElementsAre("example.xn--bcher-kva.", "example.xn--fa-hia.", "test.xn--fsqu00a."));
  EXPECT_EQ(rejected(names, "idn"), 1U);
}

TEST_F(PlainList, ReadsUt1Folders) {
  write_file(folder_.path() / "ut1/gambling/domains", "casino.example\n10.0.0.1\n");
  write_file(folder_.path() / "ut1/gambling/urls", "site.example/casino\n");
  const std::filesystem::path files[] = {folder_.path() / "ut1/gambling"};
  const auto names = read_plain_lists(files, PlainFormat::automatic);
  ASSERT_TRUE(names);
  EXPECT_THAT(names->keys(), ElementsAre("example.casino."));
  EXPECT_EQ(rejected(*names, "url"), 1U);
  EXPECT_EQ(rejected(*names, "ip-address"), 1U);
}

TEST_F(PlainList, CompilesAGeneration) {
  write_file(folder_.path() / "list.txt", "casino.example\nbet.test\n");
  const std::filesystem::path files[] = {folder_.path() / "list.txt"};
  const auto output = folder_.path() / "7.lmdb";
  const auto compiled = compile_plain_lists(files, "gambling", output, {.generation = 7});
  ASSERT_TRUE(compiled) << compiled.error().text();
  EXPECT_EQ(compiled->summary.entries, 2U);
  const auto opened = generation::Generation::open(output);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->header().generation, 7U);
  name::LookupName name;
  ASSERT_EQ(name::from_text("www.casino.example", name), name::Defect::none);
  EXPECT_EQ((*opened)->cursor()->find(name).categories, policy::bit(8));
}

TEST_F(PlainList, RefusesUnknownCategoryAndEmptyResult) {
  write_file(folder_.path() / "list.txt", "192.0.2.1\n");
  const std::filesystem::path files[] = {folder_.path() / "list.txt"};
  const auto output = folder_.path() / "1.lmdb";
  const auto unknown = compile_plain_lists(files, "gamblin", output);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().text(), ::testing::HasSubstr("did you mean 'gambling'"));
  const auto empty = compile_plain_lists(files, "gambling", output);
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().text(), ::testing::HasSubstr("an empty list is never written"));
  EXPECT_FALSE(std::filesystem::exists(output));
}

}  // namespace
}  // namespace sluice::compile
