#include "tests/unit/control/repository.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "config/base/json.h"
#include "control/compile/cpd_make.h"
#include "control/compile/release.h"
#include "control/compile/zstd_lines.h"
#include "control/tuf/digest.h"

namespace sluice::test {
namespace {

using tuf::Json;

Json head(const char* type, std::uint64_t version, tuf::Time expires) {
  return {{"_type", type},
          {"spec_version", "1.0.31"},
          {"version", version},
          {"expires", tuf::to_text(expires)}};
}

Json role_json(const std::vector<tuf::PrivateKey>& keys, unsigned threshold) {
  Json ids = Json::array();
  for (const auto& key : keys) ids.push_back(key.keyid());
  return {{"keyids", ids}, {"threshold", threshold}};
}

Json keys_json(const std::vector<tuf::PrivateKey>& keys, Json into) {
  for (const auto& key : keys) into[key.keyid()] = key.public_json();
  return into;
}

}  // namespace

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string order_line(const std::string& reference, const std::string& category,
                       const std::string& effective, const std::string& expires) {
  return tuf::canonical({{"order", reference},
                         {"category", category},
                         {"authority", "office.example"},
                         {"legal_basis", "Act s. 12"},
                         {"effective", effective},
                         {"expires", expires},
                         {"status", "active"}}) +
         "\n";
}

Repository::Repository(std::filesystem::path folder) : folder_(std::move(folder)) {
  add_role("root", 3, 2);
  add_role("targets", 3, 2);
  add_role("snapshot", 1, 1);
  add_role("timestamp", 1, 1);
  add_role("list-police", 3, 2);
  add_role("list-press", 2, 2);
  add_role("list-emergency", 2, 1);
  publish_root();
}

void Repository::add_role(const std::string& role, unsigned count, unsigned threshold) {
  keys[role].clear();
  for (unsigned i = 0; i < count; ++i) keys[role].push_back(tuf::PrivateKey::generate().value());
  thresholds[role] = threshold;
}

void Repository::clear_hooks() {
  on_body = nullptr;
  on_envelope = nullptr;
  on_file = nullptr;
  on_delta = nullptr;
}

std::string Repository::sign(const std::string& role, Json body,
                             const std::vector<tuf::PrivateKey>& signers) {
  if (on_body) on_body(role, body);
  Json envelope = {{"signatures", Json::array()}, {"signed", body}};
  for (const auto& key : signers) {
    envelope["signatures"].push_back(
        {{"keyid", key.keyid()}, {"sig", key.sign(tuf::canonical(body)).value()}});
  }
  if (on_envelope) on_envelope(role, envelope);
  return json_text(envelope);
}

Json Repository::write(const std::string& path, std::string bytes, std::uint64_t version) {
  Json meta = {
      {"version", version}, {"length", bytes.size()}, {"hashes", {{"sha256", tuf::sha256(bytes)}}}};
  if (on_file) on_file(path, bytes);
  write_file(folder_ / path, bytes);
  return meta;
}

void Repository::publish_root(const std::vector<tuf::PrivateKey>& old_keys) {
  const std::uint64_t version = ++versions["root"];
  Json body = head("root", version, now + std::chrono::hours(24 * 365));
  body["consistent_snapshot"] = true;
  body["keys"] = Json::object();
  for (const char* role : {"root", "targets", "snapshot", "timestamp"}) {
    body["keys"] = keys_json(keys[role], body["keys"]);
    body["roles"][role] = role_json(keys[role], thresholds[role]);
  }
  std::vector<tuf::PrivateKey> signers = keys["root"];
  for (const auto& key : old_keys) {
    const bool there = std::any_of(signers.begin(), signers.end(),
                                   [&](const auto& one) { return one.keyid() == key.keyid(); });
    if (!there) signers.push_back(key);
  }
  write("metadata/" + std::to_string(version) + ".root.json", sign("root", body, signers), version);
}

Json Repository::target(const std::string& path, const std::string& packed, const Json& custom) {
  const compile::ListFile file{path, packed.size(), tuf::sha256(packed), {}};
  write(file.remote_path(), packed, 0);
  return {{"length", file.length},
          {"hashes", {{"sha256", file.sha256}}},
          {"custom", {{"cpl", custom}}}};
}

void Repository::add_step(const std::string& department, std::uint64_t seq,
                          const std::string& cpl) {
  const Published before = std::exchange(last_[department], {seq, cpl});
  Json& steps = steps_[department];
  if (steps.is_null()) steps = Json::object();
  if (before.seq == 0 || before.seq >= seq) return;
  const auto facts = [&](std::uint64_t of, const std::string& text) {
    compile::ReleaseList list;
    list.department = department;
    list.seq = of;
    list.entries = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) - 4;
    list.full = {"full", 0, {}, tuf::sha256(text)};
    return list;
  };
  const compile::ReleaseList from = facts(before.seq, before.cpl);
  const compile::ReleaseList to = facts(seq, cpl);
  write_file(folder_ / "before.zst", compile::zstd_pack(before.cpl).value());
  const std::string lines = cpl.substr(cpl.find('\n', cpl.find("#entries")) + 1);
  const auto changes = compile::diff_lists(from, folder_ / "before.zst", lines).value();
  std::string text = compile::cpd_text(from, to, changes);
  Json custom = {{"from", from.seq},
                 {"to", to.seq},
                 {"from_content_sha256", from.full.content_sha256},
                 {"to_content_sha256", to.full.content_sha256},
                 {"added", changes.added},
                 {"removed", changes.removed}};
  if (on_delta) on_delta(text, custom);
  const std::string path = "lists/" + department + "/delta-" + std::to_string(from.seq) + "-" +
                           std::to_string(to.seq) + ".cpd.zst";
  steps[path] = target(path, compile::zstd_pack(text).value(), custom);
}

Json Repository::list_targets(const std::string& department, const List& list) {
  const std::string base = "lists/" + department + "/";
  const auto lines =
      static_cast<std::uint64_t>(std::count(list.names.begin(), list.names.end(), '\n'));
  const std::uint64_t entries = list.entries == 0 ? lines : list.entries;
  const std::string cpl = "#CPL 1\n#list " + department + "\n#seq " + std::to_string(list.seq) +
                          "\n#entries " + std::to_string(entries) + "\n" + list.names;
  Json custom = {{"seq", list.seq},
                 {"entries", entries},
                 {"content_sha256", tuf::sha256(cpl)},
                 {"orders_sha256", tuf::sha256(list.orders)}};
  if (!list.override_json.is_null()) custom["override"] = list.override_json;
  Json targets = Json::object();
  targets[base + "full.cpl.zst"] = target(
      base + "full.cpl.zst", list.pack ? list.pack(cpl) : compile::zstd_pack(cpl).value(), custom);
  targets[base + "orders.jsonl.zst"] =
      target(base + "orders.jsonl.zst", compile::zstd_pack(list.orders).value(),
             {{"content_sha256", tuf::sha256(list.orders)}});
  if (list.deltas) {
    add_step(department, list.seq, cpl);
    targets.update(steps_[department]);
  }
  return targets;
}

void Repository::publish() {
  Json meta = Json::object();
  Json delegations = {{"keys", Json::object()}, {"roles", Json::array()}};
  for (const auto& [role, role_keys] : keys) {
    if (!role.starts_with("list-")) continue;
    const std::string department = role.substr(5);
    delegations["keys"] = keys_json(role_keys, delegations["keys"]);
    Json delegated = role_json(role_keys, thresholds[role]);
    delegated.update({{"name", role},
                      {"terminating", true},
                      {"paths", Json::array({"lists/" + department + "/*"})}});
    delegations["roles"].push_back(delegated);
    const std::uint64_t version = ++versions[role];
    Json body = head("targets", version, now + std::chrono::hours(24 * 90));
    body["targets"] =
        lists.contains(department) ? list_targets(department, lists[department]) : Json::object();
    meta[role + ".json"] = write("metadata/" + std::to_string(version) + "." + role + ".json",
                                 sign(role, body, role_keys), version);
  }
  const std::uint64_t version = ++versions["targets"];
  Json targets = head("targets", version, now + std::chrono::hours(24 * 180));
  targets["targets"] = Json::object();
  for (const auto& [path, bytes] : policy) {
    targets["targets"][path] = target(path, bytes, Json::object());
  }
  targets["delegations"] = delegations;
  meta["targets.json"] = write("metadata/" + std::to_string(version) + ".targets.json",
                               sign("targets", targets, keys["targets"]), version);

  const std::uint64_t snapshot_version = ++versions["snapshot"];
  Json snapshot = head("snapshot", snapshot_version, now + std::chrono::hours(24 * 7));
  snapshot["meta"] = meta;
  const Json snapshot_meta =
      write("metadata/" + std::to_string(snapshot_version) + ".snapshot.json",
            sign("snapshot", snapshot, keys["snapshot"]), snapshot_version);
  const std::uint64_t timestamp_version = ++versions["timestamp"];
  Json timestamp = head("timestamp", timestamp_version, now + std::chrono::hours(72));
  timestamp["meta"]["snapshot.json"] = snapshot_meta;
  write("metadata/timestamp.json", sign("timestamp", timestamp, keys["timestamp"]),
        timestamp_version);
}

}  // namespace sluice::test
