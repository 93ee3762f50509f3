// The trees of transparency logs, held against a plain definition of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/tlog/base64.h"
#include "control/tlog/tiles.h"
#include "control/tuf/digest.h"

namespace sluice::tlog {
namespace {

using ::testing::HasSubstr;

/// RFC 6962 section 2.1, word by word.
Hash plain_root(std::span<const Hash> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return node_hash(plain_root(leaves.first(k)), plain_root(leaves.subspan(k)));
}

/// A log in memory.
struct Log {
  void append(const std::string& entry) {
    auto more = append_tiles(leaves.size(), entry, fetch());
    ASSERT_TRUE(more) << more.error().text();
    for (auto& [path, tile] : *more) tiles[path] = std::move(tile);
    leaves.push_back(leaf_hash(entry));
  }
  FetchTile fetch() {
    return [this](int level, std::uint64_t index, std::uint64_t width) -> Result<std::string> {
      const std::string path = tile_path(level, index, width);
      const auto found = tiles.find(path);
      if (found == tiles.end()) return fail("no such tile", path);
      return found->second;
    };
  }
  Hash root(std::size_t size) const { return plain_root(std::span(leaves).first(size)); }

  std::map<std::string, std::string> tiles;
  std::vector<Hash> leaves;
};

TEST(Base64, OnlyItsOneForm) {
  for (const char* text : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}) {
    const auto octets = from_base64(text);
    ASSERT_TRUE(octets) << text;
    EXPECT_EQ(to_base64(*octets), text);
  }
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "====", "Z-9v"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Merkle, RootsOfCertificateTransparency) {
  // The eight inputs that implementations of RFC 6962 are tested with.
  std::vector<Hash> leaves;
  for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                          "606162636465666768696a6b6c6d6e6f"}) {
    const auto octets = tuf::from_hex(hex);
    leaves.push_back(leaf_hash(std::string(octets->begin(), octets->end())));
  }
  EXPECT_EQ(tuf::to_hex(empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(tuf::to_hex(leaves[0]),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(tuf::to_hex(plain_root(leaves)),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(Tiles, PathsOfTheSpecification) {
  EXPECT_EQ(tile_path(0, 0, 256), "tile/0/000");
  EXPECT_EQ(tile_path(0, 5, 12), "tile/0/005.p/12");
  EXPECT_EQ(tile_path(2, 1234067, 256), "tile/2/x001/x234/067");
  EXPECT_EQ(tile_path(kEntries, 1000, 1), "tile/entries/x001/000.p/1");
  // "A tree of size 70,000 …"
  EXPECT_EQ(tile_width(0, 272, 70'000), 256U);
  EXPECT_EQ(tile_width(0, 273, 70'000), 112U);
  EXPECT_EQ(tile_width(0, 274, 70'000), 0U);
  EXPECT_EQ(tile_width(1, 1, 70'000), 17U);
  EXPECT_EQ(tile_width(2, 0, 70'000), 1U);
  EXPECT_EQ(tile_width(3, 0, 70'000), 0U);
}

TEST(Tiles, EveryProofOfEverySizeHoldsAndNoOtherDoes) {
  Log log;
  for (std::uint64_t size = 1; size <= 33; ++size) {
    log.append("entry " + std::to_string(size));
    Tree tree(size, log.fetch());
    ASSERT_EQ(tree.root(), log.root(size)) << size;
    for (std::uint64_t index = 0; index < size; ++index) {
      auto proof = tree.inclusion(index);
      ASSERT_TRUE(proof) << proof.error().text();
      EXPECT_EQ(root_of_inclusion(log.leaves[index], index, size, *proof), log.root(size));
      EXPECT_NE(root_of_inclusion(log.leaves[index], (index + 1) % (size + 1), size, *proof),
                log.root(size));
      proof->push_back({});
      EXPECT_FALSE(root_of_inclusion(log.leaves[index], index, size, *proof));
    }
    for (std::uint64_t old = 0; old <= size; ++old) {
      auto proof = tree.consistency(old);
      ASSERT_TRUE(proof) << proof.error().text();
      EXPECT_TRUE(is_consistent(old, log.root(old), size, log.root(size), *proof));
      EXPECT_FALSE(is_consistent(old, leaf_hash("x"), size, log.root(size), *proof));
      // Every tree begins with the empty one.
      EXPECT_EQ(is_consistent(old, log.root(old), size, leaf_hash("x"), *proof), old == 0) << old;
      if (!proof->empty())
        proof->pop_back();
      else
        proof->push_back({});
      EXPECT_FALSE(is_consistent(old, log.root(old), size, log.root(size), *proof)) << old;
    }
  }
  EXPECT_FALSE(is_consistent(34, log.root(33), 33, log.root(33), {}));
}

TEST(Tiles, HigherLevels) {
  Log log;
  for (std::uint64_t size = 1; size <= 1030; ++size) {
    log.append(std::to_string(size));
    if (size % 256 > 1 && size < 1025) continue;
    Tree tree(size, log.fetch());
    ASSERT_EQ(tree.root(), log.root(size)) << size;
    const std::uint64_t old = size * 2 / 3;
    EXPECT_EQ(root_of_inclusion(log.leaves[old], old, size, tree.inclusion(old).value()),
              log.root(size));
    EXPECT_TRUE(
        is_consistent(old, log.root(old), size, log.root(size), tree.consistency(old).value()));
  }
  EXPECT_EQ(log.tiles.at("tile/1/000.p/4").size(), 4 * kHashOctets);
  // The entry that completes a tile of the second level begins the third.
  std::string second(255 * kHashOctets, 'b');
  const auto tiles = append_tiles(65'535, "last", [&](int level, std::uint64_t, std::uint64_t) {
    return Result<std::string>(level < 0 ? "bundle" : second);
  });
  ASSERT_TRUE(tiles);
  const std::string first = second + std::string(octets_of(leaf_hash("last")));
  second += octets_of(tile_root(first));
  EXPECT_EQ(tiles->at("tile/0/255"), first);
  EXPECT_EQ(tiles->at("tile/1/000"), second);
  EXPECT_EQ(tiles->at("tile/2/000.p/1"), octets_of(tile_root(second)));
  EXPECT_EQ(tiles->size(), 4U);
}

TEST(Tiles, MissingAndShortTilesAreTold) {
  Log log;
  for (int i = 0; i < 5; ++i) log.append(std::to_string(i));
  EXPECT_THAT(Tree(6, log.fetch()).root().error().text(), HasSubstr("no such tile"));
  log.tiles["tile/0/000.p/5"].pop_back();
  EXPECT_THAT(Tree(5, log.fetch()).root().error().text(), HasSubstr("159 octets"));
  EXPECT_FALSE(append_tiles(5, "x", log.fetch()));
  const std::string bundle = log.tiles["tile/entries/000.p/5"];
  EXPECT_EQ(parse_bundle(bundle, 5, "b").value()[4], "4");
  EXPECT_FALSE(parse_bundle(bundle, 4, "b"));
  EXPECT_FALSE(parse_bundle(bundle.substr(1), 5, "b"));
}

TEST(Tiles, APrefixIsTheTileOfThen) {
  Log log;
  for (int i = 0; i < 256; ++i) log.append(std::string(static_cast<std::size_t>(i), 'x'));
  for (const auto& [level, folder] : {std::pair(0, "tile/0/000"), {kEntries, "tile/entries/000"}}) {
    const std::string full = log.tiles[folder];
    for (std::uint64_t width = 1; width < kTileWidth; ++width) {
      const std::string then = log.tiles[std::string(folder) + ".p/" + std::to_string(width)];
      ASSERT_EQ(tile_prefix(level, full, width), then) << folder << " " << width;
    }
    EXPECT_EQ(tile_prefix(level, full.substr(0, 40), 9), full.substr(0, 40));
    EXPECT_EQ(tile_prefix(level, "x", 1), "x");
    EXPECT_EQ(tile_prefix(level, "", 1), "");
  }
}

}  // namespace
}  // namespace sluice::tlog
