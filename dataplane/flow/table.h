// The undecided flows of one lcore, and the tombstones of blocked ones. Bounded in entries and in
// octets: a flow is kept from its first octets until the server has answered, and where there is no
// room the oldest go, but none without a verdict that moved within the last second; then the table
// is full and the policy says what becomes of the new flow. A SYN opens nothing here
// (flow/syn_cache.h).
//
// Thread safety: one table belongs to one lcore. Nothing allocates after construction; pages that
// were never used are never touched.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "dataplane/flow/assembly.h"
#include "dataplane/flow/key.h"

namespace sluice::flow {

inline constexpr std::uint32_t kMaxFlows = 8192;
/// One TLS record of any size and its neighbours; QUIC and HTTP allow no more either.
inline constexpr std::uint32_t kLargeOctets = 20480;
inline constexpr std::uint32_t kSmallOctets = 4096;  // holds today's ClientHellos
inline constexpr std::uint32_t kLargeBlocks = 256;
inline constexpr std::uint32_t kSmallBlocks = 4096;
/// From the last octet that mattered; for a tombstone, from the last refusal. Longer than common
/// servers wait for the rest of a request: 60 s.
inline constexpr std::uint64_t kLifetimeMs = 75'000;
/// What moved this recently is not evicted, unless it passed.
inline constexpr std::uint64_t kMinAgeMs = 1'000;

enum class State : std::uint8_t {
  undecided,
  passed,   // judged; the server has not answered yet, so other octets may still take their place
  blocked,  // a tombstone: everything of the client's is refused
};

enum class Kind : std::uint8_t { unknown, dns, tls, http, http_chunk, h2, quic, dtls };

/// Reading::wanted of a reading that has told all that it has to tell.
inline constexpr std::uint32_t kSettled = UINT32_MAX;

inline constexpr std::size_t kMaxReadings = 8;

/// One way to read the octets of a stream: TCP has one, QUIC one an attempt. There is more than one
/// only where copies of the same octets differ, since which of them the server took is not known.
struct Reading {
  Assembly assembly;
  Kind kind = Kind::unknown;
  std::uint32_t start = 0;   // of the message at hand; past what is there where a body is between
  std::uint32_t wanted = 0;  // octets from there before which nothing new can be told
  std::uint8_t names_judged = 0;  // of that message
  std::uint8_t stream = 0;
  std::uint8_t storage = 0;  // which pool its octets are from
  std::uint32_t block = 0;

  /// What is there of the message at hand.
  [[nodiscard]] std::span<const std::uint8_t> message() const {
    const auto octets = assembly.contiguous();
    return octets.subspan(std::min<std::size_t>(start, octets.size()));
  }
  /// Whether octets of a message came that has not been told yet; behind a gap, perhaps.
  [[nodiscard]] bool in_progress() const { return wanted != kSettled && assembly.end() > start; }
};

inline constexpr std::size_t kInspectorOctets = 1024;

struct FlowHead {
  Key key;
  std::uint64_t hash = 0;
  std::uint64_t serial = 0;  // tells this flow from others that had its place before
  std::uint64_t touched_ms = 0;
  State state = State::undecided;
  Kind kind = Kind::unknown;  // of the reading that was told last
  std::uint8_t reading_count = 0;
  bool closing = false;   // goes at the end of the burst
  bool syn_data = false;  // TCP: octets came with the SYN, which the server may not have taken
  bool used = false;
  Kind base_kind = Kind::unknown;  // of what stands at the readings' offset 0, if it is known
  std::uint32_t origin = 0;        // TCP: sequence number of the first octet, as it was opened
  std::uint32_t base = 0;          // TCP: sequence number of the readings' offset 0
  std::uint32_t acked = 0;         // TCP: the server has taken what stands before this number
  std::uint64_t forgot_in = 0;     // TCP: the burst in which octets before base were forgotten
  bool known_start = false;        // TCP: a SYN told where the stream begins
  std::uint8_t refused_at = 0;     // index in the burst of the frame that was refused

  std::uint16_t chain = 0;  // the table's own
  std::uint32_t older = 0;
  std::uint32_t newer = 0;
};

struct Flow : FlowHead {
  std::array<Reading, kMaxReadings> readings;
};

class Table {
 public:
  explicit Table(std::uint64_t secret);

  /// Whether a flow of this hash may be there: one load, for frames that mostly are of none.
  [[nodiscard]] bool may_hold(std::uint64_t hash) const { return buckets_[slot(hash)] != kNoFlow; }
  /// Fetches what may_hold() reads.
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&buckets_[slot(hash)]); }
  [[nodiscard]] Flow* find(const Key& key, std::uint64_t hash);
  /// A new flow without readings; null where everything is in use by flows that moved just now.
  [[nodiscard]] Flow* open(const Key& key, std::uint64_t hash, std::uint64_t now_ms);
  void close(Flow& flow);
  void touch(Flow& flow, std::uint64_t now_ms);

  /// Another reading of `stream`, with room for `octets` octets, empty; or with what `of` holds and
  /// has read. Null where there is no block to be had, or kMaxReadings are there.
  [[nodiscard]] Reading* add_reading(Flow& flow, std::uint8_t stream, std::uint32_t octets,
                                     std::uint64_t now_ms);
  [[nodiscard]] Reading* add_copy(Flow& flow, const Reading& of, std::uint64_t now_ms);
  /// Room for so many octets; what the reading holds is kept. False where there is no block.
  [[nodiscard]] bool grow(Flow& flow, Reading& reading, std::uint32_t octets, std::uint64_t now_ms);
  /// As if a stream's readings were dropped: one, if there was one only, stays with its storage.
  void empty_readings(Flow& flow, std::uint8_t stream);
  /// Gives the storage of a stream's readings back.
  void drop_readings(Flow& flow, std::uint8_t stream = 0);

  /// Closes what is past its lifetime; returns how many went. Call it once a burst.
  std::uint32_t age(std::uint64_t now_ms);

  /// An inspector's own state of a flow; undefined until make_state().
  template <class T>
  [[nodiscard]] T& state(const Flow& flow) {
    static_assert(sizeof(T) <= kInspectorOctets && std::is_trivially_destructible_v<T>);
    return *std::launder(reinterpret_cast<T*>(inspector(flow)));
  }
  template <class T>
  T& make_state(const Flow& flow) {
    static_assert(sizeof(T) <= kInspectorOctets && std::is_trivially_destructible_v<T>);
    return *new (inspector(flow)) T();
  }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint64_t secret() const { return secret_; }
  /// Flows that were closed to make room, so far.
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  // Buckets are half a word: most frames look at one, and find nothing.
  static constexpr std::uint16_t kNoFlow = UINT16_MAX;
  static_assert(kMaxFlows < kNoFlow);
  static constexpr std::uint32_t kBuckets = kMaxFlows * 2;
  // Lists by what a flow holds, so that room of one kind is made by who has it.
  enum Pool : std::uint8_t { kNoBlock, kSmall, kLarge, kPools };
  struct List {
    std::uint32_t oldest = kNone;
    std::uint32_t newest = kNone;
  };
  struct Inspector {
    alignas(16) std::byte bytes[kInspectorOctets];
  };

  static std::uint32_t slot(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32) % kBuckets;
  }
  [[nodiscard]] std::uint32_t index_of(const Flow& flow) const {
    return static_cast<std::uint32_t>(&flow - flows_.get());
  }
  [[nodiscard]] std::byte* inspector(const Flow& flow) { return inspectors_[index_of(flow)].bytes; }
  [[nodiscard]] static Pool pool_of(const Flow& flow);
  void link(Flow& flow, Pool pool);
  void unlink(Flow& flow, Pool pool);
  [[nodiscard]] bool evict_oldest(Pool pool, std::uint64_t now_ms, const Flow* keep);
  [[nodiscard]] bool take_block(Pool pool, std::uint64_t now_ms, const Flow& asker,
                                std::uint32_t& block);
  [[nodiscard]] Assembly assembly(Pool pool, std::uint32_t block);
  void release(const Reading& reading);

  std::uint64_t secret_;
  std::uint32_t size_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t serial_ = 0;
  std::unique_ptr<Flow[]> flows_;
  std::unique_ptr<Inspector[]> inspectors_;
  std::unique_ptr<std::uint16_t[]> buckets_;
  std::array<List, kPools> lists_;
  std::unique_ptr<AssemblyStorage<kSmallOctets>[]> small_;
  std::unique_ptr<AssemblyStorage<kLargeOctets>[]> large_;
  std::array<std::unique_ptr<std::uint32_t[]>, kPools> free_;  // stacks of flows and blocks
  std::array<std::uint32_t, kPools> free_count_{};
};

}  // namespace sluice::flow
