#include "config/generation/codec.h"

#include <cstring>

namespace sluice::generation {
namespace {

constexpr std::uint8_t kProtected = 1;
constexpr std::uint8_t kEmergency = 2;
constexpr std::uint8_t kLocalAllow = 4;

template <class T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;  // the format is little-endian, and so is every machine that Sluice runs on
}

template <class T>
void store(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::uint8_t flags_of(const Flat& flat) {
  return static_cast<std::uint8_t>((flat.is_protected ? kProtected : 0) |
                                   (flat.emergency ? kEmergency : 0) |
                                   (flat.local_allow ? kLocalAllow : 0));
}

Record load_record(std::string_view bytes, std::size_t at) {
  return {load<std::uint32_t>(bytes, at), load<std::uint8_t>(bytes, at + 4),
          static_cast<Scope>(load<std::uint8_t>(bytes, at + 5)),
          static_cast<Disposition>(load<std::uint8_t>(bytes, at + 6)),
          static_cast<Layer>(load<std::uint8_t>(bytes, at + 7))};
}

void store_record(std::string& out, const Record& record) {
  store(out, std::uint64_t{record.provenance} | std::uint64_t{record.category} << 32 |
                 static_cast<std::uint64_t>(record.scope) << 40 |
                 static_cast<std::uint64_t>(record.disposition) << 48 |
                 static_cast<std::uint64_t>(record.layer) << 56);
}

}  // namespace

std::optional<EntryView> EntryView::decode(std::string_view bytes) {
  if (bytes.size() == kRecordOctets) {
    // A category is a bit of a mask.
    if (load<std::uint8_t>(bytes, 4) >= 64) return std::nullopt;
    return EntryView(bytes);
  }
  if (bytes.size() <= kFlattenedHeaderOctets) return std::nullopt;
  const std::size_t records = load<std::uint16_t>(bytes, 18);
  if (bytes.size() != kFlattenedHeaderOctets + records * kRecordOctets) return std::nullopt;
  return EntryView(bytes);
}

Flat EntryView::flat(bool below) const {
  if (bytes_.size() == kRecordOctets) {
    // A flattened form would say the same; flatten.cpp chooses this one only then.
    const Record only = record(0);
    Flat flat;
    if (!covers(only.scope, below)) return flat;
    switch (only.disposition) {
      case Disposition::block:
        flat.categories = policy::bit(only.category);
        flat.emergency = only.layer == Layer::emergency;
        break;
      case Disposition::allow:
        flat.local_allow = only.layer == Layer::site;
        break;
      case Disposition::protect:
        flat.is_protected = true;
        break;
    }
    return flat;
  }
  const auto flags = load<std::uint8_t>(bytes_, below ? 17 : 16);
  return {load<std::uint64_t>(bytes_, below ? 8 : 0), (flags & kProtected) != 0,
          (flags & kEmergency) != 0, (flags & kLocalAllow) != 0};
}

std::size_t EntryView::record_count() const {
  return bytes_.size() == kRecordOctets ? 1 : load<std::uint16_t>(bytes_, 18);
}

Record EntryView::record(std::size_t index) const {
  const std::size_t base = bytes_.size() == kRecordOctets ? 0 : kFlattenedHeaderOctets;
  return load_record(bytes_, base + index * kRecordOctets);
}

std::optional<Record> EntryView::deciding(bool below, std::uint8_t category) const {
  for (std::size_t i = 0; i < record_count(); ++i) {
    const Record one = record(i);
    if (!covers(one.scope, below)) continue;
    const bool wanted =
        category == 0 || (one.category == category && one.disposition == Disposition::block);
    if (wanted) return one;
  }
  return std::nullopt;
}

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
