// Any octets as the value of an entry: what decodes can be judged, and encodes to what it was.
#include "config/generation/codec.h"
#include "config/policy/policy.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto entry = generation::EntryView::decode(bytes);
  if (!entry) return 0;
  for (std::size_t i = 0; i < entry->record_count(); ++i) {
    const generation::Record record = entry->record(i);
    const std::size_t at = size - (entry->record_count() - i) * generation::kRecordOctets;
    std::string again;
    generation::append_simple(again, record);
    SLUICE_EXPECT(again == bytes.substr(at, generation::kRecordOctets));
    (void)policy::find_category(record.category);
  }
  for (const bool below : {false, true}) {
    const generation::Flat flat = entry->flat(below);
    const policy::Verdict verdict = policy::decide(
        {flat.categories, flat.is_protected, flat.emergency, flat.local_allow, 1}, 0x6, 0x18);
    SLUICE_EXPECT(verdict.category == 0 || (flat.categories & policy::bit(verdict.category)) != 0);
    SLUICE_EXPECT(!flat.is_protected || verdict.action == policy::Action::pass);
  }
  return 0;
}
