#include "tools/sluice-authority/zone_order.h"

#include <algorithm>

namespace sluice::authority {
namespace {

/// The end of a label before all other octets.
bool is_before(const ZoneName& a, const ZoneName& b) {
  const auto rank = [](char c) { return c == '.' ? '\0' : c; };
  return std::lexicographical_compare(
      a.key.begin(), a.key.end(), b.key.begin(), b.key.end(),
      [&](char left, char right) { return rank(left) < rank(right); });
}

}  // namespace

Status ZoneOrder::add(ZoneName name) {
  if (!waiting_.empty()) {
    const bool same = name.key.starts_with(prefix_) && name.key.size() > prefix_.size();
    const char next = same ? name.key[prefix_.size()] : 'x';
    if (next == '-' || next == '.') {
      waiting_.push_back(std::move(name));
      return {};
    }
    if (auto status = release(); !status) return status;
  }
  const std::size_t hyphen = name.key.find('-');
  if (hyphen == name.key.npos) return sink_(name);
  prefix_ = name.key.substr(0, hyphen);
  waiting_.push_back(std::move(name));
  return {};
}

Status ZoneOrder::release() {
  std::sort(waiting_.begin(), waiting_.end(), is_before);
  for (const ZoneName& name : waiting_) {
    if (auto status = sink_(name); !status) return status;
  }
  waiting_.clear();
  return {};
}

}  // namespace sluice::authority
