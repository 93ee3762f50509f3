#include "config/schema/doubts.h"

#include "config/schema/document.h"

namespace sluice::schema {
namespace {

// As far as a generation's schedules reach at least.
constexpr std::int64_t kStretch = std::int64_t{13} * 30 * 86400;

}  // namespace

std::vector<Fault> doubts(const Source& source, std::int64_t now) {
  if (!source.loaded.config || !source.root) return {};
  Faults notes(source.file.string());
  const Doubted doubted{*source.root, *source.loaded.config, now, now + kStretch};
  doubt_times(doubted, notes);
  doubt_policies(doubted, notes);
  doubt_groups(doubted, notes);
  doubt_ways_out(doubted, notes);
  return notes.take();
}

}  // namespace sluice::schema
