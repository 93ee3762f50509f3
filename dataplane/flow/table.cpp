#include "dataplane/flow/table.h"

#include <algorithm>

namespace sluice::flow {

Table::Table(std::uint64_t secret)
    : secret_(secret),
      flows_(std::make_unique<Flow[]>(kMaxFlows)),
      inspectors_(std::make_unique_for_overwrite<Inspector[]>(kMaxFlows)),
      buckets_(std::make_unique_for_overwrite<std::uint32_t[]>(kBuckets)),
      small_(std::make_unique_for_overwrite<AssemblyStorage<kSmallOctets>[]>(kSmallBlocks)),
      large_(std::make_unique_for_overwrite<AssemblyStorage<kLargeOctets>[]>(kLargeBlocks)) {
  std::fill_n(buckets_.get(), kBuckets, kNone);
  constexpr std::array<std::uint32_t, kPools> kCounts = {kMaxFlows, kSmallBlocks, kLargeBlocks};
  for (unsigned pool = 0; pool < kPools; ++pool) {
    free_count_[pool] = kCounts[pool];
    free_[pool] = std::make_unique_for_overwrite<std::uint32_t[]>(kCounts[pool]);
    for (std::uint32_t i = 0; i < kCounts[pool]; ++i) free_[pool][i] = kCounts[pool] - 1 - i;
  }
}

Table::Pool Table::pool_of(const Flow& flow) {
  std::uint8_t pool = kNoBlock;
  for (unsigned i = 0; i < flow.reading_count; ++i) {
    if (flow.readings[i].is_there()) pool = std::max(pool, flow.readings[i].storage);
  }
  return static_cast<Pool>(pool);
}

Flow* Table::find(const Key& key, std::uint64_t hash) {
  for (std::uint32_t at = buckets_[slot(hash)]; at != kNone; at = flows_[at].chain) {
    if (flows_[at].hash == hash && flows_[at].key == key) return &flows_[at];
  }
  return nullptr;
}

void Table::link(Flow& flow, Pool pool) {
  List& list = lists_[pool];
  const std::uint32_t at = index_of(flow);
  flow.older = list.newest;
  flow.newer = kNone;
  (list.newest == kNone ? list.oldest : flows_[list.newest].newer) = at;
  list.newest = at;
}

void Table::unlink(Flow& flow, Pool pool) {
  List& list = lists_[pool];
  (flow.older == kNone ? list.oldest : flows_[flow.older].newer) = flow.newer;
  (flow.newer == kNone ? list.newest : flows_[flow.newer].older) = flow.older;
}

bool Table::evict_oldest(Pool pool, std::uint64_t now_ms, const Flow* keep) {
  const std::uint32_t at = lists_[pool].oldest;
  if (at == kNone || &flows_[at] == keep) return false;
  if (flows_[at].touched_ms + kMinAgeMs > now_ms) return false;
  ++evicted_;
  close(flows_[at]);
  return true;
}

Flow* Table::open(const Key& key, std::uint64_t hash, std::uint64_t now_ms) {
  if (free_count_[kNoBlock] == 0) {
    unsigned oldest = kPools;
    for (unsigned pool = 0; pool < kPools; ++pool) {
      const std::uint32_t at = lists_[pool].oldest;
      if (at == kNone) continue;
      if (oldest == kPools || flows_[at].touched_ms < flows_[lists_[oldest].oldest].touched_ms) {
        oldest = pool;
      }
    }
    if (!evict_oldest(static_cast<Pool>(oldest), now_ms, nullptr)) return nullptr;
  }
  const std::uint32_t at = free_[kNoBlock][--free_count_[kNoBlock]];
  Flow& flow = flows_[at];
  static_cast<FlowHead&>(flow) = FlowHead{};  // the readings went when it was closed
  flow.key = key;
  flow.hash = hash;
  flow.serial = ++serial_;
  flow.touched_ms = now_ms;
  flow.used = true;
  flow.chain = buckets_[slot(hash)];
  buckets_[slot(hash)] = at;
  link(flow, kNoBlock);
  ++size_;
  return &flow;
}

void Table::close(Flow& flow) {
  const std::uint32_t at = index_of(flow);
  unlink(flow, pool_of(flow));
  for (unsigned i = 0; i < flow.reading_count; ++i) release(flow.readings[i]);
  flow.reading_count = 0;
  std::uint32_t* link_to = &buckets_[slot(flow.hash)];
  while (*link_to != at) link_to = &flows_[*link_to].chain;
  *link_to = flow.chain;
  flow.used = false;
  free_[kNoBlock][free_count_[kNoBlock]++] = at;
  --size_;
}

void Table::touch(Flow& flow, std::uint64_t now_ms) {
  const Pool pool = pool_of(flow);
  unlink(flow, pool);
  link(flow, pool);
  flow.touched_ms = now_ms;
}

bool Table::take_block(Pool pool, std::uint64_t now_ms, const Flow& asker, std::uint32_t& block) {
  if (free_count_[pool] == 0 && !evict_oldest(pool, now_ms, &asker)) return false;
  // Who was evicted may have held its octets in the other pool only.
  if (free_count_[pool] == 0) return false;
  block = free_[pool][--free_count_[pool]];
  return true;
}

Assembly Table::assembly(Pool pool, std::uint32_t block) {
  return pool == kSmall ? Assembly(small_[block]) : Assembly(large_[block]);
}

void Table::release(Reading& reading) {
  if (!reading.is_there()) return;
  free_[reading.storage][free_count_[reading.storage]++] = reading.block;
  reading = Reading{};
}

bool Table::reserve(Flow& flow, unsigned index, std::uint32_t octets, std::uint64_t now_ms) {
  if (octets > kLargeOctets) return false;
  Reading& reading = flow.readings[index];
  const bool fresh = !reading.is_there();
  const bool second = index % 2 != 0;
  if (!fresh && reading.assembly.capacity() >= octets) return true;
  if (fresh && second) octets = std::max(octets, flow.readings[index - 1].assembly.capacity());
  const Pool pool = octets > kSmallOctets ? kLarge : kSmall;
  std::uint32_t block = 0;
  if (!take_block(pool, now_ms, flow, block)) return false;

  unlink(flow, pool_of(flow));
  Assembly grown = assembly(pool, block);
  if (fresh) {
    if (second) {
      reading = flow.readings[index - 1];
      grown.copy_from(reading.assembly);
    }
    flow.reading_count = std::max(flow.reading_count, static_cast<std::uint8_t>(index + 1));
  } else {
    grown.copy_from(reading.assembly);
    free_[reading.storage][free_count_[reading.storage]++] = reading.block;
  }
  reading.assembly = grown;
  reading.storage = pool;
  reading.block = block;
  link(flow, pool_of(flow));
  return true;
}

void Table::drop_readings(Flow& flow, unsigned first) {
  unlink(flow, pool_of(flow));
  release(flow.readings[first]);
  release(flow.readings[first + 1]);
  while (flow.reading_count > 0 && !flow.readings[flow.reading_count - 1U].is_there()) {
    --flow.reading_count;
  }
  link(flow, pool_of(flow));
}

std::uint32_t Table::age(std::uint64_t now_ms) {
  std::uint32_t gone = 0;
  for (List& list : lists_) {
    while (list.oldest != kNone && flows_[list.oldest].touched_ms + kLifetimeMs <= now_ms) {
      close(flows_[list.oldest]);
      ++gone;
    }
  }
  return gone;
}

}  // namespace sluice::flow
