// What is kept of layers of other owners, for the time when their files have faults.
#include <gtest/gtest.h>

#include "control/service/layers.h"
#include "tests/unit/control/repository.h"

namespace sluice::test {
namespace {

TEST(KeptLayers, AreForgottenOnlyWithTheirNames) {
  const Folder folder;
  schema::Config config;
  config.state_dir = folder.path();
  config.layer_names = {"li", "wu"};
  config.layers = {{.name = "li", .text = "block: [social]\n"},
                   {.name = "wu", .text = "block: [games]\n"}};
  const auto li = schema::kept_layer(config, "li");
  const auto wu = schema::kept_layer(config, "wu");
  service::keep_layers(config);
  EXPECT_TRUE(std::filesystem::exists(li));
  EXPECT_TRUE(std::filesystem::exists(wu));
  // Neither what it says now nor what it said before serves, for a schedule is gone, perhaps.
  config.layers.pop_back();
  service::keep_layers(config);
  EXPECT_TRUE(std::filesystem::exists(wu));
  config.layer_names.pop_back();
  service::keep_layers(config);
  EXPECT_TRUE(std::filesystem::exists(li));
  EXPECT_FALSE(std::filesystem::exists(wu));
}

}  // namespace
}  // namespace sluice::test
