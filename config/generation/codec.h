// Entry values as bytes; docs/GENERATION.md "Entry values". A name that one source lists, under no
// listed parent, takes the simple form of 8 octets: the record itself. Everything else takes the
// flattened form: the answers for the name and for the names below it, then the records.
//
// Thread safety: free functions on the caller's data; decoding allocates nothing.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/generation/format.h"

namespace sluice::generation {

inline constexpr std::size_t kRecordOctets = 8;
inline constexpr std::size_t kFlattenedHeaderOctets = 24;

/// What covers a name, of all layers together.
struct Flat {
  policy::CategoryMask categories = 0;
  bool is_protected = false;
  bool emergency = false;
  bool local_allow = false;

  friend bool operator==(const Flat&, const Flat&) = default;
};

/// Whether a record's scope reaches the listed name itself, or the names below it.
[[nodiscard]] constexpr bool covers(Scope scope, bool below) {
  return scope == Scope::tree || (below ? scope == Scope::subs : scope == Scope::exact);
}

inline constexpr std::uint8_t kProtected = 1;
inline constexpr std::uint8_t kEmergency = 2;
inline constexpr std::uint8_t kLocalAllow = 4;

/// A decoded value; borrows the bytes. Here and not in the .cpp: the data path reads them.
class EntryView {
 public:
  /// Of no entry: it may only be asked whether it is empty.
  EntryView() = default;
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  /// nullopt where the bytes are not a value.
  [[nodiscard]] static std::optional<EntryView> decode(std::string_view bytes) {
    EntryView entry;
    return decode(bytes, entry) ? std::optional(entry) : std::nullopt;
  }
  /// The same into `out`; false, with `out` left alone, where the bytes are not a value.
  [[nodiscard]] static bool decode(std::string_view bytes, EntryView& out) {
    const EntryView entry(bytes);
    if (bytes.size() == kRecordOctets) {
      if (entry.load<std::uint8_t>(4) >= 64) return false;  // a category is a bit of a mask
    } else if (bytes.size() <= kFlattenedHeaderOctets ||
               bytes.size() !=
                   kFlattenedHeaderOctets + entry.load<std::uint16_t>(18) * kRecordOctets) {
      return false;
    }
    out = entry;
    return true;
  }

  /// The answer for the listed name itself, or for names below it.
  [[nodiscard]] Flat flat(bool below) const {
    Flat out;
    flatten_into(below, out);
    return out;
  }
  /// The same into what has a Flat's fields and says nothing yet: where it lies, since to make one
  /// and take it apart again is a good part of a look-up.
  template <class Out>
  void flatten_into(bool below, Out& out) const {
    if (is_simple()) return flatten_only(record(0), below, out);
    const auto flags = load<std::uint8_t>(below ? 17 : 16);
    out.categories = load<std::uint64_t>(below ? 8 : 0);
    out.is_protected = (flags & kProtected) != 0;
    out.emergency = (flags & kEmergency) != 0;
    out.local_allow = (flags & kLocalAllow) != 0;
  }
  /// Whether it holds one record and nothing more.
  [[nodiscard]] bool is_simple() const { return bytes_.size() == kRecordOctets; }
  [[nodiscard]] std::size_t record_count() const {
    return is_simple() ? 1 : load<std::uint16_t>(18);
  }
  [[nodiscard]] Record record(std::size_t index) const {
    const std::size_t base = is_simple() ? 0 : kFlattenedHeaderOctets;
    return load<Record>(base + index * kRecordOctets);
  }
  /// The first block record of `category` that covers the name itself, or those below it; where
  /// category is 0, the first record of any kind that does.
  [[nodiscard]] std::optional<Record> deciding(bool below, std::uint8_t category) const {
    for (std::size_t i = 0; i < record_count(); ++i) {
      const Record one = record(i);
      if (!covers(one.scope, below)) continue;
      const bool wanted =
          category == 0 || (one.category == category && one.disposition == Disposition::block);
      if (wanted) return one;
    }
    return std::nullopt;
  }

 private:
  static_assert(sizeof(Record) == kRecordOctets);

  explicit EntryView(std::string_view bytes) : bytes_(bytes) {}

  // The format is little-endian, and so is every machine that Sluice runs on.
  template <class T>
  [[nodiscard]] T load(std::size_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }

  // A flattened form would say the same; flatten.cpp chooses the simple one only then.
  template <class Out>
  static void flatten_only(const Record& only, bool below, Out& out) {
    if (!covers(only.scope, below)) return;
    switch (only.disposition) {
      case Disposition::block:
        out.categories = policy::bit(only.category);
        if (only.layer == Layer::emergency) out.emergency = true;
        return;
      case Disposition::allow:
        out.local_allow = only.layer == Layer::site;
        return;
      case Disposition::protect:
        out.is_protected = true;
        return;
    }
  }

  std::string_view bytes_;
};

void append_simple(std::string& out, const Record& record);
void append_flattened(std::string& out, const Flat& self, const Flat& below,
                      std::span<const Record> records);

}  // namespace sluice::generation
