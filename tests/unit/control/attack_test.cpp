// What a hostile or broken mirror, a stolen key, or an authority's mistake can and cannot do.
#include <algorithm>

#include "control/sync/client.h"
#include "control/tuf/digest.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using tuf::Json;

class Attack : public Appliance {};

TEST_F(Attack, WrongSignature) {
  repository_.on_envelope = [](const std::string& role, Json& envelope) {
    if (role == "timestamp") envelope["signatures"][0]["sig"] = std::string(128, 'a');
  };
  repository_.publish();
  expect_refused("timestamp.json: has 0 of 1 signatures that it needs, 1 wrong");
  expect_recovery();
}

TEST_F(Attack, SignatureStripped) {
  repository_.on_envelope = [](const std::string& role, Json& envelope) {
    if (role == "snapshot") envelope["signatures"] = Json::array();
  };
  repository_.publish();
  expect_refused("snapshot.json: has 0 of 1 signatures that it needs");
  expect_recovery();
}

TEST_F(Attack, OneSignatureTooFew) {
  repository_.on_envelope = [](const std::string& role, Json& envelope) {
    if (role != "list-police") return;
    envelope["signatures"] = Json::array({envelope["signatures"][0]});
  };
  repository_.publish();
  expect_refused("list-police.json: has 1 of 2 signatures");
  expect_recovery();
}

TEST_F(Attack, SameKeySignsTwice) {
  repository_.on_envelope = [](const std::string& role, Json& envelope) {
    if (role != "list-police") return;
    const Json one = envelope["signatures"][0];
    envelope["signatures"] = Json::array({one, one});
  };
  repository_.publish();
  expect_refused("has 1 of 2 signatures that it needs, 1 by the same key again");
  expect_recovery();
}

// Two key objects with one public value have two key ids; they are one key all the same.
TEST_F(Attack, SameKeyUnderTwoIds) {
  const tuf::PrivateKey& key = repository_.keys["list-press"][0];
  Json alias = key.public_json();
  alias["comment"] = "another id";
  const std::string alias_id = [&] { return tuf::sha256(tuf::canonical(alias)); }();
  repository_.on_body = [&](const std::string& role, Json& body) {
    if (role != "targets") return;
    body["delegations"]["keys"][alias_id] = alias;
    for (Json& delegated : body["delegations"]["roles"]) {
      if (delegated["name"] != "list-press") continue;
      delegated["keyids"] = Json::array({key.keyid(), alias_id});
    }
  };
  repository_.on_envelope = [&](const std::string& role, Json& envelope) {
    if (role != "list-press") return;
    Json first = envelope["signatures"][0];
    Json second = first;
    second["keyid"] = alias_id;
    envelope["signatures"] = Json::array({first, second});
  };
  repository_.publish();
  expect_refused("list-press.json: has 1 of 2 signatures");
  expect_recovery();
}

TEST_F(Attack, KeyIdThatIsNotTheKeys) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role != "targets") return;
    Json& keys = body["delegations"]["keys"];
    keys[std::string(64, 'b')] = keys.begin().value();
  };
  repository_.publish();
  expect_refused("the key id is not the SHA-256 of the key");
  expect_recovery();
}

TEST_F(Attack, OnlyASignedTimestampTellsOfANewerRelease) {
  const auto is_behind = [this] {
    auto fetcher = sync::Fetcher::create({.base_urls = {repository_.url()}});
    auto trust = sync::Trust::load(config_.state_dir / "trust", repository_.root());
    return sync::Client(fetcher.value(), trust.value(), [this] { return now_; }).is_behind();
  };
  EXPECT_FALSE(is_behind());
  const auto path = repository_.folder() / "metadata/timestamp.json";
  const std::string good = read_file(path);
  Json forged = tuf::parse_strict(good, "timestamp").value();
  forged["signed"]["version"] = std::uint64_t{1} << 60;
  forged["signed"]["meta"]["snapshot.json"]["version"] = std::uint64_t{1} << 60;
  write_file(path, tuf::canonical(forged));
  EXPECT_FALSE(is_behind());
  write_file(path, good);
  repository_.publish();
  EXPECT_TRUE(is_behind());
  // It is known from now on, whatever a mirror that is behind says.
  write_file(path, good);
  expect_refused("timestamp.json: is version 1, older than the 2 seen before");
}

TEST_F(Attack, OlderTimestamp) {
  const auto path = repository_.folder() / "metadata/timestamp.json";
  const std::string old = read_file(path);
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::unchanged);
  write_file(path, old);
  expect_refused("timestamp.json: is version 1, older than the 2 seen before");
  expect_recovery();
}

TEST_F(Attack, OlderListInNewerSnapshot) {
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::unchanged);
  const auto old = repository_.versions["list-police"] - 2;
  repository_.on_body = [&](const std::string& role, Json& body) {
    if (role == "snapshot") body["meta"]["list-police.json"] = {{"version", old + 1}};
  };
  repository_.publish();
  expect_refused("list-police.json: is version 1, older than the 2");
  expect_recovery();
}

TEST_F(Attack, ListDroppedFromSnapshot) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role == "snapshot") body["meta"].erase("list-police.json");
  };
  repository_.publish();
  expect_refused("no longer names list-police.json");
  expect_recovery();
}

TEST_F(Attack, RollbackStaysKnownAfterRestart) {
  const auto path = repository_.folder() / "metadata/timestamp.json";
  const std::string old = read_file(path);
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::unchanged);
  restart();
  write_file(path, old);
  expect_refused("older than the 2 seen before");
}

TEST_F(Attack, ExpiredTimestamp) {
  now_ += std::chrono::hours(73);
  expect_refused("timestamp.json: expired at 2026-06-04T00:00:00Z");
  repository_.now = now_;
  expect_recovery();
}

TEST_F(Attack, ExpiredDepartment) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role == "list-police") body["expires"] = "2026-05-01T00:00:00Z";
  };
  repository_.publish();
  expect_refused("list-police.json: expired at 2026-05-01T00:00:00Z");
  expect_recovery();
}

TEST_F(Attack, WrongLength) {
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("list-police.json")) bytes.pop_back();
  };
  repository_.publish();
  expect_refused("octets where");
  expect_recovery();
}

TEST_F(Attack, LongerThanSignedFor) {
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("targets.json")) bytes.append(100, ' ');
  };
  repository_.publish();
  expect_refused("targets.json: is longer than the");
  expect_recovery();
}

TEST_F(Attack, WrongHash) {
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("snapshot.json")) std::replace(bytes.begin(), bytes.end(), '2', '3');
  };
  repository_.publish();
  expect_refused("snapshot.json: does not match its signed SHA-256");
  expect_recovery();
}

TEST_F(Attack, SwappedTarget) {
  repository_.lists["police"].names = "other.example\ttree\t0\nbet.test\texact\t0\n";
  repository_.lists["police"].seq = 2;
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("full.cpl.zst")) bytes[bytes.size() / 2] ^= 1;
  };
  repository_.publish();
  expect_refused("full.cpl.zst: does not match its signed SHA-256");
  expect_recovery();
}

TEST_F(Attack, MissingTarget) {
  repository_.lists["police"].names = "other.example\ttree\t0\nbet.test\texact\t0\n";
  repository_.publish();
  for (const auto& entry :
       std::filesystem::directory_iterator(repository_.folder() / "targets/lists/police")) {
    std::filesystem::remove(entry.path());
  }
  expect_refused("the mirror has no such file");
  expect_recovery();
}

TEST_F(Attack, HugeTimestamp) {
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("timestamp.json")) bytes.append(20'000, ' ');
  };
  repository_.publish();
  expect_refused("timestamp.json: is longer than the 16000 octets");
  expect_recovery();
}

TEST_F(Attack, TopRoleSignsList) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role != "targets") return;
    body["targets"]["lists/police/full.cpl.zst"] = {{"length", 1},
                                                    {"hashes", {{"sha256", std::string(64, 'a')}}}};
  };
  repository_.publish();
  expect_refused("which only its department may");
  expect_recovery();
}

TEST_F(Attack, DepartmentOutsideItsPaths) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role != "list-press") return;
    body["targets"]["lists/police/full.cpl.zst"] = {{"length", 1},
                                                    {"hashes", {{"sha256", std::string(64, 'a')}}}};
  };
  repository_.publish();
  expect_refused("signs 'lists/police/full.cpl.zst', outside its paths");
  expect_recovery();
}

TEST_F(Attack, EarlierRoleClaimsThePaths) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role != "targets") return;
    for (Json& delegated : body["delegations"]["roles"]) {
      if (delegated["name"] == "list-emergency") delegated["paths"].push_back("lists/*/*");
    }
  };
  repository_.publish();
  expect_refused("belongs to list-emergency");
  expect_recovery();
}

TEST_F(Attack, OneRoleTwice) {
  repository_.on_body = [](const std::string& role, Json& body) {
    if (role != "targets") return;
    Json& roles = body["delegations"]["roles"];
    roles.push_back(roles[0]);
  };
  repository_.publish();
  expect_refused("is there twice");
  expect_recovery();
}

TEST_F(Attack, LongerThanWhatItSaysToHold) {
  for (const std::string path : {"lists/police/full.cpl.zst", "lists/police/orders.jsonl.zst"}) {
    repository_.on_body = [&](const std::string& role, Json& body) {
      if (role == "list-police") body["targets"][path]["length"] = std::uint64_t{1} << 40;
    };
    repository_.publish();
    expect_refused("longer than what they hold can be");
  }
  expect_recovery();
}

TEST_F(Attack, KeyTwiceInOneObject) {
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("timestamp.json")) bytes.insert(1, "\"signed\":{},");
  };
  repository_.publish();
  expect_refused("the key \"signed\" is there twice");
  expect_recovery();
}

TEST_F(Attack, NotJson) {
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.ends_with("timestamp.json")) bytes = "<html>captive portal</html>";
  };
  repository_.publish();
  expect_refused("timestamp.json: is not JSON");
  expect_recovery();
}

}  // namespace
}  // namespace sluice::test
