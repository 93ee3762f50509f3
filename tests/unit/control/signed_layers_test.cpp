// Layers that the authority has signed, on an appliance whose files get lost.
#include <fstream>

#include "config/policy/policy.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

constexpr const char* kFile = "policy/layers.yaml";
constexpr const char* kProvince = "province: {owner: Education Department, block: [gambling]}\n";
constexpr const char* kCity = "city: {owner: Education Bureau, block: [gambling]}\n";

class SignedLayers : public Appliance {
 protected:
  void SetUp() override {
    Appliance::SetUp();
    publish(kProvince);
    ASSERT_EQ(updater_->pull(), Outcome::published);
    ASSERT_EQ(layers(), "signed/province");
  }
  void publish(const std::string& text) {
    repository_.policy = {{kFile, text}};
    repository_.publish();
  }
  /// Of the generation that runs.
  [[nodiscard]] std::string layers() const {
    return layers_of(config_.generations_dir() / "current");
  }
  [[nodiscard]] static std::string layers_of(const std::filesystem::path& file) {
    const auto opened = generation::Generation::open(file);
    if (!opened) return opened.error().text();
    const auto set = policy::from_json((*opened)->policy_json());
    if (!set) return set.error().text();
    std::string out;
    for (const policy::Layer& layer : set->layers) out += layer.policy;
    return out;
  }
  [[nodiscard]] std::filesystem::path stored() const {
    for (const auto& entry : std::filesystem::directory_iterator(config_.state_dir / "lists")) {
      if (entry.path().string().ends_with("layers.yaml")) return entry.path();
    }
    return {};
  }
  [[nodiscard]] std::filesystem::path copy() const {
    return config_.state_dir / "signed-layers.yaml";
  }
  void expect_kept_and_told() {
    std::filesystem::remove(copy());
    const std::string before = current();
    config_.policy.policies[0].blocked = policy::bit(9);
    updater_->set_config(config_);
    EXPECT_FALSE(updater_->refresh_generation());
    EXPECT_EQ(layers(), "signed/province");
    EXPECT_EQ(current(), before);
    ASSERT_TRUE(updater_->view().build_error);
    EXPECT_THAT(updater_->view().build_error->text(), ::testing::HasSubstr("layers.yaml"));
    restart();
    EXPECT_EQ(layers(), "signed/province");
    EXPECT_TRUE(updater_->view().build_error);
    // With what the authority serves, all that was asked for meanwhile is done.
    (void)updater_->pull();
    EXPECT_EQ(layers(), "signed/province");
    EXPECT_FALSE(updater_->view().build_error);
    EXPECT_FALSE(stored().empty());
    EXPECT_NE(current(), before);
  }
};

TEST_F(SignedLayers, StayWhereTheirFileIsLost) {
  std::filesystem::remove(stored());
  expect_kept_and_told();
}

TEST_F(SignedLayers, StayWhereTheirFileIsCutShort) {
  std::filesystem::resize_file(stored(), 0);
  expect_kept_and_told();
}

// Sound to read, and not what was signed.
TEST_F(SignedLayers, StayWhereTheirFileSaysSomethingElse) {
  std::ofstream(stored()) << "province: {owner: Education Department, block: []}\n";
  expect_kept_and_told();
}

TEST_F(SignedLayers, AreThereTwice) {
  const auto read = [](const std::filesystem::path& file) {
    return files::read_bounded(file, 1000).value_or("");
  };
  ASSERT_EQ(read(copy()), kProvince);
  for (const auto& lost : {stored(), copy()}) {
    for (const char* what : {"", "province: {owner: Education Department, block: []}\n"}) {
      std::ofstream(lost) << what;
      EXPECT_TRUE(updater_->refresh_generation());
      EXPECT_EQ(read(stored()), kProvince);
      EXPECT_EQ(read(copy()), kProvince);
    }
  }
  // What the next release signs is what is kept.
  publish(kCity);
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(read(copy()), kCity);
  repository_.policy.clear();
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(SignedLayers, AreFetchedAgainWhileAPersonHoldsWhatRuns) {
  const service::Decision decision{.who = "li", .reason = "x", .at = now_};
  ASSERT_TRUE(updater_->running().hold(decision, std::chrono::hours(1)));
  std::filesystem::remove(stored());
  std::filesystem::remove(copy());
  EXPECT_FALSE(updater_->refresh_generation());
  (void)updater_->pull();
  EXPECT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(layers(), "signed/province");
}

// No generation, however short, has the new lists without what was signed with them.
TEST_F(SignedLayers, ComeIntoForceWithTheirLists) {
  std::vector<std::string> offered;
  updater_ = std::make_unique<service::Updater>(
      config_, [this] { return now_; }, stop_,
      [&](std::uint64_t, const std::filesystem::path& path) {
        offered.push_back(layers_of(path));
      });
  ASSERT_TRUE(updater_->recover());
  offered.clear();
  publish(kCity);
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(offered, (std::vector<std::string>{"signed/city"}));
  repository_.policy.clear();
  repository_.publish();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  EXPECT_EQ(offered, (std::vector<std::string>{"signed/city", ""}));
}

TEST_F(SignedLayers, OfAReleaseThatIsRefusedAreNotInForce) {
  publish("city: {owner: Education Bureau, block: [gambing]}\n");
  expect_refused("did you mean 'gambling'");
  EXPECT_EQ(layers(), "signed/province");
  EXPECT_TRUE(updater_->refresh_generation());
  repository_.policy.clear();
  expect_recovery();
}

}  // namespace
}  // namespace sluice::test
