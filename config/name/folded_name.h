// A domain name as packets carry it, its letters in lower case: what look-ups start from. The
// labels stay in their order, each behind its length octet, so that every suffix is one run of
// octets, and a name that nobody lists is never turned into a key.
//
// Thread safety: free functions on the caller's data; nothing allocates. RFC 1035 sections 2.3.4
// (lengths) and 3.1 (wire form), RFC 4343 (case).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::name {

inline constexpr std::size_t kMaxTextOctets = 253;
inline constexpr std::size_t kMaxWireOctets = 255;
inline constexpr std::size_t kMaxLabelOctets = 63;
inline constexpr std::size_t kMaxLabels = 127;

/// Why a name read from a packet or a file is not one. Stable: counters and logs use label().
enum class Defect : std::uint8_t {
  none,
  empty,           // no octets, or only the root
  too_long,        // over 253 octets of text
  label_too_long,  // over 63 octets
  empty_label,     // "a..b" or a leading dot
  bad_octet,       // an octet that no host name has: NUL, control, space, non-ASCII
  ip_literal,      // an IPv4 or IPv6 address where a name is asked for (RFC 6066 section 3)
};

/// How the reading of a wire name ended.
enum class WireEnd : std::uint8_t { root, cut, pointer, label_type, too_long };

class FoldedName {
 public:
  std::uint8_t label_count = 0;

  /// Octets of the `labels` rightmost labels, the root's not among them; labels in
  /// [0, label_count]. As many octets as the reversed key of that suffix has.
  [[nodiscard]] std::size_t length_of(unsigned labels) const {
    return std::size_t{starts_[label_count]} - starts_[label_count - labels];
  }
  /// Where they stand. kReadable octets from there may be read; what is behind the name is of no
  /// account.
  [[nodiscard]] const char* at(unsigned labels) const {
    return octets_.data() + kFront + starts_[label_count - labels];
  }
  static constexpr std::size_t kReadable = 24;

  [[nodiscard]] std::string_view suffix(unsigned labels) const {
    return {at(labels), length_of(labels)};
  }
  [[nodiscard]] std::string_view view() const { return suffix(label_count); }
  /// The octets of one label, counted from the right, from 1 on.
  [[nodiscard]] std::string_view label(unsigned from_the_right) const {
    const char* const length = at(from_the_right);
    return {length + 1, static_cast<std::size_t>(*length)};
  }

 private:
  friend WireEnd fold_wire(std::span<const std::uint8_t> message, std::size_t& at, FoldedName& out);
  friend bool fold_host(std::string_view text, FoldedName& out);
  friend bool is_key_of(const FoldedName& name, unsigned labels, std::string_view key);
  friend void write_key(const FoldedName& name, unsigned labels, char* out);

  static constexpr std::size_t kFront = 16;  // short names are written as a block that ends them

  std::array<std::uint8_t, kMaxLabels + 1> starts_{};  // of each label from the left, and the root
  std::array<char, kFront + kMaxWireOctets + kReadable> octets_;
};

/// From the uncompressed name at `at` of a message. Any octet is legal in a label (RFC 2181 section
/// 11), a dot too. With WireEnd::root, `at` is behind the root label; otherwise
/// `out` is empty. Octets of the message before the name may be read.
WireEnd fold_wire(std::span<const std::uint8_t> message, std::size_t& at, FoldedName& out);

/// From an uncompressed wire name of whole labels, closing root label included, that is already
/// known to be well formed (at most 255 octets).
void fold_wire(std::span<const std::uint8_t> wire, FoldedName& out);

/// From host text as SNI and HTTP Host carry it: any case, at most one trailing dot. Octets outside
/// [A-Za-z0-9_-] are defects. On a defect `out` is unspecified.
[[nodiscard]] Defect fold_text(std::string_view text, FoldedName& out);

/// A host name of labels that host names do not have, which some servers take: those behind the
/// last one that is empty or too long, of any octets. False where there are none.
[[nodiscard]] bool fold_odd_text(std::string_view text, FoldedName& out);

/// Whether `key` is the reversed key (name.h) of the `labels` rightmost labels. kKeyFront octets
/// before the key may be read.
[[nodiscard]] bool is_key_of(const FoldedName& name, unsigned labels, std::string_view key);
inline constexpr std::size_t kKeyFront = 16;

/// Writes that key, length_of(labels) octets, and over what is behind it: `out` has room for
/// kMaxKeyOctets. A dot inside a label becomes 0x01, which no listed name contains, so that it is
/// not taken for the end of a label.
void write_key(const FoldedName& name, unsigned labels, char* out);
inline constexpr std::size_t kMaxKeyOctets = kMaxWireOctets + 16;

/// The `labels` rightmost labels as text in `buffer`. Octets that no host name has become '?'.
[[nodiscard]] std::string_view text_of(const FoldedName& name, unsigned labels,
                                       std::span<char, kMaxTextOctets + 1> buffer);

}  // namespace sluice::name
