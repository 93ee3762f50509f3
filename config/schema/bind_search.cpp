// Search engines: those that come with Sluice, and the configuration's own.
#include <algorithm>
#include <map>

#include "config/name/name.h"
#include "config/policy/safe_search.h"
#include "config/schema/bind.h"
#include "config/schema/check.h"
#include "config/schema/keys.h"
#include "config/schema/safe_search_data.h"

namespace sluice::schema {
namespace {

using policy::SearchEngine;

/// Empty where the text is no name, which is reported.
std::string domain_of(const TextNode& node, const std::string& path, Faults& faults) {
  auto name = name::canonical(node.text);
  if (name) return std::move(*name);
  faults.add(node.place, path, "'" + node.text + "' is no domain name: " + name.error().what,
             "write it as www.example.com");
  return {};
}

SearchEngine bind_engine(const Member& member, const std::string& path, Faults& faults) {
  SearchEngine engine{.name = member.key.text, .names = {}, .strict = {}, .moderate = {}};
  if (const TextNode* node = find(member.value, "strict")) {
    engine.strict = domain_of(*node, path + ".strict", faults);
  }
  if (const TextNode* node = find(member.value, "moderate")) {
    engine.moderate = domain_of(*node, path + ".moderate", faults);
  }
  const TextNode* names = find(member.value, "names");
  if (names == nullptr) return engine;
  for (std::size_t i = 0; i < names->items.size(); ++i) {
    const TextNode& item = names->items[i];
    if (!item.good) continue;
    const std::string at = path + ".names[" + std::to_string(i) + "]";
    std::string name = domain_of(item, at, faults);
    if (name.empty()) continue;
    if (name == engine.strict || name == engine.moderate) {
      faults.add(item.place, at, "'" + name + "' would be asked for in its own place",
                 "leave out the engine's safe name");
      continue;
    }
    if (std::find(engine.names.begin(), engine.names.end(), name) != engine.names.end()) {
      faults.add(item.place, at, "'" + name + "' is already in this list", "name it once");
      continue;
    }
    engine.names.push_back(std::move(name));
  }
  return engine;
}

void check_once(const std::vector<SearchEngine>& engines, const SearchEngine& engine, Place place,
                const std::string& path, Faults& faults) {
  for (const std::string& name : engine.names) {
    const SearchEngine* other = policy::engine_of(engines, name);
    if (other == nullptr) continue;
    faults.add(place, path, "'" + name + "' is already a name of engine '" + other->name + "'",
               "keep it in one, or give this engine that name to stand in its place");
  }
}

std::vector<SearchEngine> engines_of(const TextNode* node, std::vector<SearchEngine> known,
                                     Faults& faults) {
  std::vector<std::pair<const Member*, SearchEngine>> own;
  for (const Member* member : entries(node)) {
    own.emplace_back(member, bind_engine(*member, "search_engines." + member->key.text, faults));
    std::erase_if(known, [&](const SearchEngine& one) { return one.name == member->key.text; });
  }
  for (auto& [member, engine] : own) {
    check_once(known, engine, member->key.place, "search_engines." + engine.name, faults);
    known.push_back(std::move(engine));
  }
  return known;
}

std::vector<SearchEngine> shipped_engines(Faults& faults) {
  auto root = parse_document(kSafeSearchData, faults);
  if (!root) return {};
  check(*root, kSearchEngines, "", faults);
  return engines_of(&*root, {}, faults);
}

}  // namespace

void bind_engines(const TextNode& root, Config& config, Faults& faults) {
  Faults of_the_data("safe-search.yaml");
  auto engines = engines_of(find(root, "search_engines"), shipped_engines(of_the_data), faults);
  // A test holds the data to have none.
  for (const Fault& fault : of_the_data.take()) {
    faults.add({}, "search_engines", fault.text(), "build from a file without faults");
  }
  const auto& policies = config.policy.policies;
  const auto is_on = [](const policy::Policy& one) {
    return one.safe_search != policy::SafeSearch::off;
  };
  std::erase_if(engines, [](const SearchEngine& one) { return one.names.empty(); });
  config.engines = std::move(engines);
  if (std::any_of(policies.begin(), policies.end(), is_on)) config.policy.engines = config.engines;
}

}  // namespace sluice::schema
