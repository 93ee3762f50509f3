// Rotation and revocation of root and of the online keys.
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using tuf::Json;

class RootRotation : public Appliance {};

TEST_F(RootRotation, NewRootKeysSignedByOld) {
  const auto old = repository_.keys["root"];
  repository_.add_role("root", 3, 2);
  repository_.publish_root(old);
  expect_recovery();
  EXPECT_EQ(updater_->view().release->root_version, 2U);
}

TEST_F(RootRotation, SeveralSteps) {
  for (int i = 0; i < 50; ++i) {
    const auto old = repository_.keys["root"];
    repository_.add_role("root", 3, 2);
    repository_.publish_root(old);
  }
  expect_recovery();
  EXPECT_EQ(updater_->view().release->root_version, 51U);
}

TEST_F(RootRotation, NotSignedByTheOldKeys) {
  repository_.add_role("root", 3, 2);
  repository_.publish_root();
  repository_.publish();
  expect_refused("2.root.json: has 0 of 2 signatures");
}

TEST_F(RootRotation, VersionThatIsNotItsName) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role == "root") body["version"] = 7;
  };
  repository_.publish_root();
  expect_refused("2.root.json: is version 7");
}

TEST_F(RootRotation, RevokedTimestampKey) {
  const auto stolen = repository_.keys["timestamp"];
  repository_.add_role("timestamp", 1, 1);
  repository_.publish_root();
  const auto good = repository_.keys["timestamp"];
  repository_.keys["timestamp"] = stolen;
  repository_.publish();
  expect_refused("timestamp.json: has 0 of 1 signatures");
  repository_.keys["timestamp"] = good;
  expect_recovery();
}

// A stolen timestamp key drives the version to the top; new keys start over from any version.
TEST_F(RootRotation, RecoversFromFastForward) {
  repository_.versions["timestamp"] = 1'000'000;
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::unchanged);
  repository_.versions["timestamp"] = 2;
  repository_.publish();
  expect_refused("older than the 1000001 seen before");
  repository_.add_role("timestamp", 1, 1);
  repository_.publish_root();
  expect_recovery();
}

TEST_F(RootRotation, DamagedTrustedRootIsFoundAgainFromTheAnchor) {
  const auto old = repository_.keys["root"];
  repository_.add_role("root", 3, 2);
  repository_.publish_root(old);
  ASSERT_EQ(updater_->pull(), Outcome::unchanged);
  write_file(config_.state_dir / "trust/root.json", "{");
  restart();
  expect_recovery();
  EXPECT_EQ(updater_->view().release->root_version, 2U);
}

TEST_F(RootRotation, AnotherAuthority) {
  Folder folder;
  Repository other(folder.path() / "repo");
  other.lists["press"] = {.orders = order_line("P-1", "games"), .names = "game.example\ttree\t0\n"};
  other.lists["police"] = repository_.lists["police"];
  other.publish();
  config_.authority->url = other.url();
  updater_->set_config(config_);
  expect_refused("timestamp.json: has 0 of 1 signatures");
  config_.authority->root = other.root();
  updater_->set_config(config_);
  EXPECT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(entries(), 3U);
}

}  // namespace
}  // namespace sluice::test
