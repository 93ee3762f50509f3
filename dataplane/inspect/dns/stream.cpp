#include "dataplane/inspect/dns/stream.h"

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::dns {

Outcome next_message(std::span<const std::uint8_t> stream, std::span<const std::uint8_t>& message) {
  message = {};
  if (stream.size() < kLengthOctets) return Outcome::need_more;
  const std::size_t length = packet::load16(stream.data());
  if (length > stream.size() - kLengthOctets) return Outcome::need_more;
  message = stream.subspan(kLengthOctets, length);
  return Outcome::found;
}

}  // namespace sluice::inspect::dns
