// The table of keys: what the configuration may hold. The checker, the JSON Schema and the
// reference in docs/CONFIGURATION.md are all made from it, so that they cannot disagree.
//
// Thread safety: constant data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/schema/config.h"

namespace sluice::schema {

enum class Kind : std::uint8_t {
  mapping,  // fixed keys: `fields`
  named,    // the person's own names as keys, each with an `item`
  list,     // of `item`
  text,     // `minimum` to `maximum` characters
  name,     // a word that other places refer to
  integer,  // decimal, `minimum` to `maximum`
  choice,   // one of `choices`
  path,     // absolute
  url,      // https://, or file:/// for a repository carried on a disk
  source,   // https://, http:// or file:///
  proxy,    // http://HOST:PORT
  device,   // KIND:ARGUMENTS
  prefix,   // 192.0.2.0/24
  mac,      // 02:00:5e:10:00:01
  ipv4,
  ipv6,
  category,  // of the taxonomy, or one of `choices`
  days,      // "2026-10-01", "2026-10-01/2026-10-07"
  time,      // "20:00"
  free,      // any text or number; whoever reads it looks at it
};

struct Field;

struct Shape {
  Kind kind = Kind::text;
  std::string_view noun;  // "a port's device, such as af_packet:eth1"
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
  std::span<const std::string_view> choices = {};
  std::span<const Field> fields = {};
  const Shape* item = nullptr;
  const Shape* also = nullptr;    // another form that may stand here
  std::string_view because = {};  // why a missing field cannot be left out
};

struct Field {
  std::string_view name;
  const Shape* shape = nullptr;
  bool required = false;
  std::string_view fallback;  // what holds where the key is left out, for the reference
  std::string_view description;
};

[[nodiscard]] const Shape& root_shape();

/// Device kinds of a port, and whether each wants something after the colon.
struct DeviceKind {
  std::string_view name;
  bool wants_argument = false;
  std::string_view example;
  std::string_view description;
};
[[nodiscard]] std::span<const DeviceKind> device_kinds();

/// Patterns that a scalar of a kind keeps to, for the JSON Schema; empty where there is none.
[[nodiscard]] std::string_view pattern(Kind kind);

}  // namespace sluice::schema
