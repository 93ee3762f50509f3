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
  return {{"blocks", found.all.blocks},
          {"lifted", found.all.lifted},
          {"by_category", std::move(categories)}};
}

std::vector<Error> check_what_if(const WhatIf& found, std::uint64_t most) {
  const auto& [blocks, lifted] = found.all;
  if (blocks < kWhatIfFrom || lifted * kMillionParts <= blocks * most) return {};
  return {{std::to_string(lifted) + " of the last " + std::to_string(blocks) +
               " blocks on this appliance would pass, more than " +
               std::to_string(most / (kMillionParts / 100)) + " in a hundred",
           "what-if", ""}};
}

}  // namespace sluice::compile
