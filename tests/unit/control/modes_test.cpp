// Modes that control keeps: replaced, ended, outlived, and lost with a word about it.
#include "control/service/modes.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::service {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kNow = 1'800'000'000;

class ModesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    config_.policy.policies = {{.name = "pupils"}, {.name = "lesson", .only = policy::Only{}}};
    config_.policy.groups = {{.name = "class 7", .policy = "pupils"}};
    config_.policy.default_policy = "pupils";
    config_.modes["study"] = "lesson";
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] tuf::Time now() const { return tuf::Time(std::chrono::seconds(now_)); }
  [[nodiscard]] fs::path file() const { return folder_ / "modes.json"; }
  json set(Modes& modes, const std::string& subject, const std::string& mode, json more = {}) {
    json request = {{"command", "mode-set"}, {"subject", subject}, {"mode", mode},
                    {"who", "li"},           {"reason", "exam"},   {"peer_uid", 0}};
    if (more.is_object()) request.update(more);
    return answer_mode(modes, config_, request, now());
  }

  fs::path folder_ = fs::temp_directory_path() / ("sluice-modes-" + std::to_string(getpid()));
  schema::Config config_;
  std::int64_t now_ = kNow;
};

TEST_F(ModesTest, OneForEachSubjectAndTheNewest) {
  Modes modes(file(), [this] { return now(); });
  EXPECT_TRUE(set(modes, "class 7", "study", {{"seconds", 60U}})["ok"].get<bool>());
  EXPECT_TRUE(set(modes, "class 7", "pause")["ok"].get<bool>());
  EXPECT_TRUE(set(modes, "02:00:5E:10:00:01", "lesson")["ok"].get<bool>());
  EXPECT_TRUE(set(modes, "2001:db8:0::7", "normal", {{"seconds", 5U}})["ok"].get<bool>());
  ASSERT_EQ(modes.all().size(), 3U);
  EXPECT_EQ(modes.all()[0].word, "pause");
  now_ += 5;
  EXPECT_EQ(modes.all().size(), 2U) << "one has ended by itself";
  Modes again(file(), [this] { return now(); });
  ASSERT_TRUE(again.recover());
  ASSERT_EQ(again.all().size(), 2U);
  EXPECT_EQ(again.all()[1].who, "li");
  const json ended = answer_mode(again, config_,
                                 {{"command", "mode-end"},
                                  {"subject", "02:00:5E:10:00:01"},
                                  {"who", "li"},
                                  {"reason", "over"}},
                                 now());
  EXPECT_EQ(ended["done"], "02:00:5e:10:00:01: mode lesson is over");
  EXPECT_EQ(again.all().size(), 1U);
}

TEST_F(ModesTest, TellsWhatItTakesThePlaceOf) {
  Modes modes(file(), [this] { return now(); });
  config_.times.calendar.time_zone = "Asia/Shanghai";
  const auto done = [](const json& reply) { return reply["done"].get<std::string>(); };
  EXPECT_EQ(done(set(modes, "class 7", "study")).find("in place of"), std::string::npos);
  EXPECT_NE(done(set(modes, "class 7", "pause", {{"seconds", 60U}}))
                .find(", in place of study until somebody ends it, which does not come back"),
            std::string::npos);
}

TEST_F(ModesTest, EndsWhenTheClockShowsATimeNext) {
  Modes modes(file(), [this] { return now(); });
  config_.times.calendar.time_zone = "Europe/Berlin";
  const auto until = [&](std::int64_t now, const char* time) {
    now_ = now;
    EXPECT_TRUE(set(modes, "class 7", "pause", {{"until", time}})["ok"].get<bool>()) << time;
    return modes.all().at(0).until;
  };
  const auto berlin = [](const char* text) {
    return calendar::parse_moment(text, "Europe/Berlin").value();
  };
  const std::int64_t evening = berlin("2026-10-24T20:00");
  EXPECT_EQ(until(evening, "20:30"), berlin("2026-10-24T20:30"));
  EXPECT_EQ(until(evening, "24:00"), berlin("2026-10-25T00:00"));
  EXPECT_EQ(until(evening, "20:00"), berlin("2026-10-25T20:00"));
  EXPECT_EQ(until(evening, "06:30"), berlin("2026-10-25T06:30"));
  EXPECT_EQ(until(berlin("2026-10-25T00:30"), "00:15"), berlin("2026-10-26T00:15"));  // of 25 hours
}

TEST_F(ModesTest, RefusesWhatIsNoModeOrNobodys) {
  Modes modes(file(), [this] { return now(); });
  const auto what = [&](const json& reply) { return reply["error"]["what"].get<std::string>(); };
  EXPECT_EQ(what(set(modes, "class 8", "study")), "is neither a group nor a device");
  EXPECT_EQ(what(set(modes, "192.0.2.0/24", "study")), "is neither a group nor a device");
  EXPECT_EQ(set(modes, "02-00-5E-10-00-01", "study")["error"]["advice"],
            "write it as 02:00:5e:10:00:01");
  EXPECT_EQ(what(set(modes, "class 7", "exam")), "neither modes nor policies have 'exam'");
  EXPECT_EQ(what(set(modes, "class 7", "study", {{"seconds", 0U}})),
            "a mode lasts a second to a year");
  EXPECT_EQ(what(set(modes, "class 7", "study", {{"until", "2001-01-01T00:00Z"}})),
            "is over already");
  EXPECT_EQ(what(set(modes, "class 7", "study", {{"until", "2101-01-01T00:00Z"}})),
            "is more than a year away");
  EXPECT_EQ(what(set(modes, "class 7", "study", {{"reason", ""}})), "the reason is not told");
  EXPECT_TRUE(modes.all().empty());
}

// What would not be read after a restart is not written.
TEST_F(ModesTest, MoreThanIsReadIsNotSaved) {
  Modes modes(file(), [this] { return now(); });
  ASSERT_TRUE(set(modes, "class 7", "study")["ok"].get<bool>());
  policy::Mode huge = modes.all()[0];
  huge.group = "class 8";
  huge.reason.assign(17 << 20, 'x');
  const Status status = modes.set(huge);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("more than 16 MiB"), std::string::npos);
  EXPECT_EQ(modes.all().size(), 1U);
  Modes again(file(), [this] { return now(); });
  ASSERT_TRUE(again.recover());
  EXPECT_EQ(again.all().size(), 1U);
}

TEST_F(ModesTest, ADamagedFileIsToldUntilModesAreSetAgain) {
  for (const char* text : {"{", "[]", R"({"modes": [{"mode": "pause"}]})",
                           R"({"modes": [{"mode": "pause", "mac": "x"}]})"}) {
    std::ofstream(file()) << text;
    Modes modes(file(), [this] { return now(); });
    EXPECT_FALSE(modes.recover()) << text;
    EXPECT_NE(modes.fault().find("are forgotten"), std::string::npos);
    EXPECT_TRUE(modes.all().empty());
    EXPECT_TRUE(set(modes, "default", "pause")["ok"].get<bool>());
    EXPECT_EQ(modes.fault(), "");
  }
}

}  // namespace
}  // namespace sluice::service
