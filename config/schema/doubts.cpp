#include "config/schema/doubts.h"

#include "config/schema/check.h"
#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

// As far as a generation's schedules reach at least.
constexpr std::int64_t kStretch = std::int64_t{13} * 30 * 86400;

}  // namespace

std::vector<Fault> doubts(const std::filesystem::path& file, std::int64_t now) {
  const Loaded loaded = load(file);
  Faults ignored(file.string());
  const auto text = read_file(file, ignored);
  auto root = text ? parse_document(*text, ignored) : std::nullopt;
  if (!loaded.config || !root) return {};
  check(*root, root_shape(), "", ignored);  // for what it notes in the nodes
  Faults notes(file.string());
  const Doubted doubted{*root, *loaded.config, now, now + kStretch};
  doubt_times(doubted, notes);
  doubt_policies(doubted, notes);
  doubt_groups(doubted, notes);
  return notes.take();
}

}  // namespace sluice::schema
