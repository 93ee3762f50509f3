#include "config/generation/codec.h"

#include <cstring>

namespace sluice::generation {
namespace {

template <class T>
void store(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::uint8_t flags_of(const Flat& flat) {
  return static_cast<std::uint8_t>((flat.is_protected ? kProtected : 0) |
                                   (flat.emergency ? kEmergency : 0) |
                                   (flat.local_allow ? kLocalAllow : 0));
}

void store_record(std::string& out, const Record& record) {
  store(out, record.provenance);
  store(out, record.category);
  store(out, static_cast<std::uint8_t>(record.scope));
  store(out, static_cast<std::uint8_t>(record.disposition));
  store(out, static_cast<std::uint8_t>(record.layer));
}

}  // namespace

std::string encode_simple(const Record& record) {
  std::string out;
  out.reserve(kRecordOctets);
  store_record(out, record);
  return out;
}

std::string encode_flattened(const Flat& self, const Flat& below, std::span<const Record> records) {
  std::string out;
  out.reserve(kFlattenedHeaderOctets + records.size() * kRecordOctets);
  store(out, self.categories);
  store(out, below.categories);
  store(out, flags_of(self));
  store(out, flags_of(below));
  store(out, static_cast<std::uint16_t>(records.size()));
  store(out, std::uint32_t{0});
  for (const Record& record : records) store_record(out, record);
  return out;
}

}  // namespace sluice::generation
