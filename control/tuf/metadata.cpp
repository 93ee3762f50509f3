#include "control/tuf/metadata.h"

#include <algorithm>
#include <fnmatch.h>

#include "control/tuf/digest.h"

namespace sluice::tuf {
namespace {

constexpr const char* kTopRoles[] = {"root", "timestamp", "snapshot", "targets"};

Common read_common(FieldReader& fields, std::string_view type) {
  Common common;
  if (const std::string found = fields.text("_type"); fields.good() && found != type) {
    fields.fault("is of type '" + found + "', not '" + std::string(type) + "'");
  }
  const std::string spec = fields.text("spec_version");
  if (fields.good() && !spec.starts_with("1.")) {
    fields.fault("is of TUF version " + spec + "; this client knows 1.x");
  }
  common.version = fields.number("version");
  if (fields.good() && common.version == 0) fields.fault("versions start at 1");
  const std::string expires = fields.text("expires");
  if (!fields.good()) return common;
  auto time = parse_time(expires);
  if (!time) {
    fields.fault("expires: " + time.error().text());
    return common;
  }
  common.expires = *time;
  return common;
}

Result<KeyMap> read_keys(const Json& object, std::string_view where) {
  KeyMap keys;
  for (const auto& [keyid, value] : object.items()) {
    auto key = PublicKey::from_json(value, keyid, where);
    if (!key) return fail(key.error());
    keys.emplace(keyid, std::move(*key));
  }
  return keys;
}

RoleKeys read_role_keys(FieldReader& fields) {
  RoleKeys role{fields.texts("keyids"), fields.number("threshold")};
  if (!fields.good()) return role;
  if (role.threshold == 0) fields.fault("the threshold is 0");
  std::vector<std::string> sorted = role.keyids;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    fields.fault("a key id is there twice");
  }
  return role;
}

MetaFile read_meta_file(FieldReader& fields) {
  MetaFile file;
  file.version = fields.number("version");
  file.length = fields.number_if_any("length");
  const Json& hashes = fields.object("hashes", false);
  if (const auto found = hashes.find("sha256"); found != hashes.end()) {
    if (!found->is_string() || !is_sha256(found->get_ref<const std::string&>())) {
      fields.fault("the sha256 is not 64 lower-case hexadecimal digits");
    } else {
      file.sha256 = found->get<std::string>();
    }
  }
  return file;
}

Result<TargetFile> read_target(const Json& object, const std::string& where) {
  FieldReader fields(object, where);
  FieldReader hashes(fields.object("hashes"), where + ": hashes");
  TargetFile target{fields.number("length"), hashes.text("sha256"), fields.object("custom", false)};
  if (!fields.good()) return fields.failure();
  if (!hashes.good()) return hashes.failure();
  if (!is_sha256(target.sha256)) {
    return fail("the sha256 is not 64 lower-case hexadecimal digits", where);
  }
  return target;
}

}  // namespace

bool is_role_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool path_matches(std::string_view pattern, std::string_view path) {
  return fnmatch(std::string(pattern).c_str(), std::string(path).c_str(),
                 FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

Result<Envelope> parse_envelope(std::string_view bytes, std::string_view where) {
  auto json = parse_strict(bytes, where);
  if (!json) return fail(json.error());
  FieldReader fields(*json, std::string(where));
  Envelope envelope;
  envelope.body = fields.object("signed");
  const Json& signatures = fields.array("signatures");
  if (fields.good() && signatures.size() > kMaxSignatures) fields.fault("has over 64 signatures");
  if (!fields.good()) return fields.failure();
  for (const Json& item : signatures) {
    FieldReader one(item, std::string(where) + ": signatures");
    Signature signature{one.text("keyid"),
                        from_hex(one.text("sig")).value_or(std::vector<std::uint8_t>())};
    if (!one.good()) return one.failure();
    envelope.signatures.push_back(std::move(signature));
  }
  envelope.canonical = canonical(envelope.body);
  return envelope;
}

Result<Root> parse_root(const Json& body, std::string_view where) {
  FieldReader fields(body, std::string(where));
  Root root;
  static_cast<Common&>(root) = read_common(fields, "root");
  if (!fields.boolean("consistent_snapshot")) {
    fields.fault("the repository is not laid out as consistent snapshots");
  }
  const Json& roles = fields.object("roles");
  for (const char* name : kTopRoles) {
    if (!fields.good()) return fields.failure();
    const auto found = roles.find(name);
    if (found == roles.end()) {
      return fail("names no role '" + std::string(name) + "'", std::string(where));
    }
    FieldReader role(*found, std::string(where) + ": roles." + name);
    root.roles[name] = read_role_keys(role);
    if (!role.good()) return role.failure();
  }
  auto keys = read_keys(fields.object("keys"), where);
  if (!fields.good()) return fields.failure();
  if (!keys) return fail(keys.error());
  root.keys = std::move(*keys);
  return root;
}

Result<Timestamp> parse_timestamp(const Json& body, std::string_view where) {
  FieldReader fields(body, std::string(where));
  Timestamp timestamp;
  static_cast<Common&>(timestamp) = read_common(fields, "timestamp");
  FieldReader meta(fields.object("meta"), std::string(where) + ": meta");
  FieldReader snapshot(meta.object("snapshot.json"), std::string(where) + ": meta.snapshot.json");
  if (!fields.good()) return fields.failure();
  if (!meta.good()) return meta.failure();
  timestamp.snapshot = read_meta_file(snapshot);
  if (!snapshot.good()) return snapshot.failure();
  if (const std::string issued = fields.text_or("issued", ""); !issued.empty()) {
    auto time = parse_time(issued);
    if (!time || *time >= timestamp.expires) {
      return fail("was issued at no time, or after its end", std::string(where), "");
    }
    timestamp.issued = *time;
  }
  if (!fields.good()) return fields.failure();
  return timestamp;
}

Result<Snapshot> parse_snapshot(const Json& body, std::string_view where) {
  FieldReader fields(body, std::string(where));
  Snapshot snapshot;
  static_cast<Common&>(snapshot) = read_common(fields, "snapshot");
  const Json& meta = fields.object("meta");
  if (fields.good() && meta.size() > kMaxRoles) fields.fault("names more than 64 roles");
  if (!fields.good()) return fields.failure();
  for (const auto& [name, value] : meta.items()) {
    FieldReader file(value, std::string(where) + ": meta." + name);
    snapshot.meta[name] = read_meta_file(file);
    if (!file.good()) return file.failure();
  }
  return snapshot;
}

Result<Targets> parse_targets(const Json& body, std::string_view where) {
  FieldReader fields(body, std::string(where));
  Targets targets;
  static_cast<Common&>(targets) = read_common(fields, "targets");
  const Json& files = fields.object("targets");
  const Json& delegations = fields.object("delegations", false);
  if (!fields.good()) return fields.failure();
  for (const auto& [path, value] : files.items()) {
    auto target = read_target(value, std::string(where) + ": " + path);
    if (!target) return fail(target.error());
    targets.targets.emplace(path, std::move(*target));
  }
  if (delegations.empty()) return targets;

  FieldReader delegated(delegations, std::string(where) + ": delegations");
  auto keys = read_keys(delegated.object("keys"), where);
  if (!keys) return fail(keys.error());
  targets.keys = std::move(*keys);
  const Json& roles = delegated.array("roles");
  if (delegated.good() && roles.size() > kMaxRoles) delegated.fault("has more than 64 roles");
  if (!delegated.good()) return delegated.failure();
  for (const Json& item : roles) {
    FieldReader one(item, std::string(where) + ": delegations.roles");
    DelegatedRole role;
    static_cast<RoleKeys&>(role) = read_role_keys(one);
    role.name = one.text("name");
    role.terminating = one.boolean("terminating");
    role.paths = one.texts("paths");
    if (one.good() && !is_role_name(role.name)) one.fault("'" + role.name + "' is no role name");
    const bool is_twice =
        std::any_of(targets.roles.begin(), targets.roles.end(),
                    [&](const DelegatedRole& other) { return other.name == role.name; });
    if (is_twice) one.fault("the role '" + role.name + "' is there twice");
    if (!one.good()) return one.failure();
    targets.roles.push_back(std::move(role));
  }
  return targets;
}

}  // namespace sluice::tuf
