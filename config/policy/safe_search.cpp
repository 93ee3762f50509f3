#include "config/policy/safe_search.h"

namespace sluice::policy {
namespace {

/// Each label behind its length; the root's, of no octets, is the caller's.
std::string wire_of(std::string_view canonical_name) {
  std::string out;
  while (!canonical_name.empty()) {
    const std::string_view label = canonical_name.substr(0, canonical_name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    canonical_name.remove_prefix(std::min(label.size() + 1, canonical_name.size()));
  }
  return out;
}

std::vector<std::uint8_t> target_of(std::string_view canonical_name) {
  const std::string wire = wire_of(canonical_name);
  std::vector<std::uint8_t> out(wire.begin(), wire.end());
  out.push_back(0);
  return out;
}

}  // namespace

const std::string& safe_name(const SearchEngine& engine, SafeSearch level) {
  return level == SafeSearch::moderate && !engine.moderate.empty() ? engine.moderate
                                                                   : engine.strict;
}

const SearchEngine* engine_of(const std::vector<SearchEngine>& engines,
                              std::string_view canonical_name) {
  for (const SearchEngine& engine : engines) {
    if (std::find(engine.names.begin(), engine.names.end(), canonical_name) != engine.names.end())
      return &engine;
  }
  return nullptr;
}

SafeSearchNames::SafeSearchNames(const std::vector<SearchEngine>& engines) {
  for (const SearchEngine& engine : engines) {
    const auto index = static_cast<std::uint16_t>(targets_.size());
    targets_.push_back({target_of(safe_name(engine, SafeSearch::strict)),
                        target_of(safe_name(engine, SafeSearch::moderate))});
    for (const std::string& name : engine.names) {
      entries_.push_back({wire_of(name), index});
      std::string octets = entries_.back().name;
      const std::size_t length = octets.size();
      octets.resize(std::max(length, sizeof(std::uint64_t)));
      const std::uint64_t at = place_of(octets.data(), length);
      filter_[at / 64] |= std::uint64_t{1} << (at % 64);
    }
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
}

std::span<const std::uint8_t> SafeSearchNames::find(const name::FoldedName& name,
                                                    SafeSearch level) const {
  const std::string_view wire = name.view();
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), wire,
                       [](const Entry& entry, std::string_view key) { return entry.name < key; });
  if (found == entries_.end() || found->name != wire) return {};
  const Targets& targets = targets_[found->engine];
  return level == SafeSearch::moderate ? targets.moderate : targets.strict;
}

}  // namespace sluice::policy
