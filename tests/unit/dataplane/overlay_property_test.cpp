// Chains of random changes, each against the list that results written as a whole: the entries
// octet by octet, and the index, the cursor and the deciders for listed and other names.
#include <filesystem>
#include <map>

#include "config/generation/delta_writer.h"
#include "tests/unit/dataplane/index_fixture.h"
#include "tests/unit/dataplane/random_names.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using generation::Generation;
using generation::Record;

struct Counts {
  unsigned overlays = 0;
  unsigned whole = 0;
  unsigned indexes_changed = 0;  // not built anew
  std::size_t names = 0;
};

class Chain {
 public:
  Chain(RandomNames& random, unsigned entries, unsigned labels,
        const std::optional<index::SuffixHash::Key>& hash_key)
      : random_(random), labels_(labels), hash_key_(hash_key) {
    folder_ = fs::path(testing::TempDir()) / ("sluice-overlay-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    for (unsigned n = 0; n < entries; ++n) entries_[random.key(labels)] = records();
    generation_ = *Generation::open(write_whole(entries_, ++number_));
    listed_ = std::make_unique<Listed>(entries_, generation_, build(*generation_));
  }
  ~Chain() { fs::remove_all(folder_); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  /// Of the overlay's entries those that the index finds without LMDB, for which they have to lie
  /// near the base; all but a few that meet another name's tag, or have a page of their own.
  [[nodiscard]] double share_in_the_table() const {
    const generation::Overlay& overlay = *generation_->overlay();
    double listed = 0;
    double found = 0;
    for (std::size_t i = 0; i < overlay.size(); ++i) {
      if (overlay[i].value.empty()) continue;
      ++listed;
      if (listed_->index().match(from_key(std::string(overlay[i].key)))) ++found;
    }
    return found / listed;
  }

  /// Changes some entries; false where anything differs from the list written as a whole.
  bool step(unsigned changes, std::uint64_t max_changed, Counts& counts) {
    ++number_;
    auto writer = generation::DeltaWriter::create(generation_);
    EXPECT_TRUE(writer) << writer.error().text();
    for (const auto& [key, records] : draw(changes)) {
      EXPECT_TRUE(writer->change(key, records));
      if (records.empty()) {
        entries_.erase(key);
      } else {
        entries_[key] = records;
      }
    }
    const auto written = writer->finish(path(number_), number_, "t", max_changed);
    EXPECT_TRUE(written) << written.error().text();
    ++(written->is_overlay ? counts.overlays : counts.whole);

    // With what is open already, and as after a restart.
    auto after = Generation::open(written->path, random_.pick(2) == 0 ? generation_ : nullptr);
    EXPECT_TRUE(after) << after.error().text();
    EXPECT_TRUE((*after)->verify_content());
    auto index = index::SuffixIndex::change(listed_->index(), *generation_, **after);
    EXPECT_TRUE(index);
    if (*index) ++counts.indexes_changed;
    listed_ =
        std::make_unique<Listed>(entries_, *after, *index ? std::move(*index) : build(**after));
    generation_ = *after;
    return is_as_written_whole() && answers_agree(counts);
  }

 private:
  using Raw = std::vector<std::pair<std::string, std::string>>;

  [[nodiscard]] fs::path path(std::uint64_t number) const {
    return folder_ / (std::to_string(number) + ".lmdb");
  }

  // Now and then so many that LMDB gives them a page of their own.
  std::vector<Record> records() {
    auto out = random_records(random_.engine());
    if (random_.pick(200) == 0) out.resize(300, out.front());
    return out;
  }

  fs::path write_whole(const Entries& entries, std::uint64_t number) const {
    auto writer = generation::Writer::create(path(number));
    for (const auto& [key, records] : entries) EXPECT_TRUE(writer->append(key, records));
    EXPECT_TRUE(writer->finish(number, "t"));
    return path(number);
  }

  [[nodiscard]] std::unique_ptr<const index::SuffixIndex> build(const Generation& of) const {
    return std::move(
        *(hash_key_ ? index::SuffixIndex::build(of, *hash_key_) : index::SuffixIndex::build(of)));
  }

  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const auto& [key, records] : entries_) out.push_back(key);
    return out;
  }

  /// Removals, changes of what is there, and new names, above, below and beside what is there; now
  /// and then a removal of what is not there.
  Entries draw(unsigned changes) {
    Entries out;
    const auto listed = keys();
    for (unsigned n = 0; n < changes; ++n) {
      const bool there = !listed.empty() && random_.pick(3) != 0;
      const std::string key = there ? listed[random_.pick(static_cast<unsigned>(listed.size()))]
                                    : random_.near(listed, labels_);
      out[key] = random_.pick(there ? 2 : 20) == 0 ? std::vector<Record>{} : records();
    }
    return out;
  }

  static Raw raw(const Generation& of) {
    Raw out;
    EXPECT_TRUE(of.for_each_entry(
        [&](std::string_view key, std::string_view value) { out.emplace_back(key, value); }));
    return out;
  }

  [[nodiscard]] bool is_as_written_whole() const {
    const auto whole = *Generation::open(write_whole(entries_, 0));
    EXPECT_EQ(generation_->header().entries, whole->header().entries);
    EXPECT_EQ(generation_->header().records, whole->header().records);
    const Raw got = raw(*generation_);
    const Raw wanted = raw(*whole);
    const auto [at, other] = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end());
    EXPECT_TRUE(at == got.end()) << at->first;
    EXPECT_TRUE(other == wanted.end()) << other->first;
    return got == wanted;
  }

  bool answers_agree(Counts& counts) {
    std::vector<name::FoldedName> names;
    const auto listed = keys();
    for (const std::string& key : listed) names.push_back(from_key(key));
    // Those that were removed just now are among the overlay's own.
    if (const auto* overlay = generation_->overlay()) {
      for (std::size_t i = 0; i < overlay->size(); ++i) {
        names.push_back(from_key(std::string((*overlay)[i].key)));
        names.push_back(from_key(std::string((*overlay)[i].key) + "zz."));
      }
    }
    for (unsigned n = 0; n < 2000; ++n) names.push_back(from_key(random_.near(listed, labels_)));
    counts.names += names.size();
    return listed_->differences(names) == 0;
  }

  RandomNames& random_;
  unsigned labels_;
  std::optional<index::SuffixHash::Key> hash_key_;
  fs::path folder_;
  std::uint64_t number_ = 0;
  Entries entries_;
  std::shared_ptr<const Generation> generation_;
  std::unique_ptr<Listed> listed_;
};

TEST(OverlayProperty, ChainsOfChangesAreTheListThatResults) {
  RandomNames random(20260901);
  Counts counts;
  for (unsigned round = 0; round < 15; ++round) {
    Chain chain(random, random.pick(300), 2 + random.pick(30), {});
    for (unsigned step = 0; step < 8; ++step) {
      ASSERT_TRUE(chain.step(random.pick(12), random.pick(6) == 0 ? 3 : 1000, counts))
          << round << ' ' << step;
    }
  }
  EXPECT_GT(counts.overlays, 80U);
  EXPECT_GT(counts.whole, 8U);
  EXPECT_GT(counts.indexes_changed, 40U);
  EXPECT_GT(counts.names, 200'000U);
}

TEST(OverlayProperty, ChainsOfChangesToALongList) {
  RandomNames random(20260902);
  Counts counts;
  Chain chain(random, 20'000, 300, {});
  for (unsigned step = 0; step < 6; ++step) {
    ASSERT_TRUE(chain.step(1 + random.pick(100), 100'000, counts)) << step;
  }
  EXPECT_EQ(counts.overlays, 6U);
  EXPECT_GE(counts.indexes_changed, 1U);
  EXPECT_GT(chain.share_in_the_table(), 0.95);
}

// Under such a key all names have one hash, and every slot is in question.
TEST(OverlayProperty, ChainsOfChangesWhereAllNamesCollide) {
  RandomNames random(20260903);
  Counts counts;
  for (unsigned round = 0; round < 5; ++round) {
    Chain chain(random, 150, 20, index::SuffixHash::Key{});
    for (unsigned step = 0; step < 8; ++step) {
      ASSERT_TRUE(chain.step(random.pick(8), 1000, counts)) << round << ' ' << step;
    }
  }
  EXPECT_GT(counts.indexes_changed, 12U);
}

}  // namespace
}  // namespace sluice::test
