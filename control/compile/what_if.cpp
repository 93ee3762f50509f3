#include "control/compile/what_if.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/policy/taxonomy.h"
#include "control/compile/local.h"

namespace sluice::compile {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMillionParts = 1'000'000;

/// Whether the authority still keeps people from a name by this category.
bool is_kept(const generation::Generation& made, const PastBlock& block) {
  name::LookupName name;
  const policy::Category* category = policy::find_category(block.category);
  if (category == nullptr || name::from_text(block.entry, name) != name::Defect::none) return true;
  const auto covering = made.covering(name);
  return std::any_of(covering.begin(), covering.end(), [&](const generation::Covering& one) {
    return one.record.disposition == generation::Disposition::block &&
           one.record.category == category->id && !is_local(one.record);
  });
}

}  // namespace

std::vector<PastBlock> past_blocks(const json& reply) {
  std::vector<PastBlock> out;
  const auto events = reply.find("events");
  if (events == reply.end() || !events->is_array()) return out;
  for (const json& event : *events) {
    if (!event.is_object()) continue;
    const std::string layer = text_at(event, "layer");
    PastBlock block{text_at(event, "entry"), text_at(event, "category")};
    const bool is_authority = layer == "authority" || layer == "emergency" || layer == "isp";
    if (is_authority && !block.entry.empty()) out.push_back(std::move(block));
  }
  return out;
}

WhatIf what_if(const std::vector<PastBlock>& blocks, const generation::Generation& made) {
  WhatIf out;
  for (const PastBlock& block : blocks) {
    const bool lifted = !is_kept(made, block);
    for (WhatIf::Count* count : {&out.all, &out.by_category[block.category]}) {
      ++count->blocks;
      count->lifted += lifted ? 1 : 0;
    }
  }
  return out;
}

json to_json(const WhatIf& found) {
  json categories = json::object();
  for (const auto& [category, count] : found.by_category) {
    categories[category] = {{"blocks", count.blocks}, {"lifted", count.lifted}};
  }
  json out = {{"blocks", found.all.blocks},
              {"lifted", found.all.lifted},
              {"by_category", std::move(categories)},
              {"passed", nullptr}};
  if (found.passed) {
    out["passed"] = {{"names", found.passed->names},
                     {"blocked", found.passed->blocked},
                     {"by_category", found.passed->by_category}};
  } else if (!found.passed_not_asked.empty()) {
    out["passed_not_asked"] = found.passed_not_asked;
  }
  return out;
}

std::optional<WhatIf::Passed> passed_names(const json& reply) {
  const auto number = [](const json& in, const char* key) -> std::optional<std::uint64_t> {
    const auto found = in.find(key);
    // No dataplane keeps as many; the products below fit.
    if (found == in.end() || !found->is_number_unsigned()) return std::nullopt;
    const auto value = found->get<std::uint64_t>();
    return value <= UINT32_MAX ? std::optional(value) : std::nullopt;
  };
  if (!reply.is_object()) return std::nullopt;
  const auto names = number(reply, "asked");
  const auto blocked = number(reply, "blocked");
  if (!names || !blocked || *blocked > *names) return std::nullopt;
  WhatIf::Passed out{.names = *names, .blocked = *blocked, .by_category = {}};
  const auto categories = reply.find("by_category");
  if (categories == reply.end() || !categories->is_object()) return out;
  for (const auto& [category, count] : categories->items()) {
    if (policy::find_category(category) == nullptr || !count.is_number_unsigned()) continue;
    out.by_category[category] = count.get<std::uint64_t>();
  }
  return out;
}

std::vector<Error> check_what_if(const WhatIf& found, std::uint64_t most) {
  const auto& [blocks, lifted] = found.all;
  if (blocks < kWhatIfFrom || lifted * kMillionParts <= blocks * most) return {};
  return {{std::to_string(lifted) + " of the last " + std::to_string(blocks) +
               " blocks on this appliance would pass, more than " +
               std::to_string(most / (kMillionParts / 100)) + " in a hundred",
           "what-if", ""}};
}

std::vector<Error> check_passed(const WhatIf& found, std::uint64_t most) {
  if (!found.passed || found.passed->names < kWhatIfFrom ||
      found.passed->blocked * kMillionParts <= found.passed->names * most) {
    return {};
  }
  std::string categories;
  for (const auto& [category, count] : found.passed->by_category) {
    categories += (categories.empty() ? " (" : ", ") + category + " " + std::to_string(count);
  }
  if (!categories.empty()) categories += ")";
  return {{std::to_string(found.passed->blocked) + " of the last " +
               std::to_string(found.passed->names) +
               " names that were kept of those that passed on this appliance would be blocked" +
               categories + ", more than " + std::to_string(most / (kMillionParts / 100)) +
               " in a hundred",
           "what-if", ""}};
}

}  // namespace sluice::compile
