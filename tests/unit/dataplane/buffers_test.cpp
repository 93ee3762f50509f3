#include "dataplane/eal/buffers.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <unistd.h>
#include <vector>

namespace sluice::eal {
namespace {

/// One EAL a process: it does not start twice.
class BuffersTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto folder =
        std::filesystem::temp_directory_path() / ("sluice-buffers-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    setenv("RUNTIME_DIRECTORY", folder.c_str(), 1);
    std::array<const char*, 9> arguments = {
        "buffers_test",   "--no-huge",    "--no-pci", "--no-shconf", "--no-telemetry",
        "--iova-mode=va", "--lcores=0@0", "-m",       "256"};
    std::array<char*, 9> argv;
    std::transform(arguments.begin(), arguments.end(), argv.begin(),
                   [](const char* one) { return const_cast<char*>(one); });
    ASSERT_GE(rte_eal_init(static_cast<int>(argv.size()), argv.data()), 0);
    std::filesystem::remove_all(folder);
  }
};

// AF_XDP's driver takes so many octets for the whole of a pool as its buffers have together: what
// lies behind them is refused by the kernel.
TEST_F(BuffersTest, LieCloseTogetherWhereNoDeviceReadsThem) {
  constexpr std::uint32_t kCount = 8191;
  const auto buffers = make_buffers(kCount, 2048, 128, false, false);
  ASSERT_TRUE(buffers) << buffers.error().text();
  EXPECT_NE(buffers->memory, nullptr);
  rte_mempool* const pool = buffers->pool;
  ASSERT_EQ(pool->populated_size, kCount);
  EXPECT_EQ(pool->nb_mem_chunks, 1U);
  std::vector<rte_mbuf*> all(kCount);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool, all.data(), kCount), 0);
  const auto [first, last] = std::minmax_element(all.begin(), all.end());
  const std::size_t each = pool->header_size + pool->elt_size + pool->trailer_size;
  const auto* const start = reinterpret_cast<const char*>(*first);
  EXPECT_EQ(reinterpret_cast<const char*>(*last) - start,
            static_cast<std::ptrdiff_t>((kCount - 1) * each));
  for (rte_mbuf* one : all) {
    ASSERT_GE(rte_pktmbuf_tailroom(one), 2048);
    rte_pktmbuf_free(one);
  }
}

}  // namespace
}  // namespace sluice::eal
