// Makes generations: of the changes to the one that runs where signed deltas tell them all, else of
// all lists.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/generation/reader.h"
#include "control/compile/begins.h"
#include "control/compile/compile.h"
#include "control/compile/emergency.h"
#include "control/sync/lists.h"

namespace sluice::service {

/// After so many generations upon one base a whole one is made again, of the lists themselves, so
/// that what an update by changes might get wrong does not live for ever.
inline constexpr std::uint64_t kMaxGenerationsOnABase = 64;

struct BuildInput {
  const compile::Release* release = nullptr;  // null: policy only
  // What is needed besides to build by changes; null or empty where there is no such thing.
  std::shared_ptr<const generation::Generation> current;
  const compile::Release* current_release = nullptr;
  std::vector<sync::Brought> brought;
  const compile::LocalLayers* local = nullptr;
  // Of build_local(); null: what is there stays.
  const compile::Emergency* emergency = nullptr;
  const compile::Begun* begun = nullptr;

  std::filesystem::path lists_dir;
  std::string policy_json;
  tuf::Time now{};
  std::uint64_t generation = 0;
  std::filesystem::path output;
};

struct Built {
  std::string how;  // for the log
};

/// Fails, leaving no file, where the release is bad.
[[nodiscard]] Result<Built> build_generation(const BuildInput& input);

/// The generation that runs with the policy, the site's own lists and emergencies as they are now,
/// with what has begun and without what has ended: an overlay of it.
[[nodiscard]] Result<Built> build_local(const BuildInput& input);

}  // namespace sluice::service
