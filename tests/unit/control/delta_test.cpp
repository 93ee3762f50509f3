// Deltas between releases, against the later release compiled as a whole, and against their faults.
#include "control/compile/delta.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "config/base/json.h"
#include "config/name/name.h"
#include "control/compile/cpd.h"
#include "control/compile/emergency.h"
#include "control/tuf/digest.h"
#include "tests/unit/control/repository.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using compile::Release;
using compile::ReleaseList;
using generation::Generation;

/// The lines of a list by reversed key; one line a name.
using Lines = std::map<std::string, std::string>;

std::string text_of(const Lines& lines) {
  std::string out;
  for (const auto& [key, line] : lines) out += line + "\n";
  return out;
}

class Deltas : public ::testing::Test {
 protected:
  void SetUp() override {
    now_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
    for (const char* department : {"police", "emergency"}) {
      orders_[department] =
          order_line("A-1", "gambling", "2026-05-31T00:00:00Z", "2026-06-02T00:00:00Z") +
          order_line("A-2", "fraud", "2026-05-31T00:00:00Z", "2026-06-03T00:00:00Z") +
          order_line("A-3", "drugs", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z");
    }
  }

  [[nodiscard]] compile::ListFile put(const std::string& path, const std::string& text) const {
    const std::string packed = compile::zstd_pack(text).value();
    compile::ListFile file{path, packed.size(), tuf::sha256(packed), tuf::sha256(text)};
    write_file(folder_.path() / file.stored_name(), packed);
    return file;
  }

  Release release(const std::map<std::string, Lines>& lists, std::uint64_t seq) {
    Release out;
    for (const auto& [department, lines] : lists) {
      const std::string header = "#CPL 1\n#list " + department + "\n#seq " + std::to_string(seq) +
                                 "\n#entries " + std::to_string(lines.size()) + "\n";
      ReleaseList list;
      list.department = department;
      list.seq = seq;
      list.entries = lines.size();
      list.full = put("lists/" + department + "/full.cpl.zst", header + text_of(lines));
      list.orders = put("lists/" + department + "/orders.jsonl.zst", orders_[department]);
      out.lists.push_back(list);
    }
    return out;
  }

  static std::string changes_text(const Lines& before, const Lines& after) {
    Lines keys = before;
    keys.insert(after.begin(), after.end());
    std::string out;
    for (const auto& [key, line] : keys) {
      const auto old = before.find(key);
      const auto fresh = after.find(key);
      const bool same = old != before.end() && fresh != after.end() && old->second == fresh->second;
      if (same) continue;
      if (old != before.end()) out += "-" + old->second + "\n";
      if (fresh != after.end()) out += "+" + fresh->second + "\n";
    }
    return out;
  }

  [[nodiscard]] compile::ListDelta write_delta(const ReleaseList& before, const ReleaseList& after,
                                               const std::string& changes) const {
    const fs::path path = folder_.path() / (before.department + ".cpd.zst");
    const std::string header = "#CPD 1\n#list " + before.department + "\n#from " +
                               std::to_string(before.seq) + " " + before.full.content_sha256 +
                               "\n#to " + std::to_string(after.seq) + " " +
                               after.full.content_sha256 + "\n";
    write_file(path, compile::zstd_pack(header + changes).value());
    return {before.department, path, before.department + ".cpd"};
  }

  [[nodiscard]] fs::path path(std::uint64_t number) const {
    return folder_.path() / (std::to_string(number) + ".lmdb");
  }

  std::shared_ptr<const Generation> whole(const Release& of, std::uint64_t number) const {
    const auto compiled = compile::compile({.release = &of,
                                            .lists_dir = folder_.path(),
                                            .policy_json = "{}",
                                            .now = now_,
                                            .generation = number,
                                            .output = path(number)});
    EXPECT_TRUE(compiled) << compiled.error().text();
    return compiled ? *Generation::open(path(number)) : nullptr;
  }

  Result<compile::DeltaCompiled> changed(std::shared_ptr<const Generation> base,
                                         const Release& before, const Release& after,
                                         std::vector<compile::ListDelta> deltas,
                                         std::uint64_t number) const {
    return compile::compile_delta({.base = std::move(base),
                                   .before = &before,
                                   .after = &after,
                                   .deltas = std::move(deltas),
                                   .lists_dir = folder_.path(),
                                   .policy_json = "{}",
                                   .now = now_,
                                   .generation = number,
                                   .output = path(number)});
  }

  /// Everything that a generation says, provenance by content and not by number.
  static std::vector<std::string> contents(const Generation& of) {
    std::vector<std::string> out;
    of.visit([&](std::string_view key, const std::vector<generation::Record>& records) {
      for (const auto& r : records) {
        out.push_back(std::string(key) + " " +
                      generation::provenance_json(*of.provenance(r.provenance)) + " " +
                      std::to_string(r.category) + " " + std::string(text(r.scope)) + " " +
                      std::string(text(r.layer)));
      }
      return true;
    });
    return out;
  }

  static Lines lines(std::initializer_list<const char*> texts) {
    Lines out;
    for (const std::string line : texts) {
      out[name::reversed_key(line.substr(0, line.find('\t')))] = line;
    }
    return out;
  }

  Folder folder_;
  tuf::Time now_{};
  std::map<std::string, std::string> orders_;
  const compile::LocalLayers no_layers_;
};

TEST_F(Deltas, LeadToWhatTheLaterReleaseSays) {
  std::mt19937 random(20260904);  // NOLINT: a fixed seed repeats a failure
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto draw = [&](Lines& list, unsigned count) {
    for (unsigned n = 0; n < count; ++n) {
      std::string name = "example";
      for (unsigned labels = 1 + pick(3); labels > 0; --labels) {
        name = std::string(1, static_cast<char>('a' + pick(6))) + "." + name;
      }
      const std::string key = name::reversed_key(name);
      list.erase(key);
      if (pick(3) == 0) continue;
      list[key] = name + "\t" + std::array{"tree", "exact", "subs"}[pick(3)] + "\t" +
                  std::to_string(pick(3));
    }
  };
  std::map<std::string, Lines> lists = {{"emergency", {}}, {"police", {}}};
  draw(lists["police"], 200);
  draw(lists["emergency"], 30);
  Release before = release(lists, 1);
  auto generation = whole(before, 1);
  ASSERT_TRUE(generation);
  for (std::uint64_t seq = 2; seq < 30; ++seq) {
    const auto old = lists;
    draw(lists["police"], pick(20));
    draw(lists["emergency"], pick(4));
    const Release after = release(lists, seq);
    std::vector<compile::ListDelta> deltas;
    for (std::size_t i = 0; i < after.lists.size(); ++i) {
      const std::string& department = after.lists[i].department;
      const std::string changes = changes_text(old.at(department), lists[department]);
      deltas.push_back(write_delta(before.lists[i], after.lists[i], changes));
      std::string text;
      const auto applied =
          compile::apply_cpd(folder_.path(), deltas.back().file, "cpd", before.lists[i],
                             after.lists[i], [&text](std::string_view line) {
                               text += line;
                               return Status{};
                             });
      ASSERT_TRUE(applied) << applied.error().text();
      EXPECT_EQ(tuf::sha256(text), after.lists[i].full.content_sha256);
    }
    const auto delta = changed(generation, before, after, deltas, seq);
    ASSERT_TRUE(delta) << delta.error().text();
    EXPECT_TRUE(delta->summary.is_overlay);
    generation = *Generation::open(path(seq), generation);
    const auto wanted = whole(after, 1000);
    ASSERT_EQ(contents(*generation), contents(*wanted)) << seq;
    ASSERT_EQ(parse_json(generation->sources_json()), parse_json(wanted->sources_json()));
    EXPECT_EQ(generation->header().entries, wanted->header().entries);
    before = after;
  }
}

TEST_F(Deltas, EmergenciesTakeTheirPlaceUponAnyGeneration) {
  std::mt19937 random(20261128);  // NOLINT: a fixed seed repeats a failure
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto of_emergency = [](const Generation& of, bool wanted) {
    auto out = contents(of);
    std::erase_if(out,
                  [&](const std::string& one) { return one.ends_with(" emergency") != wanted; });
    return out;
  };
  const auto draw = [&] {
    Lines out;
    for (unsigned n = pick(6); n > 0; --n) {
      const std::string name = std::string(1, static_cast<char>('a' + pick(6))) + ".b.example";
      out[name::reversed_key(name)] = name + "\t" + std::array{"tree", "exact", "subs"}[pick(3)] +
                                      "\t" + std::to_string(pick(3));
    }
    return out;
  };
  // They do not end meanwhile.
  orders_["police"] = order_line("A-1", "gambling") + order_line("A-2", "fraud");
  const Lines police = lines({"b.example\ttree\t1", "c.b.example\ttree\t0", "z.example\texact\t1"});
  auto running = whole(release({{"emergency", draw()}, {"police", police}}, 1), 1);
  ASSERT_TRUE(running);
  const auto others = of_emergency(*running, false);
  for (std::uint64_t seq = 2; seq < 40; ++seq) {
    now_ += std::chrono::minutes(pick(120));
    // The authority's other lists have gone on meanwhile.
    std::map<std::string, Lines> lists = {{"police", lines({"new.example\ttree\t0"})}};
    if (pick(4) != 0) lists["emergency"] = draw();
    const Release newest = release(lists, seq);
    const auto emergency = compile::read_emergency(newest, folder_.path(), compile::Rules(), now_);
    ASSERT_TRUE(emergency) << emergency.error().text();
    const auto made = compile::compile_local({.base = running,
                                              .layers = &no_layers_,
                                              .emergency = &*emergency,
                                              .policy_json = "{}",
                                              .now = now_,
                                              .generation = seq,
                                              .output = path(seq)});
    ASSERT_TRUE(made) << made.error().text();
    running = *Generation::open(path(seq), running);
    const auto wanted = whole(newest, 1000);
    ASSERT_EQ(of_emergency(*running, true), of_emergency(*wanted, true)) << seq;
    ASSERT_EQ(of_emergency(*running, false), others);
    const auto told = compile::sources_from_json(running->sources_json()).emergency;
    ASSERT_TRUE(told);
    EXPECT_EQ(told->id, compile::emergency_id(newest));
    EXPECT_EQ(told->orders.next_change, emergency->orders.next_change);
    EXPECT_EQ(told->orders.last_change, emergency->orders.last_change);
    EXPECT_EQ(told->keys.size(), of_emergency(*running, true).size());
    if (pick(3) != 0) continue;
    // One of before that was told: what is there of it is found in the generation.
    auto writer = generation::DeltaWriter::create(running);
    auto sources = parse_json(running->sources_json());
    sources.erase("emergency");
    writer->set_sources(json_text(sources));
    ASSERT_TRUE(writer->finish(path(seq + 100), seq + 100, "2026-06-01T00:00:00Z"));
    running = *Generation::open(path(seq + 100), running);
  }
}

TEST_F(Deltas, AreRefusedWhereTheyCannotTellAll) {
  const std::map<std::string, Lines> old = {
      {"police", lines({"a.example\ttree\t0", "b.example\ttree\t1"})}};
  const std::map<std::string, Lines> fresh = {
      {"police", lines({"a.example\ttree\t0", "c.example\ttree\t1"})}};
  const Release before = release(old, 1);
  const Release after = release(fresh, 2);
  const auto base = whole(before, 1);
  const std::string good = "-b.example\ttree\t1\n+c.example\ttree\t1\n";
  const auto reason = [&](const std::string& changes) {
    const auto delta = write_delta(before.lists[0], after.lists[0], changes);
    const auto compiled = changed(base, before, after, {delta}, 2);
    EXPECT_FALSE(compiled && fs::exists(path(2)) && changes != good);
    return compiled ? std::string() : compiled.error().text();
  };
  using ::testing::HasSubstr;
  EXPECT_EQ(reason(good), "");
  EXPECT_THAT(reason("-z.example\ttree\t1\n"), HasSubstr("not listed so"));
  EXPECT_THAT(reason("-b.example\texact\t1\n"), HasSubstr("not listed so"));
  EXPECT_THAT(reason("-b.example\ttree\t0\n"), HasSubstr("not listed so"));
  EXPECT_THAT(reason("+a.example\ttree\t0\n"), HasSubstr("that the list has"));
  EXPECT_THAT(reason("+c.example\ttree\t9\n"), HasSubstr("is not in the 3 lines"));
  EXPECT_THAT(reason("+c.example\ttree\t1\n-b.example\ttree\t1\n"), HasSubstr("out of order"));
  EXPECT_THAT(reason("c.example\ttree\t1\n"), HasSubstr("no '+' or '-' line"));
  EXPECT_THAT(reason("+C.example\ttree\t1\n"), HasSubstr("not canonical"));

  const auto other = write_delta(after.lists[0], before.lists[0], good);
  EXPECT_FALSE(changed(base, before, after, {other}, 2));  // of two other lists
  EXPECT_FALSE(changed(base, before, after, {}, 2));       // none
  EXPECT_FALSE(changed(base, after, after, {}, 2));        // the base is of another release
  now_ = tuf::parse_time("2026-06-02T00:00:00Z").value();  // an order has ended since
  EXPECT_FALSE(
      changed(base, before, after, {write_delta(before.lists[0], after.lists[0], good)}, 2));
  now_ = tuf::parse_time("2026-06-01T00:00:00Z").value();
  orders_["police"] = order_line("A-1", "fraud");
  const Release reordered = release(fresh, 2);
  EXPECT_FALSE(changed(base, before, reordered,
                       {write_delta(before.lists[0], reordered.lists[0], good)}, 2));
}

TEST_F(Deltas, AreAppliedToTheListOnlyWhereTheyFit) {
  const Release before =
      release({{"police", lines({"a.example\ttree\t0", "b.example\ttree\t1"})}}, 1);
  const Release after =
      release({{"police", lines({"a.example\ttree\t0", "c.example\ttree\t1"})}}, 2);
  const auto applies = [&](const std::string& changes) {
    const auto delta = write_delta(before.lists[0], after.lists[0], changes);
    return compile::apply_cpd(folder_.path(), delta.file, "cpd", before.lists[0], after.lists[0],
                              [](std::string_view) { return Status{}; })
        .has_value();
  };
  EXPECT_TRUE(applies("-b.example\ttree\t1\n+c.example\ttree\t1\n"));
  EXPECT_FALSE(applies("-b.example\ttree\t0\n+c.example\ttree\t1\n"));  // absent
  EXPECT_FALSE(applies("+a.example\ttree\t0\n"));                       // present
  EXPECT_FALSE(applies("+c.example\ttree\t1\n"));                       // leads to another list
  EXPECT_FALSE(applies(""));
}

}  // namespace
}  // namespace sluice::test
