// Finds what a generation says of a burst of names. The seam where a faster index takes the place
// of LMDB; its answers must be LMDB's for every name.
//
// Thread safety: one Lookup belongs to one lcore. find() and decider() allocate nothing.
#pragma once

#include <optional>
#include <span>

#include "config/generation/reader.h"

namespace sluice::index {

class Lookup {
 public:
  virtual ~Lookup() = default;

  /// answers[i] for *names[i]; the spans are of equal length.
  virtual void find(std::span<const name::LookupName* const> names,
                    std::span<generation::Answer> answers) const = 0;

  /// The record that decided `category` for a name that find() found listed.
  [[nodiscard]] virtual std::optional<generation::Decider> decider(const name::LookupName& name,
                                                                   std::uint8_t category) const = 0;
};

}  // namespace sluice::index
