#include "control/service/builder.h"

#include <algorithm>

#include "control/compile/delta.h"
#include "control/compile/local.h"

namespace sluice::service {
namespace {

bool changed_too_often(const BuildInput& input) {
  const std::uint64_t base = input.current->base()->header().generation;
  return input.generation >= base + kMaxGenerationsOnABase;
}

/// Why the generation cannot be made of changes; empty where it may be tried.
std::string why_whole(const BuildInput& input) {
  if (!input.current || input.current_release == nullptr) return "there is none to change";
  if (input.brought.empty()) return "no list came by a delta";
  for (const sync::Brought& one : input.brought) {
    if (one.steps == 0) return "the list of " + one.department + " came as a whole";
  }
  if (!changed_too_often(input)) return {};
  return "generation " + std::to_string(input.current->base()->header().generation) +
         " has been changed often enough";
}

Result<Built> build_by_changes(const BuildInput& input) {
  std::vector<compile::ListDelta> deltas;
  for (const sync::Brought& one : input.brought) deltas.push_back(one.delta);
  auto compiled = compile::compile_delta({.base = input.current,
                                          .before = input.current_release,
                                          .after = input.release,
                                          .deltas = std::move(deltas),
                                          .lists_dir = input.lists_dir,
                                          .policy_json = input.policy_json,
                                          .now = input.now,
                                          .generation = input.generation,
                                          .output = input.output});
  if (!compiled) return fail(compiled.error());
  return Built{std::to_string(compiled->summary.entries) + " names, " +
               std::to_string(compiled->added) + " came and " + std::to_string(compiled->removed) +
               " went, " + std::to_string(compiled->summary.bytes) + " octets"};
}

}  // namespace

Result<Built> build_generation(const BuildInput& input) {
  std::string reason = why_whole(input);
  if (reason.empty()) {
    auto built = build_by_changes(input);
    if (built) return built;
    reason = built.error().text();
  }
  auto compiled = compile::compile({.release = input.release,
                                    .local = input.local,
                                    .lists_dir = input.lists_dir,
                                    .policy_json = input.policy_json,
                                    .now = input.now,
                                    .generation = input.generation,
                                    .output = input.output});
  if (!compiled) return fail(compiled.error());
  return Built{std::to_string(compiled->summary.entries) + " names, " +
               std::to_string(compiled->summary.bytes) + " octets, as a whole: " + reason};
}

Result<Built> build_local(const BuildInput& input) {
  const compile::LocalLayers none;
  auto compiled = compile::compile_local({.base = input.current,
                                          .layers = input.local != nullptr ? input.local : &none,
                                          .emergency = input.emergency,
                                          .begun = input.begun,
                                          .policy_json = input.policy_json,
                                          .now = input.now,
                                          .generation = input.generation,
                                          .output = input.output});
  if (!compiled) return fail(compiled.error());
  return Built{"generation " + std::to_string(input.current->header().generation) +
               " with the site's own policy and lists" +
               (input.emergency != nullptr ? " and the emergency list of now, " : ", ") +
               std::to_string(compiled->changed) + " names of which changed" +
               (compiled->begun != 0
                    ? ", with " + std::to_string(compiled->begun) + " whose orders have begun"
                    : "") +
               (compiled->ended != 0
                    ? ", without " + std::to_string(compiled->ended) + " whose orders have ended"
                    : "")};
}

}  // namespace sluice::service
