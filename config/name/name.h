// Domain names in the shapes that lists and LMDB have:
//   canonical text  "www.example.com": lower-case A-labels, no trailing dot, at most 253 octets;
//   reversed key    "com.example.www.": labels from the right, each closed by a dot, so that a name
//                   and all names below it are one contiguous, prefix-ordered range;
//   LookupName      a reversed key in a fixed buffer, with the end of each label, for suffix walks.
// A name as packets carry it is a FoldedName.
//
// Thread safety: free functions on the caller's data. Nothing here allocates except where a
// std::string is returned. RFC 1035 2.3.4 (lengths), RFC 4343 (case), RFC 5890 2.3.1 (A-labels).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/name/folded_name.h"

namespace sluice::name {

[[nodiscard]] std::string_view label(Defect defect);

/// A name as a reversed key, with the end of each label.
class LookupName {
 public:
  std::uint8_t key_length = 0;
  std::uint8_t label_count = 0;

  LookupName() = default;
  explicit LookupName(const FoldedName& name);

  /// Length of the key of the `labels` rightmost labels; labels in [0, label_count].
  [[nodiscard]] std::size_t length_of(unsigned labels) const {
    return labels == 0 ? 0U : ends_[labels - 1];
  }
  /// Key of the `labels` rightmost labels.
  [[nodiscard]] std::string_view suffix(unsigned labels) const {
    return {octets_.data(), length_of(labels)};
  }
  [[nodiscard]] std::string_view view() const { return {octets_.data(), key_length}; }

 private:
  std::array<char, kMaxKeyOctets> octets_;
  std::array<std::uint8_t, kMaxLabels> ends_;  // of each label from the right
};

/// As fold_text().
[[nodiscard]] Defect from_text(std::string_view text, LookupName& out);

/// Canonical text of a list entry or a configured name; ASCII only, one trailing dot tolerated.
[[nodiscard]] Result<std::string> canonical(std::string_view text);

/// "www.example.com" -> "com.example.www."; the input must be canonical.
[[nodiscard]] std::string reversed_key(std::string_view canonical_text);

/// "com.example.www." -> "www.example.com".
[[nodiscard]] std::string from_reversed_key(std::string_view key);

/// Any name of a packet as text for a person: octets that no host name has are escaped as \DDD (RFC
/// 1035 5.1), so that a dot inside a label is not read as a boundary.
[[nodiscard]] std::string display(const FoldedName& name);

}  // namespace sluice::name
