// Any octets as what a witness is asked with. What is taken has one form only, so that writing it
// again gives the same octets, and a proof of any length is held against any sizes.
#include <string_view>

#include "control/tlog/checkpoint.h"
#include "control/tlog/witness_request.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::tlog;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto request = parse_witness_request(text);
  if (!request) return 0;
  SLUICE_EXPECT(witness_request_text(*request) == text);
  SLUICE_EXPECT(request->proof.size() <= kMaxProofHashes);
  const auto next = parse_checkpoint(request->note.text, "checkpoint");
  if (!next) return 0;
  Hash seen = next->root;
  const bool same = is_consistent(next->size, seen, next->size, next->root, request->proof);
  SLUICE_EXPECT(same == request->proof.empty() || next->size == 0);
  seen[0] ^= 1;
  if (request->old_size != 0 && request->old_size <= next->size) {
    // Of a tree that is not the one that was seen before, no proof says that it is continued.
    const bool both =
        is_consistent(request->old_size, seen, next->size, next->root, request->proof) &&
        is_consistent(request->old_size, next->root, next->size, next->root, request->proof);
    SLUICE_EXPECT(!both);
  }
  return 0;
}
