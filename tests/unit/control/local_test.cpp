// A site's own lists as layers of a generation: merged in as a whole, or changed in one that is
// there, the result is the same.
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "control/compile/compile.h"
#include "control/site/site.h"
#include "tests/unit/control/repository.h"

namespace sluice::test {
namespace {

using compile::LocalContent;
using compile::LocalLayers;
using compile::LocalSource;
using generation::Disposition;
using generation::Layer;
using generation::Record;
using generation::Scope;

/// What stands at each key, without the numbers of provenance rows.
using Listed = std::map<std::string, std::vector<std::string>>;

Listed listed(const generation::Generation& generation) {
  Listed out;
  generation.visit([&](std::string_view key, const std::vector<Record>& records) {
    for (const Record& one : records) {
      out[std::string(key)].push_back(
          std::to_string(one.category) + " " + std::string(text(one.scope)) + " " +
          std::string(text(one.disposition)) + " " + std::string(text(one.layer)) + " " +
          generation.provenance(one.provenance)->list);
    }
    std::sort(out[std::string(key)].begin(), out[std::string(key)].end());
    return true;
  });
  return out;
}

class Local : public ::testing::Test {
 protected:
  LocalSource random_source(const std::string& name, Layer layer) {
    auto content = std::make_shared<LocalContent>();
    content->provenance = {{.department = "site", .list = name},
                           {.department = "site", .list = name, .authority = "li"}};
    std::map<std::string, Record> entries;
    for (unsigned n = pick(30); n > 0; --n) {
      std::string key = "example.";
      for (unsigned labels = 1 + pick(2); labels > 0; --labels) {
        key += std::string(1, static_cast<char>('a' + pick(6))) + ".";
      }
      const bool allow = layer == Layer::site && pick(3) == 0;
      entries[key] = {pick(2), static_cast<std::uint8_t>(18 + pick(9)), static_cast<Scope>(pick(3)),
                      allow ? Disposition::allow : Disposition::block, layer};
    }
    for (const auto& [key, record] : entries) content->entries.push_back({key, record});
    contents_[name + std::to_string(++ids_)] = content;
    return {name, name + std::to_string(ids_), [content] { return *content; }};
  }

  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  /// The authority's part, with these layers merged in.
  std::shared_ptr<const generation::Generation> whole(const LocalLayers& layers) {
    const auto path = folder_.path() / "whole.lmdb";
    auto writer = generation::Writer::create(path);
    EXPECT_TRUE(writer);
    auto stream = compile::LocalStream::open(layers);
    EXPECT_TRUE(stream);
    const auto row = writer->add_provenance({.department = "police", .list = "police"});
    std::map<std::string, std::vector<Record>> all;
    for (const char* key : {"example.", "example.a.", "example.b.c.", "test.x."}) {
      all[key].push_back({*row, 8, Scope::tree, Disposition::block, Layer::authority});
    }
    while (const std::string* key = stream->key()) {
      const std::string copy = *key;
      EXPECT_TRUE(stream->take(*writer, all[copy]));
    }
    for (const auto& [key, records] : all) EXPECT_TRUE(writer->append(key, records));
    tuf::Json sources = {{"lists", tuf::Json::array()}};
    compile::put_local(sources, layers);
    EXPECT_TRUE(writer->set_sources(sources.dump()));
    EXPECT_TRUE(writer->finish(1, "2026-01-01T00:00:00Z"));
    return *generation::Generation::open(path);
  }

  Folder folder_;
  std::mt19937 random_{4711};  // NOLINT: a fixed seed repeats a failure
  unsigned ids_ = 0;
  std::map<std::string, std::shared_ptr<LocalContent>> contents_;  // by id
};

TEST_F(Local, ChangesComeToWhatAWholeCompilationSays) {
  for (int round = 0; round < 40; ++round) {
    LocalLayers layers;
    const auto base = whole(layers);
    std::filesystem::rename(folder_.path() / "whole.lmdb", folder_.path() / "base.lmdb");
    auto current = *generation::Generation::open(folder_.path() / "base.lmdb");
    for (std::uint64_t step = 2; step < 8; ++step) {
      LocalLayers next;
      if (pick(4) != 0) next.sources.push_back(random_source("own", Layer::site));
      for (const auto& source : layers.sources) {
        if (source.name != "own" && pick(2) == 0) next.sources.push_back(source);
      }
      const bool has_list = !next.sources.empty() && next.sources.back().name != "own";
      if (!has_list && pick(4) != 0) {
        next.sources.push_back(random_source("subscription:ads", Layer::subscription));
      }
      // What was there before is known, or found in the generation.
      if (pick(2) == 0) {
        next.former = [this](const std::string&, const std::string& id) {
          std::vector<std::string> keys;
          for (const auto& entry : contents_.at(id)->entries) keys.push_back(entry.key);
          return std::optional(keys);
        };
      }
      const auto path = folder_.path() / (std::to_string(step) + ".lmdb");
      auto made = compile::compile_local({.base = current,
                                          .layers = &next,
                                          .policy_json = "",
                                          .now = {},
                                          .generation = step,
                                          .output = path});
      ASSERT_TRUE(made) << made.error().text();
      EXPECT_TRUE(made->summary.is_overlay);
      current = *generation::Generation::open(path);
      EXPECT_EQ(listed(*current), listed(*whole(next)));
      EXPECT_EQ(compile::sources_from_json(current->sources_json()).local, next.ids());
      layers = next;
    }
  }
}

TEST_F(Local, ASourceThatCannotBeReadLeavesNoFile) {
  const auto base = whole({});
  LocalLayers layers;
  layers.sources.push_back(
      {"own", "x", []() -> Result<LocalContent> { return fail("is damaged"); }});
  const auto path = folder_.path() / "2.lmdb";
  EXPECT_FALSE(compile::compile_local({.base = base,
                                       .layers = &layers,
                                       .policy_json = "",
                                       .now = {},
                                       .generation = 2,
                                       .output = path}));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SiteEntries, WhoMayAllowWhat) {
  const tuf::Time now = tuf::parse_time("2026-06-01T00:00:00Z").value();
  const auto check = [&](const char* category, policy::CategoryMask covering, bool is_admin) {
    const site::Entry entry{.allow = true,
                            .name = "a.example",
                            .categories = policy::bit(policy::find_category(category)->id),
                            .until = now + std::chrono::hours(24)};
    return site::check_entry(entry, covering, is_admin, now).has_value();
  };
  EXPECT_TRUE(check("games", 0, false));
  EXPECT_FALSE(check("gambling", 0, false));
  EXPECT_TRUE(check("gambling", 0, true));
  EXPECT_FALSE(check("terror", 0, true));
  EXPECT_FALSE(check("games", policy::bit(4), true)) << "the authority lists it as terror too";
  EXPECT_FALSE(check("protected", 0, true));
}

TEST(SiteEntries, FilesThatNobodyWroteAreRefused) {
  const Folder folder;
  const std::string good =
      R"({"allow":true,"at":"2026-06-01T00:00:00Z","categories":["games"],"name":"a.example",)"
      R"("reason":"r","scope":"tree","uid":"0","until":"2026-07-01T00:00:00Z","who":"li"})";
  const auto load = [&](const std::string& entry) {
    write_file(folder.path() / "entries.json", R"({"entries":[)" + entry + "]}");
    return site::load_entries(folder.path());
  };
  ASSERT_TRUE(load(good));
  EXPECT_EQ(load(good)->entries.size(), 1U);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_FALSE(load(with(R"(,"until":"2026-07-01T00:00:00Z")", ""))) << "an allow without an end";
  EXPECT_FALSE(load(with("a.example", "A.example")));
  EXPECT_FALSE(load(with("a.example", "../etc")));
  EXPECT_FALSE(load(with("\"games\"", "\"gmaes\"")));
  EXPECT_FALSE(load(with("tree", "all")));
  EXPECT_FALSE(load(with("true", "1")));
}

}  // namespace
}  // namespace sluice::test
