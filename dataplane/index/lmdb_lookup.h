// Look-ups by walking the generation's LMDB tree.
#pragma once

#include "dataplane/index/lookup.h"

namespace sluice::index {

class LmdbLookup final : public Lookup {
 public:
  explicit LmdbLookup(generation::Cursor cursor) : cursor_(std::move(cursor)) {}

  void find(std::span<const name::LookupName* const> names,
            std::span<generation::Answer> answers) const override;
  [[nodiscard]] std::optional<generation::Decider> decider(const name::LookupName& name,
                                                           std::uint8_t category) const override;

 private:
  generation::Cursor cursor_;
};

}  // namespace sluice::index
