// One scalar against its kind. Text is read as a person means it: decimal numbers only, and no
// guessing between texts and numbers.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <regex>

#include "config/calendar/calendar.h"
#include "config/policy/policy.h"
#include "config/schema/check.h"
#include "config/schema/nearest.h"
#include "config/schema/utf8.h"

namespace sluice::schema {
namespace {

constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestPath = 1024;
constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ - 1

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 80;
  if (text.size() <= kShown) return "'" + std::string(text) + "'";
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return "'" + std::string(text.substr(0, end)) + "…'";
}

/// What programs that read YAML disagree about: a text to some, a number or a truth to others.
bool looks_typed(const std::string& text) {
  static const std::regex kTyped(
      R"([-+]?([0-9][0-9_]*(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|0[xob][0-9A-Fa-f]+|[-+]?\.(inf|nan))"
      R"(|true|false|yes|no|on|off|y|n|null)",
      std::regex::icase);
  return text.size() < 64 && std::regex_match(text, kTyped);
}

std::optional<Problem> check_integer(TextNode& node, const Shape& shape) {
  const std::string& text = node.text;
  const std::string range = std::to_string(shape.minimum) + " to " + std::to_string(shape.maximum);
  const bool negative = !text.empty() && text[0] == '-';
  const std::string_view digits = std::string_view(text).substr(negative ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    const std::string other =
        shape.also == nullptr ? std::string() : ", or " + std::string(shape.also->noun);
    return Problem{in_quotes(text) + " is not a whole number",
                   "write a number from " + range + " in decimal digits" + other};
  }
  if (!node.plain) {
    return Problem{"is a text in quotes, not a number", "remove the quotes"};
  }
  if (digits.size() > 1 && digits[0] == '0') {
    return Problem{in_quotes(text) + " begins with a zero, which some programs read as octal",
                   "write a number from " + range + " without it"};
  }
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), node.number);
  if (code != std::errc{} || node.number < shape.minimum || node.number > shape.maximum) {
    return Problem{in_quotes(text) + " is out of range", "write a number from " + range};
  }
  return std::nullopt;
}

std::optional<Problem> check_name(std::string_view text) {
  const bool fits = !text.empty() && count_characters(text) <= kLongestName;
  const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || (octet >= 0x80 && octet < 0xf0);
  });
  if (fits && clean) return std::nullopt;
  return Problem{in_quotes(text) + " cannot be a name",
                 "use 1 to 63 letters, digits, '-', '_' and '.'"};
}

std::optional<Problem> check_text(std::string_view text, const Shape& shape) {
  const auto length = static_cast<std::int64_t>(count_characters(text));
  if (length >= shape.minimum && length <= shape.maximum) return std::nullopt;
  return Problem{"has " + std::to_string(length) + " characters",
                 "write " + std::to_string(shape.minimum) + " to " + std::to_string(shape.maximum)};
}

std::optional<Problem> check_choice(std::string_view text, const Shape& shape) {
  if (std::find(shape.choices.begin(), shape.choices.end(), text) != shape.choices.end()) {
    return std::nullopt;
  }
  if (shape.choices.size() == 1) {
    return Problem{in_quotes(text) + " is not '" + std::string(shape.choices[0]) + "'",
                   "write '" + std::string(shape.choices[0]) + "', or " + std::string(shape.noun)};
  }
  const std::string_view near = nearest(text, shape.choices);
  return Problem{in_quotes(text) + " is not one of " + join(shape.choices),
                 near.empty() ? "write one of them" : "did you mean '" + std::string(near) + "'?"};
}

std::optional<Problem> check_path(std::string_view text) {
  if (text.empty() || text[0] != '/') {
    return Problem{in_quotes(text) + " is not an absolute path", "begin it with '/'"};
  }
  if (text.size() > kLongestPath) {
    return Problem{"the path is longer than " + std::to_string(kLongestPath) + " octets",
                   "use a shorter one"};
  }
  return std::nullopt;
}

std::optional<Problem> check_url(const std::string& text) {
  static const std::regex kPattern(std::string(pattern(Kind::url)));
  if (text.size() <= kLongestPath && std::regex_match(text, kPattern)) return std::nullopt;
  if (text.starts_with("http://")) {
    return Problem{in_quotes(text) + " is not encrypted", "write https://"};
  }
  return Problem{in_quotes(text) + " is not the address of a repository",
                 "write https://HOST/PATH/, or file:///PATH/ for one on this machine, without "
                 "'?' or '#'"};
}

std::optional<Problem> check_source(const std::string& text) {
  static const std::regex kPattern(std::string(pattern(Kind::source)));
  if (text.size() <= kLongestPath && std::regex_match(text, kPattern)) return std::nullopt;
  return Problem{in_quotes(text) + " is not the address of a list",
                 "write https://HOST/PATH, http://HOST/PATH or file:///PATH"};
}

std::optional<Problem> check_proxy(const std::string& text) {
  static const std::regex kPattern(std::string(pattern(Kind::proxy)));
  if (text.size() <= kLongestPath && std::regex_match(text, kPattern)) return std::nullopt;
  if (text.find('@') != std::string::npos) {
    return Problem{"a proxy's password does not belong here", "write it into proxy.login_file"};
  }
  return Problem{in_quotes(text) + " is no proxy", "write it as http://HOST:PORT"};
}

bool is_interface(std::string_view text) {
  return !text.empty() && text.size() <= kLongestInterface && text != "." && text != ".." &&
         text.find_first_of("/: \t,") == std::string_view::npos;
}

std::optional<Problem> check_device(std::string_view text) {
  std::vector<std::string_view> kinds;
  for (const DeviceKind& kind : device_kinds()) kinds.push_back(kind.name);

  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const auto spans = device_kinds();
  const auto known = std::find_if(spans.begin(), spans.end(),
                                  [&](const DeviceKind& each) { return each.name == kind; });
  if (known == spans.end()) {
    if (colon == std::string_view::npos && nearest(kind, kinds).empty()) {
      return Problem{in_quotes(text) + " does not say what kind of device it is",
                     "write KIND:" + std::string(text) + "; " + suggest(kind, kinds)};
    }
    return Problem{in_quotes(kind) + " is no kind of device", suggest(kind, kinds)};
  }
  const std::string_view arguments =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  const Problem example{"", "write it as " + std::string(known->example)};
  if (colon == std::string_view::npos || (known->wants_argument && arguments.empty())) {
    return Problem{in_quotes(text) + " does not say which device", example.advice};
  }
  const bool interface = kind == "tap" || kind == "af_packet" || kind == "af_xdp";
  if (interface && !is_interface(arguments)) {
    return Problem{in_quotes(arguments) + " cannot be the name of an interface", example.advice};
  }
  static const std::regex kPciAddress(R"(([0-9A-Fa-f]{4}:)?[0-9A-Fa-f]{2}:[01][0-9A-Fa-f]\.[0-7])");
  if (kind == "pci" && !std::regex_match(arguments.begin(), arguments.end(), kPciAddress)) {
    return Problem{in_quotes(arguments) + " is no PCI address", example.advice};
  }
  if (kind == "pcap" && arguments.find("rx") == std::string_view::npos &&
      arguments.find("tx") == std::string_view::npos) {
    return Problem{in_quotes(text) + " names no file", example.advice};
  }
  return std::nullopt;
}

std::optional<Problem> check_category(std::string_view text, const Shape& shape) {
  if (std::find(shape.choices.begin(), shape.choices.end(), text) != shape.choices.end()) {
    return std::nullopt;
  }
  const policy::Category* category = policy::find_category(text);
  if (category != nullptr && category->override_by != policy::Override::not_applicable) {
    return std::nullopt;
  }
  if (category != nullptr) {
    return Problem{in_quotes(text) + " is never blocked or watched", "remove it"};
  }
  std::string all;
  for (const policy::Category& each : policy::taxonomy()) {
    if (each.override_by == policy::Override::not_applicable) continue;
    all += (all.empty() ? "" : ", ") + std::string(each.name);
  }
  const policy::Category* near = policy::nearest_category(text);
  return Problem{in_quotes(text) + " is no category",
                 (near != nullptr ? "did you mean '" + std::string(near->name) + "'? The" : "the") +
                     std::string(" categories are: ") + all};
}

template <class T>
std::optional<Problem> from_result(const Result<T>& result, std::string_view text) {
  if (result) return std::nullopt;
  return Problem{in_quotes(text) + ": " + result.error().what,
                 result.error().advice.empty() ? "correct it" : result.error().advice};
}

std::optional<Problem> check_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view length =
      slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  if (length.size() > 1 && length[0] == '0' && length[1] >= '0' && length[1] <= '9') {
    return Problem{in_quotes(text) + ": the prefix length begins with a zero", "write it without"};
  }
  return from_result(policy::parse_placed_prefix(text), text);
}

std::optional<Problem> check_address(const std::string& text, int family) {
  std::array<unsigned char, 16> out{};
  if (inet_pton(family, text.c_str(), out.data()) == 1) return std::nullopt;
  const bool v4 = family == AF_INET;
  return Problem{in_quotes(text) + (v4 ? " is no IPv4 address" : " is no IPv6 address"),
                 v4 ? "write it as 192.0.2.1" : "write it as 2001:db8::1"};
}

/// Of another kind than texts to programs that follow YAML 1.1: dates, and numbers to the base 60.
std::optional<Problem> needs_quotes(const std::string& text) {
  return Problem{in_quotes(text) + " is not a text to every program that reads YAML",
                 "put quotes around it: \"" + text + "\""};
}

std::optional<Problem> check_days(const TextNode& node) {
  const auto days = calendar::parse_days(node.text);
  if (days && node.plain && node.text.find('/') == std::string::npos) {
    return needs_quotes(node.text);
  }
  if (days) return std::nullopt;
  return Problem{in_quotes(node.text) + " " + days.error().what, days.error().advice};
}

std::optional<Problem> check_time(const TextNode& node) {
  const auto time = calendar::parse_time_of_day(node.text);
  if (time && node.plain) return needs_quotes(node.text);
  if (time) return std::nullopt;
  const std::string two_digits = "0" + node.text;
  return Problem{in_quotes(node.text) + " " + time.error().what,
                 calendar::parse_time_of_day(two_digits) ? "write it as \"" + two_digits + "\""
                                                         : time.error().advice};
}

}  // namespace

std::optional<Problem> check_scalar(TextNode& node, const Shape& shape) {
  const std::string& text = node.text;
  if (shape.kind == Kind::integer) return check_integer(node, shape);
  if ((shape.kind == Kind::text || shape.kind == Kind::name) && node.plain && looks_typed(text)) {
    return needs_quotes(text);
  }
  switch (shape.kind) {
    case Kind::name:
      return check_name(text);
    case Kind::text:
      return check_text(text, shape);
    case Kind::choice:
      return check_choice(text, shape);
    case Kind::path:
      return check_path(text);
    case Kind::url:
      return check_url(text);
    case Kind::source:
      return check_source(text);
    case Kind::proxy:
      return check_proxy(text);
    case Kind::device:
      return check_device(text);
    case Kind::prefix:
      return check_prefix(text);
    case Kind::mac:
      return from_result(policy::parse_mac(text), text);
    case Kind::ipv4:
      return check_address(text, AF_INET);
    case Kind::ipv6:
      return check_address(text, AF_INET6);
    case Kind::category:
      return check_category(text, shape);
    case Kind::days:
      return check_days(node);
    case Kind::time:
      return check_time(node);
    default:
      return std::nullopt;
  }
}

}  // namespace sluice::schema
