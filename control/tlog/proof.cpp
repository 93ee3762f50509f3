#include "control/tlog/proof.h"

#include "control/tlog/base64.h"
#include "control/tuf/digest.h"
#include "control/tuf/json.h"

namespace sluice::tlog {
namespace {

constexpr std::string_view kHead = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kIndex = "index ";
constexpr std::string_view kExtra = "extra ";
constexpr const char* kType = "cpl-snapshot/1";
constexpr const char* kNotUsed = "nothing of it is used";

}  // namespace

Result<Proof> parse_proof(std::string_view text, std::string_view where) {
  const std::string place(where);
  const auto wrong = [&](const char* what) { return fail(what, place, kNotUsed); };
  if (text.size() > kMaxProofOctets) return wrong("is too long for a proof of a log");
  const auto line = [&] {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view found = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return found;
  };
  if (line() != kHead) return wrong("is no proof of a log");
  std::string_view next = line();
  if (next.starts_with(kExtra)) {
    if (!from_base64(next.substr(kExtra.size()))) return wrong("its extra line is not Base64");
    next = line();
  }
  if (!next.starts_with(kIndex)) return wrong("names no index");
  const auto index = parse_size(next.substr(kIndex.size()));
  if (!index) return wrong("its index is no number");
  Proof proof{.index = *index, .hashes = {}, .checkpoint = {}};
  for (next = line(); !next.empty(); next = line()) {
    const auto hash = hash_from_base64(next);
    if (!hash) return wrong("has a line that is no hash");
    if (proof.hashes.size() == kMaxProofHashes) return wrong("has more hashes than any tree");
    proof.hashes.push_back(*hash);
  }
  proof.checkpoint = text;
  if (proof.checkpoint.empty()) return wrong("has no checkpoint");
  return proof;
}

std::string proof_text(const Proof& proof) {
  std::string out =
      std::string(kHead) + "\n" + std::string(kIndex) + std::to_string(proof.index) + "\n";
  for (const Hash& hash : proof.hashes) out += to_base64(hash) + "\n";
  return out + "\n" + proof.checkpoint;
}

std::string release_leaf(std::uint64_t version, std::string_view sha256) {
  return tuf::canonical({{"sha256", sha256}, {"type", kType}, {"version", version}});
}

Result<ReleaseLeaf> parse_release_leaf(std::string_view entry, std::string_view where) {
  auto json = tuf::parse_strict(entry, where);
  if (!json) return fail(json.error());
  tuf::FieldReader fields(*json, std::string(where));
  ReleaseLeaf leaf{fields.number("version"), fields.text("sha256")};
  const std::string type = fields.text("type");
  if (!fields.good()) return fields.failure();
  if (type != kType || !tuf::is_sha256(leaf.sha256) ||
      release_leaf(leaf.version, leaf.sha256) != entry) {
    return fail("is no leaf of a release", std::string(where));
  }
  return leaf;
}

Result<Believed> verify_proof(const Proof& proof, std::string_view entry, const LogPolicy& policy,
                              std::string_view where) {
  auto note = parse_note(proof.checkpoint, where);
  if (!note) return fail(note.error());
  auto believed = policy.check(*note, where);
  if (!believed) return believed;
  const Checkpoint& checkpoint = believed->checkpoint;
  const auto root = root_of_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes);
  if (!root || *root != checkpoint.root) {
    return fail("does not lead from the release to the log's root", std::string(where));
  }
  return believed;
}

}  // namespace sluice::tlog
