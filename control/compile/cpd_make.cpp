#include "control/compile/cpd_make.h"

#include <algorithm>
#include <map>
#include <optional>

#include "control/compile/cpd.h"
#include "control/compile/cpl.h"
#include "control/compile/zstd_lines.h"

namespace sluice::compile {
namespace {

std::string_view name_of(std::string_view line) { return line.substr(0, line.find('\t')); }

void put(ListChanges& changes, bool adds, std::string_view line) {
  changes.lines.push_back(adds ? '+' : '-');
  changes.lines.append(line).push_back('\n');
  ++(adds ? changes.added : changes.removed);
}

/// A line of a list, with its key made only when it is asked for: most lines are in both lists.
class Line {
 public:
  void set(std::optional<std::string_view> text) {
    there_ = text.has_value();
    text_ = text.value_or("");
    key_.clear();
  }
  [[nodiscard]] bool there() const { return there_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  const std::string& key() {
    if (key_.empty()) {
      name::LookupName name;
      if (name::from_text(name_of(text_), name) == name::Defect::none) key_.assign(name.view());
    }
    return key_;
  }

 private:
  bool there_ = false;
  std::string_view text_;
  std::string key_;
};

std::optional<std::string_view> take_line(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

Result<ZstdLines> open_list(const ReleaseList& list, const std::filesystem::path& file) {
  auto lines = ZstdLines::open(file, list.full.path, kMaxListHeader + list.entries * kMaxListLine,
                               kMaxListLine);
  for (std::size_t i = 0; lines && i < kListHeaderLines; ++i) {
    if (auto line = lines->next(); !line) return fail(line.error());
  }
  return lines;
}

/// Tells of each line that only one of two lists has, in the order of a CPD.
template <class NextOld, class NextFresh, class Tell>
Status walk_differences(NextOld next_old, NextFresh next_fresh, Tell tell) {
  Line old;
  Line fresh;
  const auto advance = [](auto& next, Line& line) -> Status {
    auto read = next();
    if (!read) return fail(read.error());
    line.set(*read);
    return {};
  };
  if (auto status = advance(next_old, old); !status) return status;
  if (auto status = advance(next_fresh, fresh); !status) return status;
  while (old.there() || fresh.there()) {
    const bool same = old.there() && fresh.there() && old.text() == fresh.text();
    // Of one name '-' stands before '+'.
    const bool goes = !same && old.there() && (!fresh.there() || old.key() <= fresh.key());
    if (!same) tell(!goes, goes ? old : fresh);
    if (same || goes) {
      if (auto status = advance(next_old, old); !status) return status;
    }
    if (same || !goes) {
      if (auto status = advance(next_fresh, fresh); !status) return status;
    }
  }
  return {};
}

class RemovedCounter {
 public:
  void add(bool adds, std::string_view key) {
    if (!adds) ++count_;
    // It has only changed.
    if (adds && key == last_) --count_;
    last_ = adds ? std::string_view() : key;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  std::uint64_t count_ = 0;
  std::string last_;  // that went
};

/// The list that a step leads to, as far as its own header tells.
ReleaseList after_step(const ReleaseList& before, const DeltaFile& delta) {
  ReleaseList after;
  after.department = before.department;
  after.seq = delta.to;
  after.entries = before.entries + delta.added - std::min(delta.removed, before.entries);
  after.full.content_sha256 = delta.to_sha256;
  return after;
}

/// What changes come to, line by line: 1 where it comes, -1 where it goes, 0 where it did both.
using Net = std::map<std::pair<std::string, std::string>, int>;

Status read_step(const ReleaseList& before, const ReleaseList& after, const CpdStep& step,
                 Net& net) {
  auto reader = CpdReader::open(step.file, step.delta.file.path, before, after, SIZE_MAX, SIZE_MAX);
  if (!reader) return fail(reader.error());
  CpdLine line;
  std::uint64_t read = 0;
  for (;; ++read) {
    auto more = reader->next(line);
    if (!more) return fail(more.error());
    if (!*more) break;
    int& value = net[{std::string(line.entry.name.view()), std::string(line.text)}];
    value += line.adds ? 1 : -1;
    if (read >= step.delta.added + step.delta.removed || value < -1 || value > 1) {
      return fail("contradicts what was signed for, or the step before", reader->where(),
                  "fetch the full list");
    }
  }
  return {};
}

}  // namespace

std::string cpd_text(const ReleaseList& before, const ReleaseList& after,
                     const ListChanges& changes) {
  return "#CPD 1\n#list " + before.department + "\n#from " + std::to_string(before.seq) + " " +
         before.full.content_sha256 + "\n#to " + std::to_string(after.seq) + " " +
         after.full.content_sha256 + "\n" + changes.lines;
}

Result<ListChanges> diff_lists(const ReleaseList& before, const std::filesystem::path& file,
                               std::string_view after_lines) {
  auto lines = open_list(before, file);
  if (!lines) return fail(lines.error());
  ListChanges changes;
  const auto status = walk_differences(
      [&] { return lines->next(); },
      [&]() -> Result<std::optional<std::string_view>> { return take_line(after_lines); },
      [&](bool adds, Line& line) { put(changes, adds, line.text()); });
  if (!status) return fail(status.error());
  if (lines->content_sha256() == before.full.content_sha256) return changes;
  return fail("does not hold the list that was signed", file.string(),
              "put the published file back");
}

Result<std::uint64_t> count_removed(const ReleaseList& before, const ReleaseList& after,
                                    const std::filesystem::path& cpd) {
  auto reader = CpdReader::open(cpd, after.full.path, before, after, SIZE_MAX, SIZE_MAX);
  if (!reader) return fail(reader.error());
  RemovedCounter counter;
  for (CpdLine line;;) {
    auto more = reader->next(line);
    if (!more) return fail(more.error());
    if (!*more) return counter.count();
    counter.add(line.adds, line.entry.name.view());
  }
}

Result<std::uint64_t> count_removed_between(const ReleaseList& before, const ReleaseList& after,
                                            const std::filesystem::path& folder) {
  auto old_lines = open_list(before, folder / before.full_file());
  if (!old_lines) return fail(old_lines.error());
  auto lines = open_list(after, folder / after.full_file());
  if (!lines) return fail(lines.error());
  RemovedCounter counter;
  const auto status =
      walk_differences([&] { return old_lines->next(); }, [&] { return lines->next(); },
                       [&](bool adds, Line& line) { counter.add(adds, line.key()); });
  if (!status) return fail(status.error());
  return counter.count();
}

Result<ListChanges> compose_steps(const ReleaseList& before, std::span<const CpdStep> steps) {
  Net net;
  ReleaseList from = before;
  for (const CpdStep& step : steps) {
    const ReleaseList to = after_step(from, step.delta);
    if (auto status = read_step(from, to, step, net); !status) return fail(status.error());
    from = to;
  }
  ListChanges changes;
  for (auto at = net.begin(); at != net.end();) {
    const auto end = std::find_if(
        at, net.end(), [&](const auto& one) { return one.first.first != at->first.first; });
    for (const int wanted : {-1, 1}) {
      for (auto one = at; one != end; ++one) {
        if (one->second == wanted) put(changes, wanted > 0, one->first.second);
      }
    }
    at = end;
  }
  return changes;
}

std::vector<DeltaFile> choose_deltas(const ReleaseList& before, const ReleaseList& after) {
  struct Way {
    std::uint64_t octets = 0;
    std::uint64_t changes = 0;
    std::vector<const DeltaFile*> steps;
  };
  std::vector<const DeltaFile*> sorted;
  for (const DeltaFile& delta : after.deltas) sorted.push_back(&delta);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const DeltaFile* a, const DeltaFile* b) { return a->from < b->from; });
  using List = std::pair<std::uint64_t, std::string>;
  std::map<List, Way> ways = {{{before.seq, before.full.content_sha256}, {}}};
  for (const DeltaFile* delta : sorted) {
    const auto from = ways.find({delta->from, delta->from_sha256});
    if (from == ways.end()) continue;
    Way way = from->second;
    way.octets += delta->file.length;
    way.changes += delta->added + delta->removed;
    way.steps.push_back(delta);
    if (way.octets >= after.full.length || way.changes > kMaxChainChanges) continue;
    const auto [to, fresh] = ways.try_emplace({delta->to, delta->to_sha256}, way);
    if (!fresh && way.octets < to->second.octets) to->second = std::move(way);
  }
  std::vector<DeltaFile> out;
  const auto found = ways.find({after.seq, after.full.content_sha256});
  if (found == ways.end()) return out;
  for (const DeltaFile* delta : found->second.steps) out.push_back(*delta);
  return out;
}

}  // namespace sluice::compile
