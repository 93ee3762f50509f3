// Domain names in the three shapes that Sluice uses:
//   canonical text  "www.example.com": lower-case A-labels, no trailing dot, at most 253 octets;
//   reversed key    "com.example.www.": labels from the right, each closed by a dot, so that a name
//                   and all names below it are one contiguous, prefix-ordered range;
//   LookupName      a reversed key in a fixed buffer, with the end of each label, for suffix walks.
//
// Thread safety: free functions on the caller's data. Nothing here allocates except where a
// std::string is returned. RFC 1035 2.3.4 (lengths), RFC 4343 (case), RFC 5890 2.3.1 (A-labels).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/base/result.h"

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

[[nodiscard]] std::string_view label(Defect defect);

/// A name ready for look-up: its reversed key, which ends at a fixed place, so that labels are put
/// in front of it as a name is read from the left.
class LookupName {
 public:
  std::uint8_t key_length = 0;
  std::uint8_t label_count = 0;

  /// Where the key starts. kReadable octets from any label's start may be read; what is behind the
  /// key is of no account.
  [[nodiscard]] const char* key() const { return octets_.data() + kKeyEnd - key_length; }
  static constexpr std::size_t kReadable = 24;

  /// Length of the key of the `labels` rightmost labels; labels in [0, label_count].
  [[nodiscard]] std::size_t length_of(unsigned labels) const {
    return labels == 0 ? 0U : std::size_t{key_length} - behind_[label_count - labels];
  }
  /// Key of the `labels` rightmost labels.
  [[nodiscard]] std::string_view suffix(unsigned labels) const {
    return {key(), length_of(labels)};
  }
  [[nodiscard]] std::string_view view() const { return {key(), key_length}; }

 private:
  friend class KeyWriter;

  // Labels are written in whole blocks of 16, up to 15 octets over their start.
  static constexpr std::size_t kKeyEnd = 16 + kMaxWireOctets;

  std::array<char, kKeyEnd + kReadable> octets_;
  std::array<std::uint8_t, kMaxLabels> behind_;  // of each label from the left: octets behind it
};

/// From host text as SNI and HTTP Host carry it: any case, at most one trailing dot. Octets outside
/// [A-Za-z0-9_-] are defects. On a defect `out` is unspecified.
[[nodiscard]] Defect from_text(std::string_view text, LookupName& out);

/// How the reading of a wire name ended.
enum class WireEnd : std::uint8_t { root, cut, pointer, label_type, too_long };

/// From the uncompressed name at `at` of a message. Any octet is legal in a label (RFC 2181 section
/// 11); a dot inside a label is stored as 0x01, which no listed name contains, so that it cannot be
/// mistaken for a label boundary. With WireEnd::root, `at` is behind the root label; otherwise
/// `out` is empty. Octets of the message before the name may be read.
WireEnd read_wire(std::span<const std::uint8_t> message, std::size_t& at, LookupName& out);

/// From an uncompressed wire name of whole labels, closing root label included, that is already
/// known to be well formed (at most 255 octets).
void from_wire(std::span<const std::uint8_t> wire, LookupName& out);

/// Canonical text of a list entry or a configured name; ASCII only, one trailing dot tolerated.
[[nodiscard]] Result<std::string> canonical(std::string_view text);

/// "www.example.com" -> "com.example.www."; the input must be canonical.
[[nodiscard]] std::string reversed_key(std::string_view canonical_text);

/// "com.example.www." -> "www.example.com".
[[nodiscard]] std::string from_reversed_key(std::string_view key);

/// The `labels` rightmost labels of a name of host octets, as text in `buffer`; nothing allocates.
/// Octets that no host name has become '?'.
[[nodiscard]] std::string_view text_of(const LookupName& name, unsigned labels,
                                       std::span<char, kMaxTextOctets + 1> buffer);

/// A host name of labels that host names do not have, which some servers take: those behind the
/// last one that is empty or too long, of any octets. False where there are none.
[[nodiscard]] bool from_odd_text(std::string_view text, LookupName& out);

/// Any look-up name as text for a person: octets that no host name has are escaped as \DDD (RFC
/// 1035 5.1), so that a dot inside a label is not read as a boundary.
[[nodiscard]] std::string display(const LookupName& name);

}  // namespace sluice::name
