#include "dataplane/flow/fragments.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/reply.h"

namespace sluice::flow {
namespace {

// Whether a fragment repeats a part of a datagram that is there.
bool is_copy(std::span<const std::uint8_t> whole, std::span<const std::uint8_t> payload,
             const packet::Frame& frame) {
  const std::size_t end = frame.fragment_offset + payload.size();
  if (end > whole.size() || frame.more_fragments == (end == whole.size())) return false;
  return std::equal(payload.begin(), payload.end(), whole.begin() + frame.fragment_offset);
}

}  // namespace

Fragments::Fragments()
    : entries_(std::make_unique<Entry[]>(kMaxDatagrams)),
      storage_(std::make_unique_for_overwrite<Storage[]>(kMaxDatagrams)) {}

void Fragments::block(std::uint32_t handle, std::uint8_t at) {
  Entry& refused = entries_[handle];
  for (std::uint32_t i = 0; i < kMaxDatagrams; ++i) {
    // What began under the identification within the burst has no life of its own any more.
    Entry& entry = entries_[i];
    if (i != handle && entry.state == State::open && entry.key == refused.key) {
      entry.state = State::free;
    }
  }
  refused.state = State::blocked;
  refused.refused_in = burst_;
  refused.refused_at = at;
}

bool Fragments::is_behind_refusal(std::uint32_t handle, std::uint8_t at) const {
  for (std::uint32_t i = 0; i < kMaxDatagrams; ++i) {
    const Entry& entry = entries_[i];
    if (entry.state == State::blocked && entry.refused_in == burst_ && entry.refused_at < at &&
        entry.key == entries_[handle].key) {
      return true;
    }
  }
  return false;
}

// Fragments are rare, so that a walk over the entries' states costs less than a hash to keep.
Fragments::Entry* Fragments::find(const Key& key, std::span<const std::uint8_t> payload,
                                  const packet::Frame& frame, std::uint64_t now_ms,
                                  Entry*& before) {
  before = nullptr;
  Entry* open = nullptr;
  Entry* copied = nullptr;
  for (std::uint32_t i = 0; i < kMaxDatagrams; ++i) {
    Entry& entry = entries_[i];
    if (entry.state != State::free && entry.started_ms + kLifetimeMs <= now_ms) {
      entry.state = State::free;
    }
    if (entry.state == State::free || entry.key != key) continue;
    if (!is_done(entry)) {
      open = &entry;
      continue;
    }
    // Of a datagram that is complete, only a copy is; anything else is of the next one.
    Entry*& latest = is_copy(entry.assembly.contiguous(), payload, frame) ? copied : before;
    if (latest == nullptr || latest->complete_in <= entry.complete_in) latest = &entry;
  }
  if (open != nullptr) return open;
  return copied != nullptr ? copied : begin(key, now_ms, before);
}

// A place for another datagram: that of the oldest complete one, else of the oldest.
Fragments::Entry* Fragments::begin(const Key& key, std::uint64_t now_ms, const Entry* keep) {
  Entry* best = nullptr;
  const auto rank = [&](const Entry& entry) {
    if (entry.state == State::free) return 3;
    // Views of this burst are still looked at.
    if (&entry == keep || (is_done(entry) && entry.complete_in == burst_)) return 0;
    if (is_done(entry)) return 2;
    return entry.started_ms + kMinAgeMs <= now_ms ? 1 : 0;
  };
  int best_rank = 0;
  for (std::uint32_t i = 0; i < kMaxDatagrams; ++i) {
    Entry& entry = entries_[i];
    const int its = rank(entry);
    if (its > best_rank ||
        (its == best_rank && best != nullptr && entry.started_ms < best->started_ms)) {
      best = &entry;
      best_rank = its;
    }
    if (its == 3) break;
  }
  if (best == nullptr) return nullptr;
  Storage& storage = storage_[best - entries_.get()];
  *best = Entry{};
  best->state = State::open;
  best->key = key;
  best->started_ms = now_ms;
  best->assembly = Assembly(storage.bytes, storage.have, kMaxDatagramOctets);
  return best;
}

Fragments::Datagram Fragments::add(std::span<const std::uint8_t> bytes, const packet::Frame& frame,
                                   std::uint16_t wire, std::uint64_t now_ms) {
  const std::size_t head = frame.payload_offset - (frame.ipv6 ? 8U : 0U);
  const std::uint32_t end = std::uint32_t{frame.fragment_offset} + frame.payload_length;
  if (end > kMaxDatagramOctets || head > kHeadOctets || frame.cut) return {Result::too_large};

  Key key{.identification = frame.identification,
          .outer_vlan = frame.outer_vlan,
          .inner_vlan = frame.inner_vlan,
          .wire = wire,
          .protocol = frame.ipv6 ? std::uint8_t{0} : frame.protocol,
          .ipv6 = frame.ipv6};
  std::memcpy(key.addresses.data(), &bytes[frame.network_offset + (frame.ipv6 ? 8U : 12U)],
              frame.ipv6 ? 32 : 8);
  const auto payload = bytes.subspan(frame.payload_offset, frame.payload_length);
  Entry* before = nullptr;
  Entry* entry = find(key, payload, frame, now_ms, before);
  if (entry == nullptr) return {Result::table_full};
  const auto handle = static_cast<std::uint32_t>(entry - entries_.get());
  if (entry->state == State::overlapped) return {Result::overlap, {}, handle};
  if (entry->state == State::blocked) return {Result::blocked, {}, handle};

  const bool contradicts_end =
      (!frame.more_fragments &&
       ((entry->total != 0 && entry->total != end) || entry->assembly.end() > end)) ||
      (entry->total != 0 && end > entry->total);
  if (contradicts_end ||
      entry->assembly.write(frame.fragment_offset, payload) == Written::conflict) {
    entry->state = State::overlapped;
    return {Result::overlap, {}, handle};
  }
  if (!frame.more_fragments) entry->total = end;
  if (frame.fragment_offset == 0 && !std::exchange(entry->has_first, true)) {
    entry->protocol = frame.protocol;
  }
  if (entry->total == 0 || entry->assembly.contiguous().size() < entry->total) {
    const Datagram in_its_place =
        before != nullptr ? in_place(bytes, frame, *before, now_ms) : Datagram{};
    return in_its_place.result == Result::complete ? in_its_place
                                                   : Datagram{Result::incomplete, {}, handle};
  }
  entry->complete_in = burst_;
  return {Result::complete, view(bytes, frame, *entry, storage_[handle]), handle};
}

// A datagram that was complete may have been so by a fragment that its receiver did not take: this
// one may stand in its place.
Fragments::Datagram Fragments::in_place(std::span<const std::uint8_t> bytes,
                                        const packet::Frame& frame, const Entry& before,
                                        std::uint64_t now_ms) {
  const std::uint32_t end = std::uint32_t{frame.fragment_offset} + frame.payload_length;
  if (end > before.total || frame.more_fragments == (end == before.total)) return {};
  Entry* entry = begin(before.key, now_ms, &before);
  if (entry == nullptr) return {};
  entry->assembly.copy_from(before.assembly);
  entry->assembly.replace(frame.fragment_offset,
                          bytes.subspan(frame.payload_offset, frame.payload_length));
  entry->total = before.total;
  entry->protocol = frame.fragment_offset == 0 ? frame.protocol : before.protocol;
  entry->complete_in = burst_;
  const auto handle = static_cast<std::uint32_t>(entry - entries_.get());
  return {Result::complete, view(bytes, frame, *entry, storage_[handle]), handle};
}

std::span<const std::uint8_t> Fragments::view(std::span<const std::uint8_t> bytes,
                                              const packet::Frame& frame, const Entry& entry,
                                              Storage& storage) {
  const std::size_t octets = frame.payload_offset - (frame.ipv6 ? 8U : 0U);
  std::uint8_t* start = storage.head + kHeadOctets - octets;
  std::memcpy(start, bytes.data(), octets);
  std::uint8_t* ip = start + frame.network_offset;
  if (frame.ipv6) {
    start[frame.next_header_at] = entry.protocol;
    packet::store16(ip + 4,
                    static_cast<std::uint16_t>(octets - frame.network_offset - 40 + entry.total));
  } else {
    packet::store16(ip + 2,
                    static_cast<std::uint16_t>(octets - frame.network_offset + entry.total));
    packet::store16(ip + 6, 0);
  }
  packet::finish_layers(frame, start, octets + entry.total);
  return {start, octets + entry.total};
}

}  // namespace sluice::flow
