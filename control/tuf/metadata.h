// The signed documents of a TUF 1.0 repository (specification section 4), as plain structs. Parsing
// checks shape only; verify() checks signatures; what versions and expiries mean is the client's.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/tuf/key.h"
#include "control/tuf/time.h"

namespace sluice::tuf {

// Bounds before a byte is parsed.
inline constexpr std::uint64_t kMaxRootOctets = 64'000;
inline constexpr std::uint64_t kMaxTimestampOctets = 16'000;
inline constexpr std::uint64_t kMaxSnapshotOctets = 1 << 18;
inline constexpr std::uint64_t kMaxTargetsOctets = 1 << 22;
inline constexpr std::size_t kMaxRoles = 64;
inline constexpr std::size_t kMaxSignatures = 64;

using KeyMap = std::map<std::string, PublicKey>;

struct RoleKeys {
  std::vector<std::string> keyids;
  std::uint64_t threshold = 0;
};

struct Common {
  std::uint64_t version = 0;
  Time expires{};
};

struct Root : Common {
  KeyMap keys;
  std::map<std::string, RoleKeys> roles;  // root, timestamp, snapshot, targets
};

/// What one document says of another.
struct MetaFile {
  std::uint64_t version = 0;
  std::optional<std::uint64_t> length;
  std::optional<std::string> sha256;
};

struct Timestamp : Common {
  MetaFile snapshot;
  std::optional<Time> issued;  // when it was signed; a field of ours, which others pass over
};

struct Snapshot : Common {
  std::map<std::string, MetaFile> meta;  // "targets.json", "list-police.json"
};

struct TargetFile {
  std::uint64_t length = 0;
  std::string sha256;
  Json custom = Json::object();
};

struct DelegatedRole : RoleKeys {
  std::string name;
  bool terminating = false;
  std::vector<std::string> paths;  // '*' matches within one segment
};

struct Targets : Common {
  std::map<std::string, TargetFile> targets;
  KeyMap keys;
  std::vector<DelegatedRole> roles;  // in order of precedence
};

struct Signature {
  std::string keyid;
  std::vector<std::uint8_t> octets;  // empty where it was no hexadecimal text
};

struct Envelope {
  Json body = Json::object();  // "signed"
  std::string canonical;       // what the signatures cover
  std::vector<Signature> signatures;
};

/// `where` names the document in errors, here and below.
[[nodiscard]] Result<Envelope> parse_envelope(std::string_view bytes, std::string_view where);

[[nodiscard]] Result<Root> parse_root(const Json& body, std::string_view where);
[[nodiscard]] Result<Timestamp> parse_timestamp(const Json& body, std::string_view where);
[[nodiscard]] Result<Snapshot> parse_snapshot(const Json& body, std::string_view where);
[[nodiscard]] Result<Targets> parse_targets(const Json& body, std::string_view where);

/// The threshold counts distinct key ids with distinct public values and a valid signature.
[[nodiscard]] Status verify(const Envelope& envelope, const KeyMap& keys, const RoleKeys& role,
                            std::string_view where);

/// A role's name is part of a file name: [a-z0-9] and '-', at most 64.
[[nodiscard]] bool is_role_name(std::string_view name);

/// TUF 1.0 section 4.5: shell-style, '*' and '?' never match '/'.
[[nodiscard]] bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace sluice::tuf
