// Every file in bad/ has the faults that its .faults file lists, line for line. The first line
// there is for json_schema_test.py. SLUICE_UPDATE=1 in the environment writes the faults found
// anew.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

#include "config/schema/config.h"

namespace sluice::schema {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_in(const char* folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(fs::path(SLUICE_SCHEMA_TESTS) / folder)) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string case_name(const testing::TestParamInfo<std::string>& info) {
  return fs::path(info.param).stem().string();
}

/// What `sluicectl config check` prints, with the file's name for its path.
std::vector<std::string> faults_of(const std::string& file) {
  std::vector<std::string> out;
  for (Fault fault : load(file).faults) {
    fault.file = fs::path(fault.file).filename().string();
    out.push_back(fault.text());
  }
  return out;
}

class BadFile : public testing::TestWithParam<std::string> {};

TEST_P(BadFile, HasExactlyItsFaults) {
  const fs::path expectation = fs::path(GetParam()).replace_extension(".faults");
  std::ifstream stream(expectation);
  std::string schema_line;
  std::getline(stream, schema_line);
  std::vector<std::string> expected;
  for (std::string line; std::getline(stream, line);) expected.push_back(line);
  stream.close();

  const std::vector<std::string> found = faults_of(GetParam());
  if (std::getenv("SLUICE_UPDATE") != nullptr) {
    std::ofstream out(expectation);
    out << (schema_line.empty() ? "schema: refuses" : schema_line) << "\n";
    for (const std::string& line : found) out << line << "\n";
    return;
  }
  EXPECT_FALSE(found.empty());
  EXPECT_THAT(found, testing::ElementsAreArray(expected));
}

INSTANTIATE_TEST_SUITE_P(Schema, BadFile, testing::ValuesIn(files_in("bad")), case_name);

class GoodFile : public testing::TestWithParam<std::string> {};

TEST_P(GoodFile, HasNoFaults) { EXPECT_THAT(faults_of(GetParam()), testing::IsEmpty()); }

INSTANTIATE_TEST_SUITE_P(Schema, GoodFile, testing::ValuesIn(files_in("good")), case_name);
INSTANTIATE_TEST_SUITE_P(Defaults, GoodFile,
                         testing::ValuesIn(files_in("../../../config/defaults")), case_name);

}  // namespace
}  // namespace sluice::schema
