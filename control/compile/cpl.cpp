#include "control/compile/cpl.h"

#include <charconv>

namespace sluice::compile {
namespace {

bool read_number(std::string_view text, std::uint64_t& out) {
  // A leading zero would give one number two spellings.
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

bool has_upper_case(std::string_view text) {
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') return true;
  }
  return false;
}

}  // namespace

std::optional<LineFault> parse_cpl_line(std::string_view line, std::size_t order_count,
                                        CplEntry& entry, bool& is_url) {
  const std::size_t first = line.find('\t');
  const std::size_t second = first == line.npos ? line.npos : line.find('\t', first + 1);
  if (second == line.npos) return LineFault{"is not 'name TAB match TAB order'", 1};
  const std::string_view text = line.substr(0, first);
  const std::string_view match = line.substr(first + 1, second - first - 1);
  std::string_view order = line.substr(second + 1);

  const name::Defect defect = name::from_text(text, entry.name);
  if (defect != name::Defect::none) {
    return LineFault{"the name is invalid (" + std::string(name::label(defect)) + ")", 1};
  }
  if (has_upper_case(text) || text.back() == '.') {
    return LineFault{"the name is not canonical: lower case, no trailing dot", 1};
  }
  if (entry.name.label_count < 2) {
    return LineFault{"'" + std::string(text) + "' is a top-level domain; it cannot be listed", 1};
  }
  is_url = match == "url";
  if (is_url) {
    order = order.substr(0, order.find('\t'));
  } else if (match == "tree") {
    entry.scope = generation::Scope::tree;
  } else if (match == "exact") {
    entry.scope = generation::Scope::exact;
  } else if (match == "subs") {
    entry.scope = generation::Scope::subs;
  } else {
    return LineFault{"the match is none of tree, exact, subs, url", first + 2};
  }
  std::uint64_t number = 0;
  if (!read_number(order, number)) return LineFault{"the order is not a number", second + 2};
  if (number >= order_count) {
    return LineFault{"the order " + std::to_string(number) + " is not in the " +
                         std::to_string(order_count) + " lines of orders.jsonl",
                     second + 2};
  }
  entry.order = static_cast<std::uint32_t>(number);
  return std::nullopt;
}

std::string_view match_text(generation::Scope scope) {
  switch (scope) {
    case generation::Scope::tree:
      return "tree";
    case generation::Scope::exact:
      return "exact";
    case generation::Scope::subs:
      return "subs";
  }
  return "tree";
}

CplReader::CplReader(ZstdLines lines, const ReleaseList& list, std::size_t order_count)
    : lines_(std::move(lines)),
      department_(list.department),
      content_sha256_(list.full.content_sha256),
      path_(list.full.path),
      seq_(list.seq),
      expected_(list.entries),
      order_count_(order_count) {}

Result<CplReader> CplReader::open(const ReleaseList& list, const std::filesystem::path& folder,
                                  std::size_t order_count) {
  auto lines = ZstdLines::open(folder / list.full_file(), list.full.path,
                               kMaxListHeader + list.entries * kMaxListLine, kMaxListLine);
  if (!lines) return fail(lines.error());
  CplReader reader(std::move(*lines), list, order_count);
  if (auto status = reader.read_header(); !status) return fail(status.error());
  return reader;
}

tl::unexpected<Error> CplReader::refuse(std::string what, std::size_t column) const {
  return fail(std::move(what), lines_.where(column), "the list is refused; tell the authority");
}

Status CplReader::read_header() {
  const std::string expected[] = {"#CPL 1", "#list " + department_, "#seq " + std::to_string(seq_),
                                  "#entries " + std::to_string(expected_)};
  for (const std::string& want : expected) {
    auto line = lines_.next();
    if (!line) return fail(line.error());
    if (!*line) return refuse("ends inside its header");
    if (**line != want) {
      const std::string_view found = (**line).substr(0, 80);
      return refuse("the header says '" + std::string(found) + "' where '" + want +
                    "' was signed for");
    }
  }
  return {};
}

Status CplReader::finish() {
  if (read_ != expected_) {
    return refuse("holds " + std::to_string(read_) + " entries where its header says " +
                  std::to_string(expected_));
  }
  if (lines_.content_sha256() != content_sha256_) {
    return fail("the unpacked list does not match its signed hash", path_,
                "the list is refused; tell the authority");
  }
  return {};
}

Result<bool> CplReader::next(CplEntry& entry) {
  for (;;) {
    auto line = lines_.next();
    if (!line) return fail(line.error());
    if (!*line) {
      if (auto status = finish(); !status) return fail(status.error());
      return false;
    }
    bool is_url = false;
    if (const auto fault = parse_cpl_line(**line, order_count_, entry, is_url)) {
      return refuse(fault->what, fault->column);
    }
    if (++read_ > expected_) {
      return refuse("holds more than the " + std::to_string(expected_) + " entries of its header");
    }
    // Several URLs may share a host; a name stands once.
    const std::string_view key = entry.name.view();
    const bool same_host = (is_url || last_was_url_) && key == last_key_;
    if (key == last_key_ && !same_host) return refuse("the name is there twice", 1);
    if (key < last_key_) {
      return refuse("the name is out of order: names ascend by their labels from the right", 1);
    }
    last_key_.assign(key);
    last_was_url_ = is_url;
    if (!is_url) return true;
    ++urls_;
  }
}

}  // namespace sluice::compile
