#include "control/compile/cpd.h"

#include <array>

#include "control/tuf/digest.h"

namespace sluice::compile {
namespace {

constexpr const char* kFetchWhole = "the delta is refused; fetch the full list";
constexpr std::size_t kMaxChangeLine = kMaxListLine + 1;  // with its sign
constexpr std::size_t kPiece = 64 * 1024;

tl::unexpected<Error> refuse(std::string what, std::string where) {
  return fail(std::move(what), std::move(where), kFetchWhole);
}

std::array<std::string, kListHeaderLines> full_header(const ReleaseList& list) {
  return {"#CPL 1", "#list " + list.department, "#seq " + std::to_string(list.seq),
          "#entries " + std::to_string(list.entries)};
}

/// A list's line with the key by which lines ascend.
struct KeyedLine {
  std::string key;
  std::string text;
  bool there = false;

  Status take(std::optional<std::string_view> line) {
    there = line.has_value();
    if (!there) return {};
    text.assign(*line);
    name::LookupName name;
    if (name::from_text(text.substr(0, text.find('\t')), name) != name::Defect::none) {
      return fail("holds a line without a name");
    }
    key.assign(name.view());
    return {};
  }
};

/// The merge of a list with the changes to it.
class Merge {
 public:
  Merge(ZstdLines list, CpdReader changes, const LineSink& sink)
      : list_(std::move(list)), changes_(std::move(changes)), sink_(sink) {}

  Status run(const ReleaseList& before, const ReleaseList& after);

 private:
  Status put(std::string_view line) {
    pending_.append(line).push_back('\n');
    return pending_.size() < kPiece ? Status{} : flush();
  }
  Status flush() {
    hash_.add(pending_);
    auto status = sink_(pending_);
    pending_.clear();
    return status;
  }
  Status advance_list();
  Status advance_changes();
  Status header(const ReleaseList& before, const ReleaseList& after);
  Status step();

  ZstdLines list_;
  CpdReader changes_;
  const LineSink& sink_;
  tuf::Sha256 hash_;
  std::string pending_;  // lines that neither hash nor sink has seen
  KeyedLine line_;
  CpdLine change_;
  bool changing_ = false;
};

Status Merge::advance_list() {
  auto line = list_.next();
  if (!line) return fail(line.error());
  if (auto status = line_.take(*line); !status) return refuse(status.error().what, list_.where());
  return {};
}

Status Merge::advance_changes() {
  auto more = changes_.next(change_);
  if (!more) return fail(more.error());
  changing_ = *more;
  return {};
}

Status Merge::header(const ReleaseList& before, const ReleaseList& after) {
  for (const std::string& expected : full_header(before)) {
    auto line = list_.next();
    if (!line) return fail(line.error());
    if (*line != expected) return refuse("is not the list that was in use", list_.where());
  }
  for (const std::string& line : full_header(after)) {
    if (auto status = put(line); !status) return status;
  }
  return {};
}

// One line of the list or one change, whichever comes first; of one name, first the list's lines.
Status Merge::step() {
  const std::string_view changed = change_.entry.name.view();
  if (line_.there && (!changing_ || line_.key < changed)) {
    if (auto status = put(line_.text); !status) return status;
    return advance_list();
  }
  const bool same_name = line_.there && line_.key == changed;
  if (!change_.adds) {
    if (same_name && line_.text == change_.text) {
      if (auto status = advance_list(); !status) return status;
      return advance_changes();
    }
    if (!same_name) return refuse("takes off a line that is not in the list", changes_.where());
  } else {
    if (same_name && line_.text == change_.text) {
      return refuse("adds a line that is in the list", changes_.where());
    }
    if (!same_name) {
      if (auto status = put(change_.text); !status) return status;
      return advance_changes();
    }
  }
  // Several URLs may share a host.
  if (auto status = put(line_.text); !status) return status;
  return advance_list();
}

Status Merge::run(const ReleaseList& before, const ReleaseList& after) {
  if (auto status = header(before, after); !status) return status;
  if (auto status = advance_list(); !status) return status;
  if (auto status = advance_changes(); !status) return status;
  while (line_.there || changing_) {
    if (auto status = step(); !status) return status;
  }
  if (auto status = flush(); !status) return status;
  if (list_.content_sha256() != before.full.content_sha256) {
    return refuse("the list in use does not match its signed hash", before.full.path);
  }
  if (hash_.finish() != after.full.content_sha256) {
    return refuse("what the delta leads to does not match the signed hash", after.full.path);
  }
  return {};
}

}  // namespace

Result<CpdReader> CpdReader::open(const std::filesystem::path& path, std::string label,
                                  const ReleaseList& before, const ReleaseList& after,
                                  std::size_t orders_before, std::size_t orders_after) {
  const std::uint64_t most = kMaxListHeader + (before.entries + after.entries) * kMaxChangeLine;
  auto lines = ZstdLines::open(path, std::move(label), most, kMaxChangeLine);
  if (!lines) return fail(lines.error());
  CpdReader reader(std::move(*lines), orders_before, orders_after);
  if (auto status = reader.read_header(before, after); !status) return fail(status.error());
  return reader;
}

Status CpdReader::read_header(const ReleaseList& before, const ReleaseList& after) {
  const std::array<std::string, kListHeaderLines> expected = {
      "#CPD 1", "#list " + before.department,
      "#from " + std::to_string(before.seq) + " " + before.full.content_sha256,
      "#to " + std::to_string(after.seq) + " " + after.full.content_sha256};
  for (const std::string& want : expected) {
    auto line = lines_.next();
    if (!line) return fail(line.error());
    if (!*line) return refuse("ends inside its header", where());
    if (**line != want) {
      return refuse("the header says '" + std::string((**line).substr(0, 120)) + "' instead of '" +
                        want + "'",
                    where());
    }
  }
  return {};
}

Result<bool> CpdReader::next(CpdLine& line) {
  auto read = lines_.next();
  if (!read) return fail(read.error());
  if (!*read) return false;
  const std::string_view text = **read;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) {
    return refuse("is no '+' or '-' line", where());
  }
  line.adds = text[0] == '+';
  line.text = text.substr(1);
  const std::size_t orders = line.adds ? orders_after_ : orders_before_;
  if (const auto fault = parse_cpl_line(line.text, orders, line.entry, line.is_url)) {
    return refuse(fault->what, lines_.where(fault->column + 1));
  }
  const std::string_view key = line.entry.name.view();
  if (key < last_key_ || (key == last_key_ && last_added_ && !line.adds)) {
    return refuse("is out of order: names ascend by their labels, and '-' stands before '+'",
                  where());
  }
  last_key_.assign(key);
  last_added_ = line.adds;
  return true;
}

Status apply_cpd(const std::filesystem::path& folder, const std::filesystem::path& changes,
                 const std::string& label, const ReleaseList& before, const ReleaseList& after,
                 const LineSink& sink) {
  auto list = ZstdLines::open(folder / before.full_file(), before.full.path,
                              kMaxListHeader + before.entries * kMaxChangeLine, kMaxChangeLine);
  if (!list) return fail(list.error());
  // Orders are the compiler's affair.
  auto reader = CpdReader::open(changes, label, before, after, SIZE_MAX, SIZE_MAX);
  if (!reader) return fail(reader.error());
  return Merge(std::move(*list), std::move(*reader), sink).run(before, after);
}

}  // namespace sluice::compile
