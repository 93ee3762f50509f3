#include "dataplane/inspect/http/request.h"

#include <algorithm>
#include <charconv>

#include "dataplane/inspect/http/authority.h"

namespace sluice::inspect::http {
namespace {

using std::string_view;

constexpr string_view kBlanks = " \t";
constexpr string_view kLineEnds = "\r\n";
constexpr std::size_t kMaxUnknownMethod = 64;
constexpr std::uint64_t kMaxChunkOctets = std::uint64_t{1} << 32;

// IANA's registry of methods, as far as clients use them.
constexpr std::array<string_view, 30> kMethods = {"GET",        "HEAD",       "POST",
                                                  "PUT",        "DELETE",     "OPTIONS",
                                                  "TRACE",      "CONNECT",    "PATCH",
                                                  "PROPFIND",   "MKCOL",      "COPY",
                                                  "MOVE",       "LOCK",       "UNLOCK",
                                                  "PROPPATCH",  "REPORT",     "SEARCH",
                                                  "ACL",        "BIND",       "UNBIND",
                                                  "MERGE",      "CHECKOUT",   "CHECKIN",
                                                  "MKACTIVITY", "MKCALENDAR", "VERSION-CONTROL",
                                                  "NOTIFY",     "SUBSCRIBE",  "PRI"};

string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

/// RFC 3986 section 3.1.
bool is_scheme_octet(char c) {
  return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

/// RFC 9110 section 5.6.2.
bool is_token_octet(char c) {
  return is_alpha(c) || is_digit(c) || (c != '\0' && string_view("!#$%&'*+-.^_`|~").find(c) < 15);
}

bool is_same_word(string_view a, string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

string_view trim(string_view text) {
  constexpr string_view kAround = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kAround);
  if (first == string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

/// Takes the next element of a comma-separated list.
string_view take_element(string_view& list) {
  const std::size_t comma = list.find(',');
  const string_view element = trim(list.substr(0, comma));
  list = comma == string_view::npos ? string_view() : list.substr(comma + 1);
  return element;
}

void skip_empty_lines(string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kLineEnds), text.size()));
}

bool may_be_known_method(string_view line) {
  return std::any_of(kMethods.begin(), kMethods.end(), [line](string_view method) {
    const std::size_t common = std::min(line.size(), method.size());
    if (line.substr(0, common) != method.substr(0, common)) return false;
    return line.size() <= method.size() || kBlanks.find(line[method.size()]) != string_view::npos;
  });
}

bool may_be_unknown_method(string_view text) {
  const std::size_t length = static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), is_token_octet) - text.begin());
  if (length > kMaxUnknownMethod) return false;
  if (length == text.size()) return true;
  if (length == 0 || text[length] != ' ') return false;
  text.remove_prefix(length + 1);
  if (text.empty()) return true;
  const char first = text.front();
  if (!is_alpha(first) && !is_digit(first) && string_view("/*[").find(first) > 2) return false;
  const std::size_t end = text.find('\n');
  const string_view line = text.substr(0, end);
  // Text up to the line's end: a binary protocol that began like a word is told apart soon.
  if (std::any_of(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
      })) {
    return false;
  }
  if (end == string_view::npos) return line.size() <= kMaxHeadOctets;
  return line.find(" HTTP/") != string_view::npos;
}

class Head {
 public:
  explicit Head(Request& out) : out_(out) {}

  Defect read_request_line(string_view line) {
    const std::size_t method_end = line.find_first_of(kBlanks);
    if (method_end == 0 || method_end == string_view::npos) return Defect::request_line;
    const string_view method = line.substr(0, method_end);
    if (!std::all_of(method.begin(), method.end(), is_token_octet)) return Defect::request_line;
    // A target with blanks in it is not valid, but what stands behind its last one is the version.
    string_view target = trim(line.substr(method_end));
    const std::size_t version_at = target.find_last_of(kBlanks) + 1;  // npos + 1 == 0
    const string_view version = target.substr(version_at);
    if (version_at > 0 && is_same_word(version.substr(0, 5), "HTTP/")) {
      // Node's parser takes HTTP/2.0 in a request line.
      const string_view number = version.substr(5);
      if (number.size() < 3 || !is_digit(number[0]) || number[1] != '.' ||
          (method == "PRI" && number == "2.0")) {
        return Defect::version;
      }
      target = trim(target.substr(0, version_at));
    } else {
      simple_ = true;  // HTTP/0.9, which some servers still answer
    }
    if (target.empty()) return Defect::request_line;
    out_.connect = method == "CONNECT";
    if (out_.connect) return add(target.substr(0, target.find_first_of("/?#")));
    return add_absolute(target);
  }

  /// A field's line with all lines that are folded into it.
  Defect read_field(string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == string_view::npos) return Defect::none;
    const string_view name = trim(line.substr(0, colon));
    const string_view value = trim(line.substr(colon + 1));
    if (is_same_word(name, "Host")) return add(value);
    if (is_same_word(name, "Content-Length")) read_length(value);
    if (is_same_word(name, "Transfer-Encoding")) read_coding(value);
    return Defect::none;
  }

  /// No header fields follow the request line.
  [[nodiscard]] bool is_simple() const { return simple_; }

 private:
  Defect add(string_view authority) {
    const string_view host = host_of(authority);
    if (host.empty()) return Defect::none;
    if (out_.name_count == kMaxNames) return Defect::too_many_names;
    out_.names[out_.name_count++] = host;
    return Defect::none;
  }

  /// RFC 9112 section 3.2.2: scheme "://" authority path.
  Defect add_absolute(string_view target) {
    const std::size_t scheme = static_cast<std::size_t>(
        std::find_if(target.begin(), target.end(), [](char c) { return !is_scheme_octet(c); }) -
        target.begin());
    if (scheme == 0 || target.substr(scheme, 3) != "://") return Defect::none;
    target.remove_prefix(scheme + 3);
    return add(target.substr(0, target.find_first_of("/?#")));
  }

  void read_length(string_view list) {
    do {
      string_view text = take_element(list);
      while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
      if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit)) {
        out_.framing_unclear = true;
        return;
      }
      std::uint64_t value = 0;
      for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
      if (has_length_ && value != out_.content_length) out_.framing_unclear = true;
      has_length_ = true;
      out_.content_length = value;
    } while (!list.empty());
  }

  void read_coding(string_view list) {
    string_view last;
    while (!list.empty()) last = take_element(list);
    out_.chunked = is_same_word(last, "chunked");
    out_.framing_unclear |= !out_.chunked;
  }

  Request& out_;
  bool simple_ = false;
  bool has_length_ = false;
};

/// Takes the line at the front of `text` with its end; false where the end is not there.
bool take_line(string_view& text, string_view& line) {
  const std::size_t end = text.find('\n');
  if (end == string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

bool is_empty_line(string_view line) { return line.find_first_not_of('\r') == string_view::npos; }

/// A field that cannot be folded any more: the octet behind it is there, and is no blank.
bool take_field(string_view& text, string_view& field) {
  std::size_t end = 0;
  do {
    end = text.find('\n', end);
    if (end == string_view::npos || ++end == text.size()) return false;
  } while (kBlanks.find(text[end]) != string_view::npos);
  field = text.substr(0, end - 1);
  text.remove_prefix(end);
  return true;
}

/// Reads as far as `text` goes; `rest` is what stands behind a whole head.
Defect read_head(string_view text, Request& out, string_view& rest) {
  skip_empty_lines(text);
  string_view line;
  if (!take_line(text, line)) return Defect::none;
  Head head(out);
  Defect defect = head.read_request_line(line);
  out.complete = head.is_simple();
  while (defect == Defect::none && !out.complete) {
    string_view peek = text;
    if (take_line(peek, line) && is_empty_line(line)) {
      out.complete = true;
      text = peek;
    } else if (take_field(text, line)) {
      defect = head.read_field(line);
    } else {
      break;
    }
  }
  rest = text;
  return defect;
}

}  // namespace

bool may_be_http(std::span<const std::uint8_t> start) {
  string_view text = text_of(start);
  // Asked of every segment that belongs to no flow, most of which are encrypted.
  if (!text.empty() && !is_token_octet(text[0]) && text[0] != '\r' && text[0] != '\n') {
    return false;
  }
  skip_empty_lines(text);
  return may_be_known_method(text) || may_be_unknown_method(text);
}

Outcome parse_request(std::span<const std::uint8_t> stream, Request& out) {
  out = {};
  const string_view text = text_of(stream.first(std::min(stream.size(), kMaxHeadOctets)));
  string_view rest;
  Defect defect = read_head(text, out, rest);
  if (defect == Defect::none && !out.complete && stream.size() >= kMaxHeadOctets) {
    defect = Defect::head_too_long;
  }
  if (defect != Defect::none) {
    out.defect = defect;
    return Outcome::malformed;
  }
  if (out.complete) {
    out.head_octets = text.size() - rest.size();
  } else {
    out.wanted = stream.size() + 1;
  }
  if (out.name_count > 0) return Outcome::found;
  return out.complete ? Outcome::no_name : Outcome::need_more;
}

Outcome parse_chunk(std::span<const std::uint8_t> stream, Chunk& out) {
  out = {};
  const string_view whole = text_of(stream.first(std::min(stream.size(), kMaxHeadOctets)));
  const Outcome no_end = stream.size() >= kMaxHeadOctets ? Outcome::malformed : Outcome::need_more;
  string_view text = whole;
  skip_empty_lines(text);
  string_view line;
  if (!take_line(text, line)) return no_end;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc() || (end != line.data() + line.size() && is_token_octet(*end))) {
    return Outcome::malformed;
  }
  out.last = size == 0;
  bool ended = !out.last;
  while (!ended) {
    if (!take_line(text, line)) return no_end;
    ended = is_empty_line(line);
  }
  out.octets = whole.size() - text.size() + std::min(size, kMaxChunkOctets);
  return Outcome::found;
}

}  // namespace sluice::inspect::http
