// Releases that come by deltas: applied where they are sound, and the full list where they are not.
#include <set>

#include "config/name/name.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using generation::Generation;

class DeltaPull : public Appliance {
 protected:
  void SetUp() override {
    Appliance::SetUp();
    publish({});
    ASSERT_EQ(updater_->pull(), Outcome::published);
  }

  /// The next list: `extra` names beside 2,000 that stay.
  void publish(const std::set<std::string>& extra, const char* order = "PSB-1") {
    List& list = repository_.lists["police"];
    list.orders = order_line(order, "gambling");
    list.names.clear();
    for (unsigned i = 0; i < 2000; ++i) {
      list.names += "n" + std::to_string(100'000 + i * 7) + ".example\ttree\t0\n";
    }
    for (const std::string& name : extra) list.names += name + ".test\ttree\t0\n";
    ++list.seq;
    list.deltas = true;
    repository_.publish();
  }

  [[nodiscard]] std::shared_ptr<const Generation> opened() const {
    auto opened = Generation::open(config_.generations_dir() / "current");
    return opened ? *opened : nullptr;
  }

  [[nodiscard]] bool lists(const char* text) const {
    name::LookupName name;
    (void)name::from_text(text, name);
    return opened()->cursor()->find(name).categories != 0;
  }

  void expect_overlay(std::uint64_t entries_now) {
    ASSERT_EQ(updater_->pull(), Outcome::published) << updater_->view().pull_error->text();
    EXPECT_TRUE(opened()->header().base) << "it was compiled as a whole";
    EXPECT_EQ(entries(), entries_now);
  }
  void expect_whole(std::uint64_t entries_now) {
    ASSERT_EQ(updater_->pull(), Outcome::published) << updater_->view().pull_error->text();
    EXPECT_FALSE(opened()->header().base) << "a bad delta was used";
    EXPECT_EQ(entries(), entries_now);
  }
  /// Takes the full lists from the mirror, so that only deltas are left.
  void remove_full_lists() const {
    for (const auto& entry :
         fs::directory_iterator(repository_.folder() / "targets/lists/police")) {
      if (entry.path().string().ends_with(".full.cpl.zst")) fs::remove(entry.path());
    }
  }
  void on_deltas(const std::function<void(std::string& bytes)>& change) {
    repository_.on_file = [change](const std::string& path, std::string& bytes) {
      if (path.find("/delta-") != std::string::npos || path.find(".delta-") != std::string::npos) {
        change(bytes);
      }
    };
  }
};

TEST_F(DeltaPull, OneStepIsFetchedInsteadOfTheList) {
  publish({"new"});
  remove_full_lists();
  expect_overlay(2001);
  EXPECT_TRUE(lists("www.new.test"));
  publish({"other"});
  remove_full_lists();
  expect_overlay(2001);
  EXPECT_FALSE(lists("new.test"));
  EXPECT_TRUE(lists("other.test"));
  EXPECT_EQ(updater_->pull(), Outcome::unchanged);
  restart();
  EXPECT_EQ(updater_->pull(), Outcome::unchanged);
}

TEST_F(DeltaPull, SeveralStepsAreOneChange) {
  publish({"a"});
  publish({"a", "b"});
  publish({"b", "c"});
  publish({"b", "d"});
  remove_full_lists();
  expect_overlay(2002);
  EXPECT_FALSE(lists("a.test"));
  EXPECT_FALSE(lists("c.test"));
  EXPECT_TRUE(lists("b.test"));
  EXPECT_TRUE(lists("d.test"));
}

TEST_F(DeltaPull, BrokenDeltasGiveWayToTheFullList) {
  std::uint64_t names = 2001;
  const auto next = [&](const char* name) {
    publish({name});
    expect_whole(names);
    repository_.clear_hooks();
    publish({});
    expect_overlay(2000);
  };
  on_deltas([](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
  next("flipped");
  on_deltas([](std::string& bytes) { bytes.resize(bytes.size() / 2); });
  next("cut");
  on_deltas([](std::string& bytes) { bytes += bytes; });
  next("longer");
  // Signed, and wrong all the same.
  repository_.on_delta = [](std::string& text, tuf::Json&) { text += "+zz.test\ttree\t0\n"; };
  next("too-much");
  repository_.on_delta = [](std::string& text, tuf::Json&) {
    text.insert(text.find("\n+") + 1, "-absent.example\ttree\t0\n");
  };
  next("absent");
  repository_.on_delta = [](std::string& text, tuf::Json&) { text.resize(text.rfind('+')); };
  next("too-little");
  repository_.on_delta = [](std::string& text, tuf::Json&) { text.replace(0, 6, "#CPD 2"); };
  next("header");
  repository_.on_delta = [](std::string& text, tuf::Json&) { text.append(2'000'000, 'x'); };
  next("bomb");
  // No delta at all as far as an appliance can see.
  repository_.on_delta = [](std::string&, tuf::Json& custom) { custom["to"] = "x"; };
  next("senseless");
  repository_.on_delta = [](std::string&, tuf::Json& custom) {
    custom["from_content_sha256"] = std::string(64, 'a');
  };
  next("another-base");
}

TEST_F(DeltaPull, MissingDeltaGivesWayToTheFullList) {
  publish({"a"});
  publish({"b"});
  for (const auto& entry : fs::directory_iterator(repository_.folder() / "targets/lists/police")) {
    if (entry.path().string().ends_with(".cpd.zst")) fs::remove(entry.path());
  }
  expect_whole(2001);
}

TEST_F(DeltaPull, ChangedOrderIsCompiledAsAWhole) {
  publish({"a"}, "PSB-2");
  remove_full_lists();  // the delta is good enough to make the list
  expect_whole(2001);
  const auto provenance = opened()->provenance(0);
  ASSERT_TRUE(provenance);
  EXPECT_EQ(provenance->order, "PSB-2");
}

TEST_F(DeltaPull, DamagedMadeListIsFetched) {
  publish({"a"});
  expect_overlay(2001);
  unsigned made = 0;
  for (const auto& entry : fs::directory_iterator(config_.state_dir / "lists")) {
    if (!entry.path().string().ends_with(".made.cpl.zst")) continue;
    write_file(entry.path(), "damaged");
    ++made;
  }
  ASSERT_EQ(made, 1U);
  publish({"b"});
  expect_whole(2001);
  EXPECT_TRUE(lists("b.test"));
}

TEST_F(DeltaPull, TheMadeListIsCompiledWithoutTheMirror) {
  publish({"a"});
  remove_full_lists();
  expect_overlay(2001);
  fs::remove_all(repository_.folder());
  fs::remove_all(config_.generations_dir());
  restart();
  EXPECT_TRUE(lists("a.test"));
  EXPECT_EQ(entries(), 2001U);
  EXPECT_FALSE(opened()->header().base);
  now_ = tuf::parse_time("2027-01-01T00:00:00Z").value();
  ASSERT_TRUE(updater_->refresh_generation());
  EXPECT_EQ(entries(), 0U);
}

TEST_F(DeltaPull, AfterManyChangesAWholeGenerationIsMade) {
  publish({"a"});
  expect_overlay(2001);
  write_file(config_.generations_dir() / "0000000080.lmdb", "a crash's");
  publish({"b"});
  expect_whole(2001);
  publish({"c"});
  expect_overlay(2001);
}

TEST_F(DeltaPull, BasesStayAsLongAsTheirOverlays) {
  for (unsigned i = 0; i < config_.keep_generations + 2; ++i) {
    publish({"x" + std::to_string(i)});
    expect_overlay(2001);
  }
  EXPECT_TRUE(fs::exists(config_.generations_dir() / "0000000002.lmdb"));
  EXPECT_FALSE(fs::exists(config_.generations_dir() / "0000000003.lmdb"));
  fs::resize_file(config_.generations_dir() / current(), 100);
  restart();
  EXPECT_TRUE(lists("x6.test"));  // of the retained list: the one before did not have it
}

}  // namespace
}  // namespace sluice::test
