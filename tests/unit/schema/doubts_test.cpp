// What is no fault of a configuration and still told.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/schema/document.h"

namespace sluice::schema {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNovember = 1794700800;  // 2026-11-15
constexpr std::int64_t kJanuary = 1768435200;   // 2026-01-15

std::vector<std::string> doubts_of(const fs::path& file, std::int64_t now) {
  std::vector<std::string> out;
  for (Fault doubt : doubts(read_source(file), now)) {
    doubt.file = fs::path(doubt.file).filename().string();
    out.push_back(doubt.text());
  }
  return out;
}

void expect_notes(const fs::path& file) {
  ASSERT_TRUE(load(file).config);
  fs::path expectation = file;
  expectation.replace_extension(".notes");
  std::vector<std::string> expected;
  std::ifstream stream(expectation);
  for (std::string line; std::getline(stream, line);) expected.push_back(line);
  const auto found = doubts_of(file, kNovember);
  if (std::getenv("SLUICE_UPDATE") != nullptr) {
    std::ofstream out(expectation);
    for (const std::string& line : found) out << line << "\n";
    return;
  }
  EXPECT_THAT(found, testing::ElementsAreArray(expected));
}

TEST(Doubts, AreThoseOfTheFile) {
  for (const char* name : {"school.yaml", "ways_out.yaml", "weekdays.yaml"}) {
    SCOPED_TRACE(name);
    expect_notes(fs::path(SLUICE_SCHEMA_TESTS) / "doubtful" / name);
  }
}

TEST(Doubts, AreNoneOfTheExamples) {
  for (const char* name : {"school", "home", "isp"}) {
    const fs::path file =
        fs::path(SLUICE_SCHEMA_TESTS) / "../../../config/defaults" / (std::string(name) + ".yaml");
    EXPECT_THAT(doubts_of(file, kJanuary), testing::IsEmpty()) << name;
  }
}

TEST(Doubts, AreNoneWhereThereAreFaults) {
  const fs::path bad = fs::path(SLUICE_SCHEMA_TESTS) / "bad";
  for (const auto& entry : fs::directory_iterator(bad)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_THAT(doubts_of(entry.path(), kJanuary), testing::IsEmpty()) << entry.path();
  }
}

}  // namespace
}  // namespace sluice::schema
