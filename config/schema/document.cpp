#include "config/schema/document.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <tuple>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/schema/utf8.h"

namespace sluice::schema {
namespace {

/// Turns yaml-cpp's marks (octets from 0) into places (characters from 1).
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '\n') starts_.push_back(at + 1);
    }
  }

  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    if (mark.is_null()) return {};
    const auto line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
    const std::string_view rest = text_.substr(starts_[line]);
    const auto octets = std::min(static_cast<std::size_t>(mark.column), rest.size());
    // Marks come mostly in the file's order: who counted each from the line's beginning would take
    // minutes for a line of a megabyte.
    if (line != line_ || octets < octets_) characters_ = octets_ = 0;
    line_ = line;
    characters_ += count_characters(rest.substr(octets_, octets - octets_));
    octets_ = octets;
    return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(characters_ + 1)};
  }

  /// Whether the quote that opens at a mark is closed; yaml-cpp takes the end of the file for it.
  [[nodiscard]] bool quote_is_closed(const YAML::Mark& mark) const {
    const std::string_view rest = text_.substr(starts_[static_cast<std::size_t>(mark.line)]);
    const auto open = static_cast<std::size_t>(mark.column);
    if (open >= rest.size() || (rest[open] != '"' && rest[open] != '\'')) return true;
    for (std::size_t at = open + 1; at < rest.size(); ++at) {
      if (rest[open] == '"' && rest[at] == '\\') {
        ++at;
      } else if (rest[at] == rest[open]) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] Place place_of_offset(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const auto line = static_cast<std::size_t>(after - starts_.begin()) - 1;
    const std::string_view before = text_.substr(starts_[line], offset - starts_[line]);
    return {static_cast<std::uint32_t>(line + 1),
            static_cast<std::uint32_t>(count_characters(before) + 1)};
  }

  /// The first line that is indented with a tab: what most often makes YAML unreadable.
  [[nodiscard]] std::optional<Place> tab_indentation() const {
    for (std::size_t line = 0; line < starts_.size(); ++line) {
      const std::size_t at = text_.find_first_not_of(' ', starts_[line]);
      if (at != std::string_view::npos && text_[at] == '\t') return place_of_offset(at);
    }
    return std::nullopt;
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
  // Of the last mark: its line, and how many octets and characters are before it there.
  mutable std::size_t line_ = 0;
  mutable std::size_t octets_ = 0;
  mutable std::size_t characters_ = 0;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Lines& lines, Faults& faults) : lines_(lines), faults_(faults) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) {
      faults_.add(lines_.place(mark), "", "a second document begins here",
                  "keep one in a file; is there a line '---', or a bracket closed too early?");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(make(Form::nothing, mark, "", anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not used in this file", "write the value out");
    put(make(Form::refused, mark, "", 0));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    TextNode node = make(Form::scalar, mark, tag, anchor);
    node.text = value;
    node.plain = tag == "?";
    if (!node.plain && !lines_.quote_is_closed(mark)) {
      refuse(mark, "the quote that opens here is never closed", "close it");
      unclosed_ = true;
    }
    put(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(Form::list, mark, tag, anchor));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(Form::mapping, mark, tag, anchor));
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] std::optional<TextNode> take() { return std::move(root_); }
  /// The rest of the file was taken for a text, so that nothing more can be said of it.
  [[nodiscard]] bool unclosed() const { return unclosed_; }

 private:
  struct Frame {
    TextNode node;
    std::optional<TextNode> key;  // of a mapping whose value is still to come
  };

  void refuse(const YAML::Mark& mark, std::string what, std::string advice) {
    faults_.add(lines_.place(mark), "", std::move(what), std::move(advice));
  }

  TextNode make(Form form, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) {
      refuse(mark, "anchors (&name) are not used in this file",
             "write the value out at each place");
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark, "tags (!name) are not used in this file", "remove the tag");
    }
    TextNode node;
    node.form = form;
    node.place = lines_.place(mark);
    return node;
  }

  void open(TextNode node) {
    if (++depth_ > kMaxDepth) {
      if (depth_ == kMaxDepth + 1) {
        faults_.add(node.place, "", "nested more than " + std::to_string(kMaxDepth) + " deep",
                    "nothing here is nested so deep; look for an unclosed '[' or '{'");
        TextNode refused;
        refused.form = Form::refused;
        refused.place = node.place;
        put_at_top(std::move(refused));
      }
      return;
    }
    stack_.push_back({std::move(node), std::nullopt});
  }

  void close() {
    if (depth_-- > kMaxDepth) return;
    TextNode node = std::move(stack_.back().node);
    stack_.pop_back();
    put_at_top(std::move(node));
  }

  void put(TextNode node) {
    if (depth_ <= kMaxDepth) put_at_top(std::move(node));
  }

  void put_at_top(TextNode node) {
    if (stack_.empty()) {
      if (documents_ == 1) root_ = std::move(node);
      return;
    }
    Frame& top = stack_.back();
    if (top.node.form == Form::list) {
      top.node.items.push_back(std::move(node));
    } else if (!top.key) {
      top.key = std::move(node);
    } else {
      // yaml-cpp places a missing value at whatever comes next.
      if (node.form == Form::nothing) node.place = top.key->place;
      top.node.members.push_back({std::move(*top.key), std::move(node)});
      top.key.reset();
    }
  }

  const Lines& lines_;
  Faults& faults_;
  std::vector<Frame> stack_;
  std::optional<TextNode> root_;
  std::size_t depth_ = 0;
  int documents_ = 0;
  bool unclosed_ = false;
};

/// What yaml-cpp would misread or take for another encoding.
bool check_characters(std::string_view text, const Lines& lines, Faults& faults) {
  if (const std::size_t at = find_malformed_utf8(text); at != std::string_view::npos) {
    faults.add(lines.place_of_offset(at), "", "the file is not UTF-8 text",
               "save it again in the encoding UTF-8");
    return false;
  }
  const auto control = std::find_if(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<std::uint8_t>(c);
    return (octet < 0x20 && c != '\t' && c != '\n' && c != '\r') || octet == 0x7f;
  });
  if (control != text.end()) {
    faults.add(lines.place_of_offset(static_cast<std::size_t>(control - text.begin())), "",
               "a control character", "remove it; is this a text file?");
    return false;
  }
  return true;
}

}  // namespace

void Faults::add(Place place, std::string path, std::string what, std::string advice) {
  if (faults_.size() == kMaxFaults) {
    more_ = true;
    return;
  }
  faults_.push_back(
      {file_, place.line, place.column, std::move(path), std::move(what), std::move(advice)});
}

std::vector<Fault> Faults::take() {
  std::stable_sort(faults_.begin(), faults_.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  if (more_) {
    faults_.push_back({file_, 0, 0, "", "has more than " + std::to_string(kMaxFaults) + " faults",
                       "mend these first; is it this file?"});
  }
  return std::move(faults_);
}

std::optional<std::string> read_file(const std::filesystem::path& file, Faults& faults) {
  std::error_code code;
  if (std::filesystem::is_directory(file, code)) {
    faults.add({}, "", "is a directory", "give the path of a YAML file");
    return std::nullopt;
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream) {
    text.resize(kMaxFileOctets + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) {
    faults.add({}, "", std::string("cannot be read: ") + std::strerror(errno),
               "check the path and its permissions");
    return std::nullopt;
  }
  if (text.size() > kMaxFileOctets) {
    faults.add({}, "", "is larger than 16 MiB", "a configuration is far smaller; is it this file?");
    return std::nullopt;
  }
  return text;
}

std::optional<TextNode> parse_document(std::string_view text, Faults& faults) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  const Lines lines(text);
  if (!check_characters(text, lines, faults)) return std::nullopt;

  TreeBuilder builder(lines, faults);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    if (const auto tab = lines.tab_indentation()) {
      faults.add(*tab, "", "a tab indents this line", "YAML is indented with spaces only");
    }
    faults.add(lines.place(error.mark), "", "not valid YAML: " + error.msg,
               "look at the indentation, quotes and brackets up to this place");
    return std::nullopt;
  }
  if (builder.unclosed()) return std::nullopt;
  std::optional<TextNode> root = builder.take();
  if (!root || root->form == Form::nothing) {
    faults.add({1, 1}, "", "the file is empty",
               "start from one of the examples in config/defaults");
    return std::nullopt;
  }
  return root;
}

}  // namespace sluice::schema
