#include <gtest/gtest.h>
#include <numeric>

#include "dataplane/flow/fragments.h"
#include "dataplane/flow/limiter.h"
#include "dataplane/flow/syn_cache.h"
#include "dataplane/flow/table.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::flow {
namespace {

using test::Bytes;

Key key_of(std::uint32_t n) {
  Key key;
  std::memcpy(key.client.data(), &n, sizeof n);
  key.protocol = 6;
  return key;
}

class TableTest : public ::testing::Test {
 protected:
  Flow* open(std::uint32_t n, std::uint64_t now) {
    return table_.open(key_of(n), hash(key_of(n), 7), now);
  }
  Flow* find(std::uint32_t n) { return table_.find(key_of(n), hash(key_of(n), 7)); }
  Table table_{7};
};

TEST_F(TableTest, FindsWhatIsOpenAndNothingElse) {
  EXPECT_EQ(find(1), nullptr);
  Flow* flow = open(1, 1000);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(find(1), flow);
  EXPECT_EQ(find(2), nullptr);
  table_.close(*flow);
  EXPECT_EQ(find(1), nullptr);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(TableTest, TheOldestGoesFirstButNoneThatMovedJustNow) {
  for (std::uint32_t n = 0; n < kMaxFlows; ++n) ASSERT_NE(open(n, 1000 + n % 2), nullptr);
  EXPECT_EQ(open(kMaxFlows, 1500), nullptr) << "everything moved within a second";
  EXPECT_EQ(table_.evicted(), 0U);
  table_.touch(*find(0), 3000);
  EXPECT_NE(open(kMaxFlows, 3000), nullptr);
  EXPECT_EQ(table_.evicted(), 1U);
  EXPECT_NE(find(0), nullptr) << "it moved";
  EXPECT_EQ(find(1), nullptr);
}

TEST_F(TableTest, WhatPassedGoesAtAnyAge) {
  for (std::uint32_t n = 0; n < kMaxFlows; ++n) ASSERT_NE(open(n, 1000), nullptr);
  find(0)->state = State::passed;
  EXPECT_NE(open(kMaxFlows, 1500), nullptr);
  EXPECT_EQ(find(0), nullptr);
  EXPECT_EQ(open(kMaxFlows + 1, 1500), nullptr) << "the next one has no verdict yet";
}

TEST_F(TableTest, BlocksAreBoundedAndComeBack) {
  std::uint32_t held = 0;
  for (std::uint32_t n = 0; n < kLargeBlocks + 8; ++n) {
    Flow* flow = open(n, 1000);
    held += table_.add_reading(*flow, 0, kLargeOctets, 1000) != nullptr ? 1 : 0;
  }
  EXPECT_EQ(held, kLargeBlocks);
  EXPECT_NE(table_.add_reading(*open(9999, 5000), 0, kLargeOctets, 5000), nullptr)
      << "an old flow made room";
  EXPECT_EQ(table_.evicted(), 1U);
  EXPECT_EQ(table_.age(1000 + kLifetimeMs), kLargeBlocks + 8 - 1);
  for (std::uint32_t n = 0; n < kLargeBlocks - 1; ++n) {
    EXPECT_NE(table_.add_reading(*open(20000 + n, 40000), 0, kLargeOctets, 40000), nullptr);
  }
}

TEST_F(TableTest, AReadingGrowsAndCopiesHoldWhatItHolds) {
  Flow* flow = open(1, 1000);
  Reading* first = table_.add_reading(*flow, 0, 10, 1000);
  ASSERT_NE(first, nullptr);
  Bytes octets(3000);
  std::iota(octets.begin(), octets.end(), std::uint8_t{0});
  (void)first->assembly.write(0, octets);
  ASSERT_TRUE(table_.grow(*flow, *first, kSmallOctets + 1, 1000));
  EXPECT_EQ(first->assembly.capacity(), kLargeOctets);
  ASSERT_NE(table_.add_copy(*flow, *first, 1000), nullptr);
  ASSERT_NE(table_.add_reading(*flow, 1, 100, 1000), nullptr);
  EXPECT_EQ(flow->reading_count, 3);
  for (unsigned i = 0; i < 2; ++i) {
    const auto there = flow->readings[i].assembly.contiguous();
    EXPECT_EQ(Bytes(there.begin(), there.end()), octets);
  }
  EXPECT_FALSE(table_.grow(*flow, *first, kLargeOctets + 1, 1000));
  table_.drop_readings(*flow, 0);
  EXPECT_EQ(flow->reading_count, 1);
  EXPECT_EQ(flow->readings[0].stream, 1);
  for (std::size_t i = 1; i < kMaxReadings; ++i) {
    EXPECT_NE(table_.add_copy(*flow, flow->readings[0], 1000), nullptr);
  }
  EXPECT_EQ(table_.add_copy(*flow, flow->readings[0], 1000), nullptr) << "as many as there may be";
}

TEST_F(TableTest, OfEmptiedReadingsOneStaysWithItsStorage) {
  Flow* flow = open(1, 1000);
  ASSERT_NE(flow, nullptr);
  const Bytes octets(100, 7);
  table_.empty_readings(*flow, 0);
  EXPECT_EQ(flow->reading_count, 0U);

  Reading* kept = table_.add_reading(*flow, 1, kSmallOctets, 1000);
  (void)kept->assembly.write(0, octets);
  Reading* reading = table_.add_reading(*flow, 0, kSmallOctets, 1000);
  (void)reading->assembly.write(0, octets);
  reading->start = reading->wanted = 60;
  reading->names_judged = 1;
  const std::uint32_t block = reading->block;
  table_.empty_readings(*flow, 0);
  ASSERT_EQ(flow->reading_count, 2U);
  EXPECT_EQ(reading->block, block);
  EXPECT_TRUE(reading->assembly.empty());
  EXPECT_FALSE(reading->in_progress());
  EXPECT_EQ(reading->start + reading->wanted + reading->names_judged, 0U);
  EXPECT_EQ(kept->assembly.contiguous().size(), octets.size());

  // Copies and large storage are given back.
  ASSERT_NE(table_.add_copy(*flow, *reading, 1000), nullptr);
  table_.empty_readings(*flow, 0);
  EXPECT_EQ(flow->reading_count, 1U);
  ASSERT_NE(table_.add_reading(*flow, 0, kLargeOctets, 1000), nullptr);
  table_.empty_readings(*flow, 0);
  EXPECT_EQ(flow->reading_count, 1U);
}

TEST(SynCache, AFloodCostsNothingButSlots) {
  SynCache cache;
  cache.put(hash(key_of(1), 7), {100}, 1000);
  EXPECT_EQ(cache.get(hash(key_of(1), 7), 1000)->sequence, 100U);
  for (std::uint32_t n = 2; n < 1'000'000; ++n) cache.put(hash(key_of(n), 7), {n}, 1000);
  EXPECT_FALSE(cache.get(hash(key_of(1), 7), 1000)) << "forgotten, and nothing else";
  cache.put(hash(key_of(1), 7), {100, true}, 1000);
  EXPECT_FALSE(cache.get(hash(key_of(1), 7), 1000 + 77'000));
  cache.forget(hash(key_of(1), 7));
  EXPECT_FALSE(cache.get(hash(key_of(1), 7), 1000));
}

TEST(Limiter, AllowsABurstAndThenARate) {
  Limiter limiter;
  std::uint32_t allowed = 0;
  for (int i = 0; i < 5000; ++i) allowed += limiter.allow(1, 1000) ? 1 : 0;
  EXPECT_EQ(allowed, Limiter::kBurst);
  EXPECT_TRUE(limiter.allow(2, 1000)) << "another client";
  allowed = 0;
  for (int i = 0; i < 5000; ++i) allowed += limiter.allow(1, 2000) ? 1 : 0;
  EXPECT_EQ(allowed, Limiter::kPerSecond);
}

class FragmentsTest : public ::testing::Test {
 protected:
  Fragments::Result add(std::uint16_t offset_field, std::uint64_t now = 1000, std::uint8_t id = 7) {
    Bytes frame = test::frame(Bytes(16, id), {.fragment = offset_field});
    frame[19] = id;  // identification
    return fragments_.add(frame, packet::parse_frame(frame), 0, now).result;
  }
  Fragments fragments_;
};

TEST_F(FragmentsTest, AreBoundedInTime) {
  using Result = Fragments::Result;
  EXPECT_EQ(add(0x2000), Result::incomplete);
  EXPECT_EQ(add(0x0003, 70'000), Result::incomplete) << "the first one was forgotten";
  EXPECT_EQ(add(0x2000, 70'000), Result::complete);
}

TEST_F(FragmentsTest, AreBoundedInNumberAndSize) {
  using Result = Fragments::Result;
  Bytes frame = test::frame(Bytes(16), {.fragment = 0x2000});
  for (std::uint32_t n = 0; n < kMaxDatagrams; ++n) {
    packet::store16(&frame[18], static_cast<std::uint16_t>(n));
    EXPECT_EQ(fragments_.add(frame, packet::parse_frame(frame), 0, 1000).result,
              Result::incomplete);
  }
  EXPECT_EQ(fragments_.add(frame, packet::parse_frame(frame), 1, 1000).result, Result::table_full);
  EXPECT_EQ(fragments_.add(frame, packet::parse_frame(frame), 1, 2500).result, Result::incomplete);
  EXPECT_EQ(add(0x1fff, 2500), Result::too_large);
}

}  // namespace
}  // namespace sluice::flow
