// What every inspector says of the bytes it was given.
#pragma once

#include <cstdint>

namespace sluice::inspect {

enum class Outcome : std::uint8_t {
  found,      // at least one name
  need_more,  // the message goes on in a later packet
  no_name,    // a whole message that carries none
  malformed,  // not what it claims to be; the inspector's Defect says how
};

}  // namespace sluice::inspect
