#include "tests/unit/control/appliance.h"

namespace sluice::test {

Appliance::Appliance() : repository_(folder_.path() / "repo"), now_(repository_.now) {
  config_.state_dir = folder_.path() / "state";
  config_.run_dir = folder_.path() / "run";
  config_.authority = schema::Authority{.url = repository_.url(), .root = repository_.root()};
  config_.policy.policies = {{.name = "pupils", .blocked = policy::bit(8), .watched = 0}};
  config_.policy.default_policy = "pupils";
}

void Appliance::restart() {
  updater_ = std::make_unique<service::Updater>(
      config_, [this] { return now_; }, stop_,
      [this](std::uint64_t number, const std::filesystem::path&) { activated_.push_back(number); });
  ASSERT_TRUE(updater_->recover());
  (void)updater_->refresh_generation();
}

void Appliance::SetUp() {
  repository_.lists["police"] = {.orders = order_line("PSB-1", "gambling"),
                                 .names = "casino.example\ttree\t0\nbet.test\texact\t0\n"};
  repository_.publish();
  restart();
  ASSERT_EQ(updater_->pull(), Outcome::published);
  ASSERT_EQ(current(), "0000000001.lmdb");
}

std::string Appliance::current() const {
  std::error_code error;
  return std::filesystem::read_symlink(config_.generations_dir() / "current", error).string();
}

std::uint64_t Appliance::entries() const { return updater_->view().generation.entries; }

void Appliance::expect_refused(const std::string& reason, Outcome outcome) {
  const std::string before = current();
  const std::uint64_t entries_before = entries();
  EXPECT_EQ(updater_->pull(), outcome);
  const service::View view = updater_->view();
  ASSERT_TRUE(view.pull_error) << "no reason was told";
  EXPECT_THAT(view.pull_error->text(), ::testing::HasSubstr(reason));
  EXPECT_EQ(current(), before) << "the running generation changed";
  EXPECT_EQ(entries(), entries_before);
  const auto opened = generation::Generation::open(config_.generations_dir() / "current");
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE((*opened)->verify_content());
  for (const char* name : {"lists", "trust", "generations"}) {
    for (const auto& entry : std::filesystem::directory_iterator(config_.state_dir / name)) {
      EXPECT_THAT(entry.path().filename().string(), ::testing::Not(::testing::HasSubstr("tmp")));
      EXPECT_THAT(entry.path().filename().string(), ::testing::Not(::testing::EndsWith("part")));
    }
  }
}

void Appliance::expect_recovery() {
  repository_.clear_hooks();
  List& list = repository_.lists["police"];
  list = {.orders = order_line("PSB-2", "gambling"),
          .names = "casino.example\ttree\t0\nnew.example\ttree\t0\nbet.test\texact\t0\n",
          .seq = list.seq + 1};
  repository_.lists.erase("press");
  repository_.publish();
  EXPECT_EQ(updater_->pull(), Outcome::published) << updater_->view().pull_error->text();
  EXPECT_EQ(entries(), 3U);
}

}  // namespace sluice::test
