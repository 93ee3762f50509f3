#include "dataplane/gateway/generations.h"

#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::gateway {
namespace {

namespace fs = std::filesystem;

TEST(StartCandidates, CurrentFirstThenByNumber) {
  const fs::path dir = fs::temp_directory_path() / ("sluice-start-" + std::to_string(getpid()));
  fs::create_directories(dir);
  for (const char* name :
       {"9.lmdb", "10.lmdb", "0000000011.lmdb", "12.lmdb.tmp.7", "x.lmdb", "13"}) {
    std::ofstream(dir / name) << "x";
  }
  const auto names = [&] {
    std::vector<std::string> out;
    for (const fs::path& path : start_candidates(dir)) out.push_back(path.filename());
    return out;
  };
  EXPECT_EQ(names(), (std::vector<std::string>{"0000000011.lmdb", "10.lmdb", "9.lmdb"}));
  fs::create_symlink("9.lmdb", dir / "current");
  EXPECT_EQ(names(), (std::vector<std::string>{"9.lmdb", "0000000011.lmdb", "10.lmdb"}));
  fs::remove(dir / "9.lmdb");  // a link to nothing
  EXPECT_EQ(names(), (std::vector<std::string>{"0000000011.lmdb", "10.lmdb"}));
  EXPECT_TRUE(start_candidates(dir / "missing").empty());
  fs::remove_all(dir);
}

}  // namespace
}  // namespace sluice::gateway
