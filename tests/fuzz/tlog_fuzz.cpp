// Any octets as what a mirror says of a transparency log: a proof, a note, a policy, a bundle of
// entries. What is taken has one form only, so that writing it again gives the same octets.
#include <string_view>

#include "control/tlog/base64.h"
#include "control/tlog/proof.h"
#include "control/tlog/tiles.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::tlog;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto octets = from_base64(text)) SLUICE_EXPECT(to_base64(*octets) == text);
  if (const auto note = parse_note(text, "note")) {
    SLUICE_EXPECT(note_text(*note) == text);
    SLUICE_EXPECT(note->signatures.size() <= kMaxNoteSignatures);
    if (const auto checkpoint = parse_checkpoint(note->text, "checkpoint")) {
      // Extension lines may follow.
      SLUICE_EXPECT(note->text.starts_with(checkpoint_text(*checkpoint)));
    }
  }
  if (const auto proof = parse_proof(text, "proof")) {
    SLUICE_EXPECT(proof->hashes.size() <= kMaxProofHashes);
    if (text.find("\nextra ") == text.npos) SLUICE_EXPECT(proof_text(*proof) == text);
    (void)root_of_inclusion(leaf_hash(text), proof->index, size, proof->hashes);
    (void)is_consistent(proof->index, leaf_hash(text), size, leaf_hash(text), proof->hashes);
  }
  if (const auto policy = LogPolicy::parse(text, "policy")) {
    std::vector<Cosigned> all;
    for (const auto& witness : policy->witnesses()) all.push_back({witness.name, {}});
    SLUICE_EXPECT(policy->is_quorum(all));
    SLUICE_EXPECT(policy->is_quorum({}) != policy->asks_witnesses());
  }
  for (std::uint64_t count = 0; count < 3; ++count) {
    const auto entries = parse_bundle(text, count, "bundle");
    if (!entries) continue;
    std::string again;
    for (const std::string& entry : *entries) again += bundle_entry(entry);
    SLUICE_EXPECT(again == text);
  }
  if (const auto leaf = parse_release_leaf(text, "leaf")) {
    SLUICE_EXPECT(release_leaf(leaf->version, leaf->sha256) == text);
  }
  return 0;
}
