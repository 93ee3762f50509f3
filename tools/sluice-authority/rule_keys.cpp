#include "tools/sluice-authority/rule_keys.h"

#include <array>

#include "config/schema/check.h"

namespace sluice::authority {
namespace {

using schema::Field;
using schema::Kind;
using schema::Shape;

constexpr Shape kAny{.kind = Kind::free, .noun = "a value"};  // whoever reads it looks at it
constexpr Shape kTexts{.kind = Kind::list, .noun = "a list", .item = &kAny};

constexpr Shape keys(std::span<const Field> fields) {
  return {.kind = Kind::mapping, .noun = "its keys", .fields = fields};
}

// guards.yaml. `action`, `emergency` and `stale` say what every appliance does anyhow.
constexpr std::array kSizeFields{Field{"min_ratio", &kAny}, Field{"max_ratio", &kAny},
                                 Field{"min_entries_to_apply", &kAny}, Field{"action", &kAny}};
constexpr Shape kSize = keys(kSizeFields);
constexpr std::array kChurnFields{Field{"max_removed_ratio", &kAny}, Field{"action", &kAny}};
constexpr Shape kChurn = keys(kChurnFields);
constexpr std::array kWhatIfFields{Field{"max_lifted_ratio", &kAny}, Field{"max_new_ratio", &kAny}};
constexpr Shape kWhatIf = keys(kWhatIfFields);
constexpr std::array kSourceFields{Field{"source", &kAny}};
constexpr Shape kSource = keys(kSourceFields);
constexpr Shape kSources{.kind = Kind::list, .noun = "a list of sources", .item = &kSource};
constexpr std::array kProbesFields{Field{"must_hit", &kTexts}, Field{"must_miss", &kTexts}};
constexpr Shape kProbes = keys(kProbesFields);
constexpr std::array kEmergencyFields{Field{"max_entries", &kAny}, Field{"max_ttl_hours", &kAny},
                                      Field{"roles", &kTexts}};
constexpr Shape kEmergency = keys(kEmergencyFields);
constexpr std::array kStaleFields{Field{"warn_hours", &kAny}, Field{"alarm_hours", &kAny},
                                  Field{"on_expired_metadata", &kAny}};
constexpr Shape kStale = keys(kStaleFields);
constexpr std::array kGuardsFields{Field{"guards", &kAny},          Field{"size", &kSize},
                                   Field{"churn", &kChurn},         Field{"what_if", &kWhatIf},
                                   Field{"never_block", &kSources}, Field{"probes", &kProbes},
                                   Field{"emergency", &kEmergency}, Field{"stale", &kStale}};
constexpr Shape kGuards = keys(kGuardsFields);

// rollout.json
constexpr std::array kRingFields{Field{"name", &kAny}, Field{"percent", &kAny},
                                 Field{"appliances", &kTexts}, Field{"soak_hours", &kAny}};
constexpr Shape kRing = keys(kRingFields);
constexpr Shape kRings{.kind = Kind::list, .noun = "a list of rings", .item = &kRing};
constexpr std::array kHaltIfFields{Field{"block_rate_ratio_gt", &kAny},
                                   Field{"top1k_new_hits_gt", &kAny},
                                   Field{"appeals_per_100_gw_gt", &kAny}};
constexpr Shape kHaltIf = keys(kHaltIfFields);
constexpr std::array kHaltFields{Field{"seq", &kAny}, Field{"reason", &kAny}};
constexpr Shape kHalt = keys(kHaltFields);
constexpr Shape kHalted{
    .kind = Kind::named, .noun = "departments", .minimum = 0, .maximum = 1000, .item = &kHalt};
constexpr std::array kRolloutFields{Field{"rollout", &kAny},    Field{"rings", &kRings},
                                    Field{"salt", &kAny},       Field{"skip_for", &kTexts},
                                    Field{"halt_if", &kHaltIf}, Field{"halted", &kHalted}};
constexpr Shape kRollout = keys(kRolloutFields);

Status check_keys(std::string_view bytes, const Shape& shape, const std::string& file) {
  schema::Faults faults(file);
  auto root = schema::parse_document(bytes, faults);
  if (root) schema::check(*root, shape, "", faults);
  const auto found = faults.take();
  if (found.empty()) return {};
  return fail(found[0].text(), {}, "correct it there; nothing was done with it");
}

}  // namespace

Status check_guard_keys(std::string_view bytes, const std::string& file) {
  return check_keys(bytes, kGuards, file);
}

// JSON is YAML as well.
Status check_rollout_keys(std::string_view bytes, const std::string& file) {
  return check_keys(bytes, kRollout, file);
}

}  // namespace sluice::authority
