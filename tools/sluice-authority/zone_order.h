// Brings the names of lists into the order of DNSSEC (RFC 4034 section 6.1), in which a zone's
// digest is made (RFC 8976 section 3.3.1). Lists are sorted by the octets of their reversed keys,
// where '-' is less than the '.' that ends a label; in a zone the end of a label is less than all
// else. So only names that agree up to a hyphen and a dot have to wait for one another: "com.a-b."
// for "com.a.".
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace sluice::authority {

enum class ZoneRule : std::uint8_t { none, block, pass };

/// What becomes of a name, and of all below it.
struct ZoneName {
  std::string key;  // reversed
  ZoneRule exact = ZoneRule::none;
  ZoneRule subs = ZoneRule::none;
};

class ZoneOrder {
 public:
  using Sink = std::function<Status(const ZoneName&)>;
  explicit ZoneOrder(Sink sink) : sink_(std::move(sink)) {}

  /// Ascending by the octets of the key.
  [[nodiscard]] Status add(ZoneName name);
  [[nodiscard]] Status finish() { return release(); }

 private:
  [[nodiscard]] Status release();

  Sink sink_;
  std::string prefix_;  // of those that wait; what follows it there is '-' or '.'
  std::vector<ZoneName> waiting_;
};

}  // namespace sluice::authority
