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
  store(out, std::uint64_t{record.provenance} | std::uint64_t{record.category} << 32 |
                 static_cast<std::uint64_t>(record.scope) << 40 |
                 static_cast<std::uint64_t>(record.disposition) << 48 |
                 static_cast<std::uint64_t>(record.layer) << 56);
}

}  // namespace

void append_simple(std::string& out, const Record& record) { store_record(out, record); }

void append_flattened(std::string& out, const Flat& self, const Flat& below,
                      std::span<const Record> records) {
  store(out, self.categories);
  store(out, below.categories);
  store(out, flags_of(self));
  store(out, flags_of(below));
  store(out, static_cast<std::uint16_t>(records.size()));
  store(out, std::uint32_t{0});
  for (const Record& record : records) store_record(out, record);
}

}  // namespace sluice::generation
