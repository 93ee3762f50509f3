// One list of others that the site takes: fetched, read, looked at before it is taken, and kept as
// it was when it was last good. Nobody has signed it, so a list that shrinks or changes much waits
// for a person, and one that is no list is never taken.
//
// Thread safety: free functions on the caller's data; one thread works for a subscription.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "control/compile/local.h"
#include "control/sync/http.h"
#include "control/tuf/time.h"

namespace sluice::site {

/// A list as it was read: reversed keys with their scopes, in a file named by its hash.
struct Copy {
  std::string sha256;  // of that file; empty: there is none
  std::uint64_t entries = 0;
  tuf::Time fetched{};
};

/// What is known of a subscription; kept beside its lists.
struct SubscriptionState {
  Copy good;
  Copy held;           // waits for a person
  std::string reason;  // why
  std::string etag;    // of the download that `good` or `held` was made of
  std::string last_modified;
  std::string format;    // that it was read by
  std::string url;       // that it came from
  std::string approved;  // Copy::sha256 that a person has let through
  // Of this run of the process only:
  std::optional<Error> error;  // of the last attempt
  std::optional<tuf::Time> asked;
  std::uint64_t rejected = 0;  // lines that mean anything else than a name
  std::uint64_t left_out = 0;  // public suffixes with all below them
};

/// Where a subscription's state and its lists are, in the site's folder.
[[nodiscard]] std::filesystem::path state_file(const std::filesystem::path& folder,
                                               const std::string& name);
[[nodiscard]] std::filesystem::path copy_file(const std::filesystem::path& folder,
                                              const std::string& sha256);

[[nodiscard]] SubscriptionState load_state(const std::filesystem::path& folder,
                                           const std::string& name);
[[nodiscard]] Status save_state(const std::filesystem::path& folder, const std::string& name,
                                const SubscriptionState& state);

/// Asks for the list, writes it beside the others, and takes it into `state` where it is sane. An
/// error is of the attempt: the last good list stays.
[[nodiscard]] Status refresh(sync::Http& http, const schema::Subscription& subscription,
                             const std::filesystem::path& folder, tuf::Time now,
                             SubscriptionState& state);

/// Takes the list that waits.
[[nodiscard]] Status take_held(SubscriptionState& state);

/// The id says list, category and mode: "SHA256:23:monitor".
[[nodiscard]] std::string source_id(const schema::Subscription& subscription, const Copy& copy);
[[nodiscard]] compile::LocalSource source_of(const schema::Subscription& subscription,
                                             const Copy& copy, const std::filesystem::path& folder);
/// The keys of a list that is kept; nullopt where it is not, or damaged.
[[nodiscard]] std::optional<std::vector<std::string>> keys_of(const std::filesystem::path& folder,
                                                              const std::string& source_id);

[[nodiscard]] nlohmann::json to_json(const schema::Subscription& subscription,
                                     const SubscriptionState& state);

}  // namespace sluice::site
