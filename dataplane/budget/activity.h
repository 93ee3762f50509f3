// Which devices were active in which minute, for which budgets: one lcore's, bounded. Nothing is
// kept of a device but two minutes, which the control thread adds up.
//
// Where a set is full of devices that were active just now, what comes more is counted together
// with all others that had no room.
//
// Thread safety: mark() by one lcore; visit() by the control thread, which may meet a device half
// written and then comes by again. Nothing allocates after construction.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/budget/device.h"

namespace sluice::budget {

/// Frames with less payload keep a connection alive, and say nothing of whether it is used.
inline constexpr std::uint16_t kLeastOctets = 100;

/// Budgets in one minute. `epoch` tells which numbering of budgets the bits are of.
struct Minute {
  std::uint32_t number = 0;  // since 1970, 24 bits
  std::uint8_t epoch = 0;
  std::uint32_t budgets = 0;

  [[nodiscard]] std::uint64_t word() const {
    return std::uint64_t{number} << 40 | std::uint64_t{epoch} << 32 | budgets;
  }
  [[nodiscard]] static Minute of(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 40), static_cast<std::uint8_t>(word >> 32),
            static_cast<std::uint32_t>(word)};
  }
};

class Activity {
 public:
  static constexpr std::size_t kDevices = 65536;

  // Zero pages, which take no memory until they are written to.
  Activity() : entries_(static_cast<Entry*>(std::calloc(kDevices + 1, sizeof(Entry)))) {
    if (!entries_) std::abort();
    put(entries_[kDevices], Device::others(), 0);
  }

  /// False where there was no room, and it was counted with the others.
  bool mark(const Device& device, std::uint64_t hash, const Minute& minute) {
    Entry* const set = &entries_[(hash & (kSets - 1)) * kWays];
    Entry* victim = nullptr;
    for (unsigned i = 0; i < kWays; ++i) {
      Entry& entry = set[i];
      if (entry.version == 0) {
        if (victim == nullptr || victim->version != 0) victim = &entry;
      } else if (entry.device == device) {
        add(entry, minute);
        return true;
      } else if (victim == nullptr || (victim->version != 0 && last(entry) < last(*victim))) {
        victim = &entry;
      }
    }
    // The two minutes of a device may not have been added up yet.
    if (victim->version != 0 && last(*victim) + 2 > minute.number) {
      add(entries_[kDevices], minute);
      return false;
    }
    put(*victim, device, minute.word());
    return true;
  }

  /// Each device with its two words.
  template <class Visitor>
  void visit(Visitor visitor) const {
    for (std::size_t i = 0; i <= kDevices; ++i) {
      const Entry& entry = entries_[i];
      const std::uint32_t before = load(entry.version);
      if (before == 0 || before % 2 != 0) continue;
      Device device;
      for (std::size_t word = 0; word < device.words.size(); ++word) {
        device.words[word] = load(entry.device.words[word]);
      }
      const std::array<std::uint64_t, 2> minutes{load(entry.minutes[0]), load(entry.minutes[1])};
      if (load(entry.version) == before) visitor(device, minutes);
    }
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kSets = kDevices / kWays;

  struct Entry {
    std::uint32_t version;  // 0: free; odd: being written
    Device device;
    std::array<std::uint64_t, 2> minutes;  // even and odd ones, as words
  };
  struct Free {
    void operator()(Entry* entries) const { std::free(entries); }
  };

  // Everything is stored and loaded in order: on the machines that this runs on it costs nothing.
  template <class T>
  static T load(const T& from) {
    return std::atomic_ref<T>(const_cast<T&>(from)).load(std::memory_order_acquire);
  }
  template <class T>
  static void store(T& to, T value) {
    std::atomic_ref<T>(to).store(value, std::memory_order_release);
  }

  static std::uint32_t last(const Entry& entry) {
    return std::max(Minute::of(entry.minutes[0]).number, Minute::of(entry.minutes[1]).number);
  }
  static void add(Entry& entry, const Minute& minute) {
    std::uint64_t& word = entry.minutes[minute.number % 2];
    const Minute before = Minute::of(word);
    std::uint64_t next = minute.word();
    if (before.number == minute.number && before.epoch == minute.epoch) next |= word;
    if (next != word) store(word, next);
  }
  static void put(Entry& entry, const Device& device, std::uint64_t word) {
    const std::uint32_t version = entry.version;
    store(entry.version, version + 1);
    for (std::size_t i = 0; i < device.words.size(); ++i) {
      store(entry.device.words[i], device.words[i]);
    }
    const std::size_t at = Minute::of(word).number % 2;
    store(entry.minutes[at], word);
    store(entry.minutes[1 - at], std::uint64_t{0});
    // Never 0 again, which is a free place's.
    store(entry.version, version + 2 == 0 ? 2 : version + 2);
  }

  std::unique_ptr<Entry[], Free> entries_;
};

}  // namespace sluice::budget
