#include "config/schema/policy_presets.h"

#include <algorithm>

namespace sluice::schema {
namespace {

using policy::CategoryMask;

CategoryMask mask_of(std::initializer_list<std::string_view> names) {
  CategoryMask mask = 0;
  for (const std::string_view name : names) {
    if (const auto* category = policy::find_category(name)) mask |= policy::bit(category->id);
  }
  return mask;
}

std::uint16_t schedule(const std::string& name, std::vector<calendar::Window> windows,
                       Config& config) {
  auto& known = config.times.schedules;
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const calendar::Schedule& one) { return one.name == name; });
  const auto index = static_cast<std::uint16_t>(found - known.begin());
  if (found == known.end()) {
    known.push_back({name, std::move(windows)});
    config.policy.schedules.push_back({.name = name});
  }
  return index;
}

}  // namespace

const std::vector<calendar::Preset>& policy_presets() {
  static const std::vector<calendar::Preset> kPresets{
      {kPolicyPresets[0],
       "`defaults`; games by `cn-minors-games-2021`; and no games, video, live, novels or social "
       "between 22:00 and 06:00; what is open then is cut; ECH withheld, encrypted DNS refused, "
       "safe search strict",
       "for games the notice of `cn-minors-games-2021`; the rest is Sluice's own choice of what "
       "youth modes of services commonly do"}};
  return kPresets;
}

CategoryMask default_categories() {
  CategoryMask mask = 0;
  for (const policy::Category& category : policy::taxonomy()) {
    if (category.minors_default == policy::MinorsDefault::block) mask |= policy::bit(category.id);
  }
  return mask;
}

policy::Policy policy_of_preset(std::string_view /*preset*/, Config& config) {
  policy::Policy policy{.blocked = default_categories(),
                        .withhold_ech = true,
                        .refuse_encrypted_dns = true,
                        .safe_search = policy::SafeSearch::strict};
  // A name of a configuration holds no '/'.
  const std::uint16_t games =
      schedule("youth/games", calendar::windows_of_preset(calendar::kSchedulePresets[0]), config);
  const std::uint16_t night =
      schedule("youth/night",
               {calendar::Window{
                   .days = {{calendar::Kind::every_day, {}}}, .from = 22 * 60, .until = 6 * 60}},
               config);
  policy.hours = {{games, mask_of({"games"}), true, true},
                  {night, mask_of({"games", "video", "live", "novels", "social"}), false, true}};
  return policy;
}

}  // namespace sluice::schema
