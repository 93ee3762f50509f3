#include "tools/sluice-authority/commitments.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/compile/zstd_lines.h"
#include "control/tlog/tiles.h"
#include "control/tuf/digest.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/log_verify.h"

namespace sluice::authority {
namespace {

using tlog::Hash;
using tlog::kHashOctets;

constexpr const char* kType = "cpl-change/1";
constexpr std::size_t kMaxLine = 16'384;
constexpr std::uint64_t kMaxChanges = (kMaxCommitted + 1) * 700;
constexpr std::uint64_t kMaxOpenings = 1 << 20;

std::filesystem::path file_of(const Workspace& workspace, const std::string& department,
                              std::uint64_t seq, const char* kind) {
  return workspace.folder / "commitments" / department / (std::to_string(seq) + kind);
}

Result<std::string> secret_of(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return files::read_bounded(path, 2 * kHashOctets);
  std::array<std::uint8_t, kHashOctets> secret{};
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
    return fail("OpenSSL has no random octets");
  }
  std::string text = tuf::to_hex(secret);
  if (auto status = files::write_atomic(path, text, 0600); !status) return fail(status.error());
  return text;
}

std::string salt_of(const std::string& secret, std::string_view line) {
  Hash salt{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(line.data()), line.size(), salt.data(), &length);
  return std::string(tlog::octets_of(salt));
}

/// The hash of the tree's leaf.
Hash commitment(std::string salt, std::string_view line) {
  const Hash hash = tlog::sha256_of(salt.append(line));
  return tlog::leaf_hash(tlog::octets_of(hash));
}

template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::vector<Hash> proof_of(std::string_view leaves, std::uint64_t index) {
  std::vector<Hash> proof;  // from the root down
  std::uint64_t count = leaves.size() / kHashOctets;
  while (count > 1) {
    std::uint64_t left = 1;
    while (left * 2 < count) left *= 2;
    const std::string_view low = leaves.substr(0, left * kHashOctets);
    const std::string_view high = leaves.substr(left * kHashOctets);
    const bool is_low = index < left;
    proof.push_back(tlog::tile_root(is_low ? high : low));
    leaves = is_low ? low : high;
    index -= is_low ? 0 : left;
    count = leaves.size() / kHashOctets;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

/// What the newest logged release that has this list signs of its changes.
Result<tuf::Json> signed_changes(LogSource& source, const std::vector<LoggedRelease>& releases,
                                 const std::string& department, std::uint64_t seq) {
  const std::string role = role_of(department);
  for (auto release = releases.rbegin(); release != releases.rend(); ++release) {
    const std::string path = "metadata/" + std::to_string(release->leaf.version) + ".snapshot.json";
    auto bytes = source.need(path, tuf::kMaxSnapshotOctets);
    if (!bytes) return fail(bytes.error());
    if (tuf::sha256(*bytes) != release->leaf.sha256) return fail("is not what was logged", path);
    auto envelope = tuf::parse_envelope(*bytes, path);
    if (!envelope) return fail(envelope.error());
    auto snapshot = tuf::parse_snapshot(envelope->body, path);
    if (!snapshot) return fail(snapshot.error());
    const auto listed = snapshot->meta.find(role + ".json");
    if (listed == snapshot->meta.end()) continue;
    const std::string name =
        "metadata/" + std::to_string(listed->second.version) + "." + role + ".json";
    auto document = source.need(name, tuf::kMaxTargetsOctets);
    if (!document) return fail(document.error());
    if (tuf::sha256(*document) != listed->second.sha256.value_or("")) {
      return fail("is not what the logged snapshot names", name);
    }
    auto json = tuf::parse_strict(*document, name);
    if (!json) return fail(json.error());
    const tuf::Json::json_pointer place("/signed/targets/lists~1" + department +
                                        "~1full.cpl.zst/custom/cpl");
    if (!json->contains(place)) continue;
    const tuf::Json& custom = (*json)[place];
    if (custom.value("seq", std::uint64_t{0}) != seq) continue;
    if (custom.contains("changes")) return custom["changes"];
    return fail("was signed without commitments", department + " " + std::to_string(seq));
  }
  return fail("no logged release has this list", department + " " + std::to_string(seq));
}

}  // namespace

Result<tuf::Json> commit_changes(const Workspace& workspace, const std::string& department,
                                 std::uint64_t seq, std::string_view lines) {
  const auto count = static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  if (count == 0 || count > kMaxCommitted) return tuf::Json();
  const auto path = file_of(workspace, department, seq, ".secret");
  if (auto status = files::make_folder(path.parent_path()); !status) return fail(status.error());
  std::filesystem::permissions(workspace.folder / "commitments", std::filesystem::perms::owner_all);
  auto secret = secret_of(path);
  if (!secret) return fail(secret.error());
  auto packed = compile::zstd_pack(lines);
  if (!packed) return fail(packed.error());
  auto status =
      files::write_atomic(file_of(workspace, department, seq, ".changes.zst"), *packed, 0600);
  if (!status) return fail(status.error());
  std::string leaves;
  leaves.reserve(count * kHashOctets);
  each_line(lines, [&](std::string_view line) {
    leaves += tlog::octets_of(commitment(salt_of(*secret, line), line));
  });
  return tuf::Json{{"count", count}, {"root", tuf::to_hex(tlog::tile_root(leaves))}};
}

Status commitment_open_command(const Workspace& workspace, const Opening& opening) {
  const auto secret_file = file_of(workspace, opening.department, opening.seq, ".secret");
  if (!std::filesystem::exists(secret_file)) {
    return fail("the changes of this list are not here", secret_file.string(),
                "open them where it was first signed; over 200,000 changes are not committed to");
  }
  auto secret = secret_of(secret_file);
  if (!secret) return fail(secret.error());
  const auto changes = file_of(workspace, opening.department, opening.seq, ".changes.zst");
  auto lines = compile::ZstdLines::open(changes, changes.string(), kMaxChanges, kMaxLine);
  if (!lines) return fail(lines.error());
  std::string leaves;
  std::vector<std::pair<std::uint64_t, std::string>> found;
  for (std::uint64_t index = 0;; ++index) {
    auto line = lines->next();
    if (!line) return fail(line.error());
    if (!*line) break;
    leaves += tlog::octets_of(commitment(salt_of(*secret, **line), **line));
    const std::string_view name = (*line)->substr(1, (*line)->find('\t') - 1);
    if (name == opening.name) found.emplace_back(index, **line);
  }
  if (found.empty()) return fail("does not change in this list", opening.name);
  for (const auto& [index, line] : found) {
    const std::string salt = salt_of(*secret, line);
    tuf::Json proof = tuf::Json::array();
    for (const Hash& hash : proof_of(leaves, index)) proof.push_back(tuf::to_hex(hash));
    const tuf::Json opened = {{"type", kType},
                              {"department", opening.department},
                              {"seq", opening.seq},
                              {"change", line},
                              {"salt", tuf::to_hex(tlog::hash_from(salt))},
                              {"index", index},
                              {"count", leaves.size() / kHashOctets},
                              {"proof", std::move(proof)}};
    std::cout << json_text(opened) << "\n";
  }
  return {};
}

Status commitment_verify_command(const Opening& opening, LogSource& source,
                                 const tlog::LogPolicy& policy) {
  auto text = files::read_bounded(opening.file, kMaxOpenings);
  if (!text) return fail(text.error());
  auto replayed = replay_log(source, policy);
  if (!replayed) return fail(replayed.error());
  if (!replayed->problems.empty()) return fail(replayed->problems.front());
  Status status;
  each_line(*text, [&](std::string_view line) {
    if (!status) return;
    const std::string where = opening.file.string();
    auto json = tuf::parse_strict(line, where);
    if (!json) return void(status = fail(json.error()));
    tuf::FieldReader fields(*json, where);
    const std::string type = fields.text("type");
    const std::string department = fields.text("department");
    const std::uint64_t seq = fields.number("seq");
    const std::string change = fields.text("change");
    const auto salt = tuf::from_hex(fields.text("salt"));
    const std::uint64_t index = fields.number("index");
    const std::uint64_t count = fields.number("count");
    std::vector<Hash> proof;
    bool good = fields.good() && type == kType && salt && tuf::is_role_name(department);
    for (const std::string& hex : fields.texts("proof")) {
      const auto octets = tuf::from_hex(hex);
      good = good && octets && octets->size() == kHashOctets;
      if (good) proof.push_back(tlog::hash_from(std::string(octets->begin(), octets->end())));
    }
    if (!good || !fields.good()) return void(status = fail("is no opening of a change", where));
    auto changes = signed_changes(source, replayed->releases, department, seq);
    if (!changes) return void(status = fail(changes.error()));
    const auto root = tlog::root_of_inclusion(
        commitment(std::string(salt->begin(), salt->end()), change), index, count, proof);
    if (!root || changes->value("count", std::uint64_t{0}) != count ||
        changes->value("root", "") != tuf::to_hex(*root)) {
      return void(status = fail("is no change that was committed to", where + ": " + change));
    }
    std::cout << department << ", list " << seq << ": " << change << "\n";
  });
  return status;
}

}  // namespace sluice::authority
