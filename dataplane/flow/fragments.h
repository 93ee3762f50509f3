// Puts IP fragments together, to be looked at only: the fragments themselves go on as they came,
// and just the one that completes a datagram can be withheld. So the gateway never holds a packet,
// keeps no more than octets, and leaves the path MTU alone. (DPDK's rte_ip_frag holds the packets
// and gives one rewritten packet back, and does not run without EAL, where the replay tool and the
// tests do.)
//
// A fragment that contradicts octets that are there makes receivers discard the datagram (RFC 5722,
// RFC 8200 4.5, and Linux for IPv4): it and all that follow of that datagram are withheld, so that
// no receiver can read another version of it. RFC 791 3.2, RFC 8200 4.5.
//
// What is complete stays for as long as there is room: a receiver that did not take one of its
// fragments waits for another in its place, so that a later one of the same identification is read
// there too, besides being of a datagram of its own (RFC 6864).
//
// Thread safety: one table belongs to one lcore. Nothing allocates after construction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/flow/assembly.h"
#include "dataplane/packet/frame.h"

namespace sluice::flow {

/// Datagrams that are put together at once, and the octets of one.
inline constexpr std::uint32_t kMaxDatagrams = 256;
inline constexpr std::uint32_t kMaxDatagramOctets = 9216;

class Fragments {
 public:
  enum class Result : std::uint8_t {
    incomplete,
    complete,    // `view` is the whole datagram under the headers of this frame
    overlap,     // withhold it
    blocked,     // of a datagram that was blocked: withhold it
    too_large,   // passes unjudged
    table_full,  // everything is in use by datagrams of the last second
  };
  struct Datagram {
    Result result = Result::incomplete;
    std::span<const std::uint8_t> view;  // until the next add()s have filled the table again
    std::uint32_t handle = 0;
  };

  Fragments();

  /// `frame.kind` is fragment; `wire` as in flow::Key.
  [[nodiscard]] Datagram add(std::span<const std::uint8_t> bytes, const packet::Frame& frame,
                             std::uint16_t wire, std::uint64_t now_ms);
  /// From here on, the views of datagrams that are complete need not hold any more.
  void begin_burst() { ++burst_; }
  /// The datagram's name was refused, with frame `at` of this burst: what still comes under its
  /// identification is withheld, since the receiver holds the rest of it.
  void block(std::uint32_t handle, std::uint8_t at);
  /// Whether a fragment that add() took as `handle` comes, as frame `at`, behind a refusal of this
  /// burst that it has to share.
  [[nodiscard]] bool is_behind_refusal(std::uint32_t handle, std::uint8_t at) const;

 private:
  static constexpr std::uint64_t kLifetimeMs = 60'000;
  static constexpr std::uint64_t kMinAgeMs = 1'000;
  static constexpr std::size_t kHeadOctets = 512;
  enum class State : std::uint8_t { free, open, overlapped, blocked };
  struct Key {
    std::array<std::uint8_t, 32> addresses{};
    std::uint32_t identification = 0;
    std::uint16_t outer_vlan = 0;
    std::uint16_t inner_vlan = 0;
    std::uint16_t wire = 0;
    std::uint8_t protocol = 0;
    std::uint8_t ipv6 = 0;
    bool operator==(const Key&) const = default;
  };
  struct Entry {
    State state = State::free;
    Key key;
    std::uint64_t started_ms = 0;
    std::uint32_t total = 0;        // 0 until the last fragment came
    std::uint64_t complete_in = 0;  // the burst; 0 while it is not
    std::uint64_t refused_in = 0;   // likewise
    std::uint8_t refused_at = 0;
    std::uint8_t protocol = 0;  // the first fragment's: no other's counts (RFC 8200 4.5)
    bool has_first = false;     // nor that of a copy of it
    Assembly assembly;
  };
  struct Storage {
    std::uint64_t have[kMaxDatagramOctets / 64];
    std::uint8_t head[kHeadOctets];  // ends where the datagram begins
    std::uint8_t bytes[kMaxDatagramOctets];
  };

  /// `before`: a complete datagram of the same identification that the fragment is no part of.
  Entry* find(const Key& key, std::span<const std::uint8_t> payload, const packet::Frame& frame,
              std::uint64_t now_ms, Entry*& before);
  [[nodiscard]] Entry* begin(const Key& key, std::uint64_t now_ms, const Entry* keep);
  [[nodiscard]] Datagram in_place(std::span<const std::uint8_t> bytes, const packet::Frame& frame,
                                  const Entry& before, std::uint64_t now_ms);
  [[nodiscard]] static bool is_done(const Entry& entry) {
    return entry.state == State::open && entry.complete_in != 0;
  }
  [[nodiscard]] std::span<const std::uint8_t> view(std::span<const std::uint8_t> bytes,
                                                   const packet::Frame& frame, const Entry& entry,
                                                   Storage& storage);

  std::uint64_t burst_ = 1;
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<Storage[]> storage_;
};

}  // namespace sluice::flow
