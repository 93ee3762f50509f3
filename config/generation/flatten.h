// Turns the records of all layers into one answer a name, as keys stream by in ascending order.
//
// Within a layer, an allow removes what less specific entries of that layer set, and a block at the
// same or a deeper name adds again; across layers, categories are united, so that a lower layer can
// tighten but never loosen. Only a site allow lifts what other layers say, and of that no more than
// the categories it was given for: what the authority lists a name as later on still holds. What
// nobody may lift is for policy::decide to find. DESIGN section 5.
//
// Thread safety: one thread per Flattener.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/generation/codec.h"

namespace sluice::generation {

class Flattener {
 public:
  /// The value of the next key, valid until the next call. Keys must ascend strictly; an ancestor
  /// thus comes before all names below it.
  [[nodiscard]] std::string_view next(std::string_view reversed_key,
                                      std::span<const Record> records);

 private:
  static constexpr std::size_t kLayers = 5;
  struct State {
    std::array<policy::CategoryMask, kLayers> layers{};
    bool is_protected = false;
    policy::CategoryMask allowed = 0;  // that the site lifts

    [[nodiscard]] Flat flat() const;
    [[nodiscard]] bool empty() const;
  };
  struct Ancestor {
    std::size_t key_octets;  // its key is the beginning of last_key_
    State below;
  };

  static State apply(State state, std::span<const Record> records, bool below);

  std::string last_key_;
  std::vector<Ancestor> ancestors_;
  std::string value_;
};

}  // namespace sluice::generation
