#include "dataplane/act/withhold_ech.h"

#include <algorithm>
#include <array>

#include "dataplane/inspect/dns/message.h"
#include "dataplane/packet/bytes.h"

namespace sluice::act {
namespace {

using inspect::dns::Defect;
using packet::load16;
using packet::store16;

constexpr std::uint16_t kParameterEch = 5;
constexpr std::uint16_t kPrivateUse = 65280;
constexpr std::size_t kParameterHeader = 4;

/// SvcParams are in the order of their keys, so that what fills the room has to be the last.
bool withhold_in(std::span<std::uint8_t> parameters) {
  std::size_t ech = parameters.size();
  std::size_t ech_octets = 0;
  std::size_t at = 0;
  std::uint16_t last = 0;
  while (parameters.size() - at >= kParameterHeader) {
    last = load16(&parameters[at]);
    const std::size_t octets = kParameterHeader + load16(&parameters[at + 2]);
    if (octets > parameters.size() - at) return false;
    if (last == kParameterEch) {
      ech = at;
      ech_octets = octets;
    }
    at += octets;
  }
  if (at != parameters.size() || ech_octets == 0) return false;
  const auto begin = parameters.begin() + static_cast<std::ptrdiff_t>(ech);
  std::copy(begin + static_cast<std::ptrdiff_t>(ech_octets), parameters.end(), begin);
  const auto room = parameters.last(ech_octets);
  store16(room.data(), std::max<std::uint16_t>(kPrivateUse, static_cast<std::uint16_t>(last + 1)));
  store16(&room[2], static_cast<std::uint16_t>(ech_octets - kParameterHeader));
  std::fill(room.begin() + kParameterHeader, room.end(), std::uint8_t{0});
  return true;
}

}  // namespace

unsigned withhold_ech(std::span<std::uint8_t> message, std::size_t records_at) {
  constexpr std::size_t kPriority = 2;
  std::array<std::uint8_t, 255> target;
  unsigned withheld = 0;
  inspect::dns::Record record;
  for (std::size_t at = records_at;
       inspect::dns::read_record(message, at, record) == Defect::none;) {
    const bool service =
        record.type == inspect::dns::kTypeHttps || record.type == inspect::dns::kTypeSvcb;
    if (!service || record.length <= kPriority) continue;
    std::span<const std::uint8_t> name;
    std::size_t end = 0;
    const Defect defect =
        inspect::dns::expand_name(message, record.data + kPriority, target, name, end);
    if (defect != Defect::none || end > record.data + record.length) continue;
    const auto parameters = message.subspan(end, record.data + record.length - end);
    while (withhold_in(parameters)) ++withheld;  // a key given twice is a fault, which some forgive
  }
  return withheld;
}

}  // namespace sluice::act
