// Compiles the lists of one release and the policy into a generation: all lists are read at once,
// each in its own sorted order, and merged into the writer without being held in memory.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/generation/writer.h"
#include "control/compile/local.h"
#include "control/compile/orders.h"
#include "control/compile/release.h"

namespace sluice::compile {

inline constexpr std::uint64_t kMaxEmergencyEntries = 100;

struct ListCount {
  std::string department;
  std::uint64_t entries = 0;   // written
  std::uint64_t expired = 0;   // skipped: their order has run out
  std::uint64_t pending = 0;   // skipped: their order is not yet in effect
  std::uint64_t inactive = 0;  // skipped: suspended or withdrawn
  std::uint64_t urls = 0;      // skipped: a name filter cannot judge them
  // Left out by the rules, by reason: "protected", "popular", "public-suffix".
  std::map<std::string, std::uint64_t, std::less<>> dropped;
};

/// Where an entry is counted whose order does not apply now.
[[nodiscard]] std::uint64_t& counted_as(ListCount& count, const Order& order, tuf::Time now);
/// A list's row in a generation's sources.
[[nodiscard]] tuf::Json to_json(const ListCount& count, const ReleaseList& list);
/// Refuses an emergency list of more than kMaxEmergencyEntries.
[[nodiscard]] Status check_emergency_length(const ReleaseList& list);

/// Names that the rules left out are told one by one up to here.
inline constexpr std::size_t kMaxDroppedTold = 20;
/// "google.com (popular, cyberspace)".
[[nodiscard]] std::string dropped_text(std::string_view reversed_key, std::string_view reason,
                                       const std::string& department);

/// The row that names stand under which the rules protect.
[[nodiscard]] generation::Provenance protected_provenance();

struct CompileInput {
  const Release* release = nullptr;    // null: policy only
  const LocalLayers* local = nullptr;  // null: the site has none
  std::filesystem::path lists_dir;
  std::string policy_json;
  tuf::Time now{};
  std::uint64_t generation = 0;
  std::filesystem::path output;
};

struct Compiled {
  generation::Summary summary;
  std::vector<ListCount> lists;
  std::vector<std::string> dropped;  // the first ones
  Stretch orders;
};

/// Refuses the whole release at the first fault of any list, leaving no file.
[[nodiscard]] Result<Compiled> compile(const CompileInput& input);

/// What a list that names a name under this order says of it.
[[nodiscard]] generation::Record record_of(const Order& order, generation::Scope scope,
                                           const std::string& department, std::uint32_t provenance);

/// What a generation says of its origin (Generation::sources_json), read back to decide whether it
/// still is what the release, the policy and the time ask for.
struct Sources {
  std::string release;  // SHA-256 of the release's own JSON; empty for policy only
  std::map<std::string, std::uint64_t> seqs;  // of its lists, by department
  Stretch orders;                             // with what was taken out since because it ended
  std::vector<std::string> dropped;           // entries that the rules left out, the first ones
  std::uint64_t dropped_count = 0;
  std::map<std::string, std::string> local;  // LocalLayers::ids() of what was merged in
  std::optional<tuf::Time> local_next_change;
  /// What is in it of an emergency list: see put_emergency(). Generations from before that was told
  /// do not have it, nor such as were made of no release.
  struct EmergencyPart {
    std::string id;
    std::vector<std::string> keys;  // reversed, ascending
    Stretch orders;
  };
  std::optional<EmergencyPart> emergency;
};
[[nodiscard]] std::string release_id(const Release& release);
[[nodiscard]] Sources sources_from_json(std::string_view json);
// To bring sources up to date; what they say then is what compile() would have them say.
/// A list's row; null where there is none.
[[nodiscard]] tuf::Json* list_row(tuf::Json& sources, std::string_view department);
void put_stretch(tuf::Json& json, const Stretch& orders);
/// A count of a row, as of "entries".
void add_to_count(tuf::Json& row, const std::string& what, std::int64_t more);
/// The same of what the rules leave out, by reason.
void add_to_dropped(tuf::Json& row, const std::string& reason, std::int64_t more);
/// Whether such an entry, a dropped_text(), is among the first that are told.
void tell_dropped(tuf::Json& sources, const std::string& text, bool is_dropped);
/// Tells of local layers in a generation's sources.
void put_local(tuf::Json& sources, const LocalLayers& layers);

}  // namespace sluice::compile
