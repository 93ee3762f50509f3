// What a site lists itself, beside what the authority signs: its own entries and its subscriptions.
// They are layers of their own, and no update of the authority's lists changes them: a whole
// compilation merges them in, a delta leaves them as they are, and a change of theirs is an overlay
// of the generation that runs, which reads no list of the authority's.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/delta_writer.h"
#include "config/generation/writer.h"
#include "control/tuf/time.h"

namespace sluice::compile {

/// Of all sources together.
inline constexpr std::uint64_t kMaxLocalEntries = 1'000'000;
/// The department that stands in all their provenance rows; `list` is the source's name.
inline constexpr std::string_view kSite = "site";

/// Whether a record is of a layer that the site itself fills.
[[nodiscard]] constexpr bool is_local(const generation::Record& record) {
  return record.layer == generation::Layer::site || record.layer == generation::Layer::subscription;
}

struct LocalEntry {
  std::string key;            // reversed
  generation::Record record;  // its provenance is a row of LocalContent::provenance
};

struct LocalContent {
  std::vector<generation::Provenance> provenance;
  std::vector<LocalEntry> entries;  // ascending by key
};

struct LocalSource {
  std::string name;  // "own", "subscription:ads"
  std::string id;    // says the content: another content has another id
  std::function<Result<LocalContent>()> read;
};

struct LocalLayers {
  std::vector<LocalSource> sources;
  std::optional<tuf::Time> next_change;  // when one of the site's entries ends
  /// The keys that a source had under an id that a generation was made with, ascending; nullopt
  /// where they are no longer known.
  std::function<std::optional<std::vector<std::string>>(const std::string& name,
                                                        const std::string& id)>
      former;

  /// Ids by name, as they stand in a generation's sources.
  [[nodiscard]] std::map<std::string, std::string> ids() const;
};

/// The entries of all sources, in key order, on their way into a generation.
class LocalStream {
 public:
  [[nodiscard]] static Result<LocalStream> open(const LocalLayers& layers);

  /// nullptr at the end.
  [[nodiscard]] const std::string* key() const;
  /// Adds the records of key() to `records`, and goes on to the next key.
  [[nodiscard]] Status take(generation::Writer& writer, std::vector<generation::Record>& records);

 private:
  struct Part {
    LocalContent content;
    std::size_t at = 0;
    std::vector<std::optional<std::uint32_t>> rows;  // of the writer, by the source's own
  };
  std::vector<Part> parts_;
};

struct Emergency;
struct Begun;

struct LocalInput {
  std::shared_ptr<const generation::Generation> base;
  const LocalLayers* layers = nullptr;
  const Emergency* emergency = nullptr;  // in the stead of the base's; null: that stays
  const Begun* begun = nullptr;          // what time adds to the base; null: none of it
  std::string policy_json;
  tuf::Time now{};
  std::uint64_t generation = 0;
  std::filesystem::path output;
};

struct LocalCompiled {
  generation::DeltaSummary summary;
  std::uint64_t changed = 0;  // keys of the site, or of emergencies, that came, went or changed
  std::uint64_t ended = 0;    // entries of orders that have ended, which went
  std::uint64_t begun = 0;    // and of such as have begun, which came
};

/// The base with these local layers, this emergency list and this policy in the stead of its own,
/// with what has begun (begins.h) and without what has ended (ends.h).
[[nodiscard]] Result<LocalCompiled> compile_local(const LocalInput& input);

}  // namespace sluice::compile
