// Entry values as bytes; docs/GENERATION.md "Entry values". A name that one source lists, under no
// listed parent, takes the simple form of 8 octets: the record itself. Everything else takes the
// flattened form: the answers for the name and for the names below it, then the records.
//
// Thread safety: free functions on the caller's data; decoding allocates nothing.
#pragma once

#include <cstdint>
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

/// A decoded value; borrows the bytes.
class EntryView {
 public:
  /// nullopt where the bytes are not a value.
  [[nodiscard]] static std::optional<EntryView> decode(std::string_view bytes);

  /// The answer for the listed name itself, or for names below it.
  [[nodiscard]] Flat flat(bool below) const;
  [[nodiscard]] std::size_t record_count() const;
  [[nodiscard]] Record record(std::size_t index) const;
  /// The first block record of `category` that covers the name itself, or those below it; where
  /// category is 0, the first record of any kind that does.
  [[nodiscard]] std::optional<Record> deciding(bool below, std::uint8_t category) const;

 private:
  explicit EntryView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

/// Whether a record's scope reaches the listed name itself, or the names below it.
[[nodiscard]] constexpr bool covers(Scope scope, bool below) {
  return scope == Scope::tree || (below ? scope == Scope::subs : scope == Scope::exact);
}

void append_simple(std::string& out, const Record& record);
void append_flattened(std::string& out, const Flat& self, const Flat& below,
                      std::span<const Record> records);

}  // namespace sluice::generation
