// The hashes of a listed name's suffixes, from its reversed key: the same that SuffixIndex makes of
// a packet's name.
//
// Thread safety: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/name/folded_name.h"
#include "dataplane/index/suffix_hash.h"

namespace sluice::index {

class KeyHash {
 public:
  explicit KeyHash(const SuffixHash& hash) : hash_(hash) {}

  /// Takes labels of `key` in from the left, on from those that are kept; false where it is no
  /// name's key.
  bool add(std::string_view key) {
    if (key.size() >= name::kMaxWireOctets || !key.ends_with('.')) return false;
    for (std::size_t from = octets(); from < key.size(); from = octets()) {
      const std::size_t length = key.find('.', from) - from;
      if (length == 0 || length > name::kMaxLabelOctets || labels_ == name::kMaxLabels)
        return false;
      add_label(key, from, length);
    }
    return true;
  }
  /// Forgets labels that end behind the first `same` octets.
  void keep(std::size_t same) {
    while (labels_ > 0 && ends_[labels_ - 1] > same) --labels_;
  }

  [[nodiscard]] unsigned labels() const { return labels_; }
  /// Of the first labels + 1 labels of the key.
  [[nodiscard]] std::uint64_t of(unsigned labels) const { return hash_.finish(states_[labels]); }
  /// The key's first label behind its length octet; 24 octets may be read.
  [[nodiscard]] std::string_view top_level() const { return {top_level_.data(), ends_[0]}; }

 private:
  using Label = std::array<char, 1 + name::kMaxLabelOctets>;

  [[nodiscard]] std::size_t octets() const { return labels_ == 0 ? 0 : ends_[labels_ - 1]; }

  void add_label(std::string_view key, std::size_t from, std::size_t length) {
    std::array<char, 2 * sizeof(Label) + name::FoldedName::kReadable> run;
    std::size_t size = 0;
    const auto put = [&](std::string_view label) {
      run[size++] = static_cast<char>(label.size());
      size += label.copy(&run[size], label.size());
    };
    put(key.substr(from, length));
    SuffixHash::State state = SuffixHash::kRoot;
    if (labels_ == 0) {
      top_level_ = {};
      std::copy_n(run.begin(), size, top_level_.begin());
    } else if (labels_ == 1) {  // the two rightmost go as one
      put(key.substr(0, from - 1));
    } else {
      state = states_[labels_ - 1];
    }
    states_[labels_] = hash_.extend(state, run.data(), size);
    ends_[labels_++] = static_cast<std::uint8_t>(from + length + 1);
  }

  const SuffixHash& hash_;
  std::array<SuffixHash::State, name::kMaxLabels> states_;
  std::array<std::uint8_t, name::kMaxLabels> ends_;  // in the key
  Label top_level_{};
  unsigned labels_ = 0;
};

}  // namespace sluice::index
