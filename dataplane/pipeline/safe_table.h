// What safe search remembers: queries that were asked for another name and whose answers are still
// to come, and the addresses that the latest answers gave.
//
// Thread safety: one lcore. Nothing allocates after construction.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "dataplane/act/safe_answer.h"
#include "dataplane/flow/key.h"
#include "dataplane/inspect/dns/addresses.h"

namespace sluice::pipeline {

/// A name in wire form, of so few octets as safe search's have.
struct SafeWire {
  std::uint8_t octets = 0;
  std::array<std::uint8_t, act::kMaxSafeWire> wire;

  void set(std::span<const std::uint8_t> name) {
    octets = static_cast<std::uint8_t>(name.size());
    std::copy(name.begin(), name.end(), wire.begin());
  }
  [[nodiscard]] std::span<const std::uint8_t> view() const { return {wire.data(), octets}; }
};

/// A query as it was asked, and what went on in its place. Copies: the generation that named it may
/// be gone before its answer comes.
struct SafeQuery {
  flow::Key key;
  std::uint16_t id = 0;
  std::uint16_t type = 0;
  std::uint64_t sent_ms = 0;
  bool answered = false;
  bool ours = false;  // asked here, for what a stream asks; its answer is nobody else's
  bool dnssec_ok = false;
  SafeWire asked;  // in the client's case
  SafeWire safe;
};

class SafeQueries {
 public:
  /// As long as resolvers wait for an answer, and longer than nearly all clients do.
  static constexpr std::uint64_t kLifeMs = 10'000;
  /// After which nobody waits for one without an answer, so that it gives way to another first.
  static constexpr std::uint64_t kPatienceMs = 2'000;

  SafeQueries()
      : tags_(std::make_unique<Tags[]>(kSets)),
        entries_(std::make_unique_for_overwrite<SafeQuery[]>(kSets * kWays)) {}

  /// False until the first query: then no answer need be asked about.
  [[nodiscard]] bool any() const { return any_; }

  /// Where to note a query, with key, id and type set. `displaced`: the oldest one that waits for
  /// its answer was forgotten for it, which then comes to its client under the safe name; of no
  /// use, but not unsafe.
  [[nodiscard]] SafeQuery& put(const flow::Key& key, std::uint64_t hash, std::uint16_t id,
                               std::uint16_t type, std::uint64_t now_ms, bool& displaced) {
    any_ = true;
    const std::uint64_t at = mixed(hash, id, type);
    SafeQuery* entry = entry_of(at, key, id, type);
    if (entry == nullptr) entry = &room_at(at, now_ms, displaced);
    tag(entry) = tag_of(at);
    entry->key = key;
    entry->id = id;
    entry->type = type;
    entry->sent_ms = now_ms;
    entry->answered = false;
    entry->ours = false;
    return *entry;
  }
  /// The query of these two types that has the answer's id and waits for it, or had it lately: an
  /// answer to a query that was sent twice comes twice.
  [[nodiscard]] SafeQuery* find(const flow::Key& key, std::uint64_t hash, std::uint16_t id,
                                std::uint16_t type, std::uint64_t now_ms) {
    SafeQuery* const entry = entry_of(mixed(hash, id, type), key, id, type);
    return entry == nullptr || entry->sent_ms + kLifeMs < now_ms ? nullptr : entry;
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kSets = 512;
  using Tags = std::array<std::uint16_t, kWays>;  // 0: free

  static std::uint64_t mixed(std::uint64_t hash, std::uint16_t id, std::uint16_t type) {
    const std::uint64_t word = (hash ^ (std::uint64_t{id} << 16 | type)) * 0x9e3779b97f4a7c15U;
    return word ^ word >> 32;
  }
  static std::size_t set_of(std::uint64_t at) { return at >> 20 & (kSets - 1); }
  static std::uint16_t tag_of(std::uint64_t at) {
    const auto tag = static_cast<std::uint16_t>(at);
    return tag == 0 ? 1 : tag;
  }
  std::uint16_t& tag(const SafeQuery* entry) {
    const auto index = static_cast<std::size_t>(entry - entries_.get());
    return tags_[index / kWays][index % kWays];
  }
  SafeQuery* entry_of(std::uint64_t at, const flow::Key& key, std::uint16_t id,
                      std::uint16_t type) {
    const Tags& tags = tags_[set_of(at)];
    for (std::size_t i = 0; i < kWays; ++i) {
      SafeQuery& entry = entries_[set_of(at) * kWays + i];
      if (tags[i] == tag_of(at) && entry.id == id && entry.type == type && entry.key == key)
        return &entry;
    }
    return nullptr;
  }
  SafeQuery& room_at(std::uint64_t at, std::uint64_t now_ms, bool& displaced) {
    const Tags& tags = tags_[set_of(at)];
    SafeQuery* const entries = &entries_[set_of(at) * kWays];
    const auto waits = [&](const SafeQuery& one) {
      return !one.answered && one.sent_ms + kPatienceMs >= now_ms;
    };
    SafeQuery* out = nullptr;
    for (std::size_t i = 0; i < kWays; ++i) {
      SafeQuery& one = entries[i];
      if (tags[i] == 0) return one;
      if (out == nullptr ||
          std::pair(waits(one), one.sent_ms) < std::pair(waits(*out), out->sent_ms))
        out = &one;
    }
    displaced = waits(*out);
    return *out;
  }

  bool any_ = false;
  std::unique_ptr<Tags[]> tags_;
  std::unique_ptr<SafeQuery[]> entries_;
};

/// Addresses of safe names while they may be remembered, by the latest answers over UDP of a
/// server: what a query to it over TCP is answered with. Whoever asks a server of his own tells
/// nothing about others'.
class SafeAddresses {
 public:
  SafeAddresses() : slots_(std::make_unique<Slot[]>(kSlots)) {}

  /// However long a server would have it remembered, and long enough for a segment to come again.
  static constexpr std::uint32_t kMaxSeconds = 300;
  static constexpr std::uint32_t kMinSeconds = 5;

  /// `key`: of the client's query, of which the server's side counts.
  void put(const flow::Key& key, std::span<const std::uint8_t> safe,
           const inspect::dns::Addresses& addresses, std::uint64_t now_ms) {
    Slot* slot = find_slot(key, safe, addresses.octets);
    if (slot == nullptr) {
      slot = std::min_element(slots_.get(), slots_.get() + kSlots,
                              [](const Slot& a, const Slot& b) { return a.until_ms < b.until_ms; });
    }
    slot->key = key;
    slot->safe.set(safe);
    slot->addresses = addresses;
    slot->until_ms =
        now_ms + std::uint64_t{std::clamp(addresses.ttl, kMinSeconds, kMaxSeconds)} * 1000;
  }
  /// With what is left of their TTL; false where there are none.
  [[nodiscard]] bool get(const flow::Key& key, std::span<const std::uint8_t> safe,
                         std::uint8_t octets, std::uint64_t now_ms,
                         inspect::dns::Addresses& out) const {
    const Slot* const slot = find_slot(key, safe, octets);
    if (slot == nullptr || slot->until_ms <= now_ms) return false;
    out = slot->addresses;
    out.ttl = std::min(out.ttl, static_cast<std::uint32_t>((slot->until_ms - now_ms) / 1000));
    return true;
  }

 private:
  static constexpr std::size_t kSlots = 128;
  struct Slot {
    flow::Key key;
    SafeWire safe;
    inspect::dns::Addresses addresses;
    std::uint64_t until_ms = 0;
  };
  static bool is_of_server(const flow::Key& one, const flow::Key& other) {
    return one.server == other.server && one.ipv6 == other.ipv6 && one.wire == other.wire &&
           one.outer_vlan == other.outer_vlan && one.inner_vlan == other.inner_vlan;
  }
  [[nodiscard]] Slot* find_slot(const flow::Key& key, std::span<const std::uint8_t> safe,
                                std::uint8_t octets) const {
    for (std::size_t i = 0; i < kSlots; ++i) {
      Slot& slot = slots_[i];
      const auto name = slot.safe.view();
      if (slot.addresses.octets == octets && is_of_server(slot.key, key) &&
          std::equal(name.begin(), name.end(), safe.begin(), safe.end()))
        return &slot;
    }
    return nullptr;
  }
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace sluice::pipeline
