#include "dataplane/flow/table.h"

#include <algorithm>

namespace sluice::flow {

Table::Table(std::uint64_t secret)
    : secret_(secret),
      flows_(std::make_unique<Flow[]>(kMaxFlows)),
      inspectors_(std::make_unique_for_overwrite<Inspector[]>(kMaxFlows)),
      buckets_(std::make_unique_for_overwrite<std::uint16_t[]>(kBuckets)),
      small_(std::make_unique_for_overwrite<AssemblyStorage<kSmallOctets>[]>(kSmallBlocks)),
      large_(std::make_unique_for_overwrite<AssemblyStorage<kLargeOctets>[]>(kLargeBlocks)) {
  std::fill_n(buckets_.get(), kBuckets, kNoFlow);
  constexpr std::array<std::uint32_t, kPools> kCounts = {kMaxFlows, kSmallBlocks, kLargeBlocks};
  for (unsigned pool = 0; pool < kPools; ++pool) {
    free_count_[pool] = kCounts[pool];
    free_[pool] = std::make_unique_for_overwrite<std::uint32_t[]>(kCounts[pool]);
    for (std::uint32_t i = 0; i < kCounts[pool]; ++i) free_[pool][i] = kCounts[pool] - 1 - i;
  }
}

Table::Pool Table::pool_of(const Flow& flow) {
  std::uint8_t pool = kNoBlock;
  for (unsigned i = 0; i < flow.reading_count; ++i) pool = std::max(pool, flow.readings[i].storage);
  return static_cast<Pool>(pool);
}

Flow* Table::find(const Key& key, std::uint64_t hash) {
  for (std::uint16_t at = buckets_[slot(hash)]; at != kNoFlow; at = flows_[at].chain) {
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
  const Flow& oldest = flows_[at];
  if (oldest.state != State::passed && oldest.touched_ms + kMinAgeMs > now_ms) return false;
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
  std::construct_at(static_cast<FlowHead*>(&flow));  // its readings are none
  flow.key = key;
  flow.hash = hash;
  flow.serial = ++serial_;
  flow.touched_ms = now_ms;
  flow.used = true;
  flow.chain = buckets_[slot(hash)];
  buckets_[slot(hash)] = static_cast<std::uint16_t>(at);
  link(flow, kNoBlock);
  ++size_;
  return &flow;
}

void Table::close(Flow& flow) {
  const std::uint32_t at = index_of(flow);
  unlink(flow, pool_of(flow));
  for (unsigned i = 0; i < flow.reading_count; ++i) release(flow.readings[i]);
  flow.reading_count = 0;
  std::uint16_t* link_to = &buckets_[slot(flow.hash)];
  while (*link_to != at) link_to = &flows_[*link_to].chain;
  *link_to = flow.chain;
  flow.used = false;
  free_[kNoBlock][free_count_[kNoBlock]++] = at;
  --size_;
}

void Table::touch(Flow& flow, std::uint64_t now_ms) {
  flow.touched_ms = now_ms;
  if (flow.newer == kNone) return;  // it is the newest of its list
  const Pool pool = pool_of(flow);
  unlink(flow, pool);
  link(flow, pool);
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

void Table::release(const Reading& reading) {
  free_[reading.storage][free_count_[reading.storage]++] = reading.block;
}

Reading* Table::add_reading(Flow& flow, std::uint8_t stream, std::uint32_t octets,
                            std::uint64_t now_ms) {
  if (flow.reading_count == kMaxReadings || octets > kLargeOctets) return nullptr;
  const Pool pool = octets > kSmallOctets ? kLarge : kSmall;
  std::uint32_t block = 0;
  if (!take_block(pool, now_ms, flow, block)) return nullptr;
  unlink(flow, pool_of(flow));
  Reading& reading = flow.readings[flow.reading_count++];
  std::construct_at(&reading);
  reading.assembly = assembly(pool, block);
  reading.stream = stream;
  reading.storage = pool;
  reading.block = block;
  link(flow, pool_of(flow));
  return &reading;
}

Reading* Table::add_copy(Flow& flow, const Reading& of, std::uint64_t now_ms) {
  Reading* copy = add_reading(flow, of.stream, of.assembly.capacity(), now_ms);
  if (copy == nullptr) return nullptr;
  copy->assembly.copy_from(of.assembly);
  copy->kind = of.kind;
  copy->start = of.start;
  copy->wanted = of.wanted;
  copy->names_judged = of.names_judged;
  return copy;
}

bool Table::grow(Flow& flow, Reading& reading, std::uint32_t octets, std::uint64_t now_ms) {
  if (reading.assembly.capacity() >= octets) return true;
  std::uint32_t block = 0;
  if (octets > kLargeOctets || !take_block(kLarge, now_ms, flow, block)) return false;
  unlink(flow, pool_of(flow));
  Assembly grown = assembly(kLarge, block);
  grown.copy_from(reading.assembly);
  release(reading);
  reading.assembly = grown;
  reading.storage = kLarge;
  reading.block = block;
  link(flow, pool_of(flow));
  return true;
}

void Table::empty_readings(Flow& flow, std::uint8_t stream) {
  Reading* only = nullptr;
  for (unsigned i = 0; i < flow.reading_count; ++i) {
    Reading& reading = flow.readings[i];
    if (reading.stream != stream) continue;
    if (only != nullptr || reading.storage != kSmall) return drop_readings(flow, stream);
    only = &reading;
  }
  if (only == nullptr) return;
  only->assembly.clear();
  only->kind = Kind::unknown;
  only->start = only->wanted = 0;
  only->names_judged = 0;
}

void Table::drop_readings(Flow& flow, std::uint8_t stream) {
  unlink(flow, pool_of(flow));
  std::uint8_t kept = 0;
  for (unsigned i = 0; i < flow.reading_count; ++i) {
    if (flow.readings[i].stream == stream) {
      release(flow.readings[i]);
    } else {
      flow.readings[kept++] = flow.readings[i];
    }
  }
  flow.reading_count = kept;
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
