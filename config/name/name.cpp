#include "config/name/name.h"

#include <algorithm>
#include <cstring>

namespace sluice::name {
namespace {

// Stands for a dot inside a label; no canonical name holds it.
constexpr char kDotInLabel = '\x01';

// 0 for an octet that no host name has; otherwise the octet in lower case.
constexpr std::array<char, 256> make_host_octets() {
  std::array<char, 256> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) {
    table[static_cast<unsigned char>(c)] = static_cast<char>(c - 'A' + 'a');
  }
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = c;
  table['-'] = '-';
  table['_'] = '_';
  return table;
}
constexpr auto kHostOctets = make_host_octets();

// ASCII lower case for any octet, with the dot moved out of the way (RFC 4343).
constexpr std::array<char, 256> make_wire_octets() {
  std::array<char, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    table[i] = static_cast<char>(i >= 'A' && i <= 'Z' ? i - 'A' + 'a' : i);
  }
  table['.'] = kDotInLabel;
  return table;
}
constexpr auto kWireOctets = make_wire_octets();

// An address with a colon or a bracket, where a name is asked for.
bool is_bracketed(std::string_view text) { return text.find_first_of(":[]") != text.npos; }

// An address of digits and dots, where a name is asked for: its last label is all digits.
bool ends_in_digits(std::string_view text) {
  // A last label of digits only is no top-level domain (RFC 3696 section 2): "10.0.0.1" and also
  // the inet_aton shapes "10.1" and "167772161".
  const std::string_view last = text.substr(text.rfind('.') + 1);  // npos + 1 == 0
  return !last.empty() &&
         std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct TextLabel {
  std::uint8_t start;
  std::uint8_t length;
};

}  // namespace

std::string_view label(Defect defect) {
  switch (defect) {
    case Defect::none:
      return "none";
    case Defect::empty:
      return "empty";
    case Defect::too_long:
      return "too_long";
    case Defect::label_too_long:
      return "label_too_long";
    case Defect::empty_label:
      return "empty_label";
    case Defect::bad_octet:
      return "bad_octet";
    case Defect::ip_literal:
      return "ip_literal";
  }
  return "unknown";
}

Defect from_text(std::string_view text, LookupName& out) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty()) return Defect::empty;
  if (text.size() > kMaxTextOctets) return Defect::too_long;
  if (ends_in_digits(text)) return Defect::ip_literal;
  // Asked only of what is no name: nearly everything is one.
  const auto defect = [text](Defect found) {
    return is_bracketed(text) ? Defect::ip_literal : found;
  };

  std::array<TextLabel, kMaxLabels + 1> labels;
  std::size_t count = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (kHostOctets[static_cast<unsigned char>(text[i])] == 0) return defect(Defect::bad_octet);
      continue;
    }
    if (i == start) return defect(Defect::empty_label);
    if (i - start > kMaxLabelOctets) return defect(Defect::label_too_long);
    // At most 253 octets with no empty label make at most 127 labels.
    labels[count++] = {static_cast<std::uint8_t>(start), static_cast<std::uint8_t>(i - start)};
    start = i + 1;
  }

  std::size_t at = 0;
  out.label_count = static_cast<std::uint8_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const TextLabel source = labels[count - 1 - i];
    for (std::size_t j = 0; j < source.length; ++j) {
      out.key[at++] = kHostOctets[static_cast<unsigned char>(text[source.start + j])];
    }
    out.key[at++] = '.';
    out.label_end[i] = static_cast<std::uint8_t>(at);
  }
  out.key_length = static_cast<std::uint8_t>(at);
  return Defect::none;
}

void from_wire(std::span<const std::uint8_t> wire, LookupName& out) {
  std::array<std::uint8_t, kMaxLabels> starts;
  std::size_t count = 0;
  for (std::size_t at = 0; at < wire.size() && wire[at] != 0 && count < kMaxLabels;
       at += wire[at] + 1U) {
    starts[count++] = static_cast<std::uint8_t>(at);
  }
  std::size_t at = 0;
  out.label_count = static_cast<std::uint8_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t start = starts[count - 1 - i];
    const std::size_t length = wire[start];
    for (std::size_t j = 0; j < length; ++j) out.key[at++] = kWireOctets[wire[start + 1 + j]];
    out.key[at++] = '.';
    out.label_end[i] = static_cast<std::uint8_t>(at);
  }
  out.key_length = static_cast<std::uint8_t>(at);
}

bool from_odd_text(std::string_view text, LookupName& out) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::array<std::uint8_t, kMaxWireOctets> wire;
  std::size_t at = wire.size();
  wire[--at] = 0;
  while (!text.empty()) {
    const std::size_t start = text.rfind('.') + 1;  // npos + 1 == 0
    const std::string_view label = text.substr(start);
    if (label.empty() || label.size() > kMaxLabelOctets || label.size() + 2 > at) break;
    at -= label.size();
    label.copy(reinterpret_cast<char*>(&wire[at]), label.size());
    wire[--at] = static_cast<std::uint8_t>(label.size());
    text = text.substr(0, start == 0 ? 0 : start - 1);
  }
  from_wire(std::span(wire).subspan(at), out);
  return out.label_count > 0;
}

Result<std::string> canonical(std::string_view text) {
  LookupName name;
  const Defect defect = from_text(text, name);
  if (defect != Defect::none) {
    std::string_view what;
    std::string_view advice;
    switch (defect) {
      case Defect::empty:
        what = "the name is empty";
        break;
      case Defect::too_long:
        what = "the name is over 253 octets";
        break;
      case Defect::label_too_long:
        what = "a label is over 63 octets";
        break;
      case Defect::empty_label:
        what = "a label is empty";
        advice = "remove the doubled or leading dot";
        break;
      case Defect::ip_literal:
        what = "an IP address is not a name";
        break;
      default:
        what = "an octet is not a letter, digit, '-' or '_'";
        advice = "write internationalised names as A-labels (xn--…)";
    }
    return fail(std::string(what), std::string(text), std::string(advice));
  }
  return from_reversed_key(name.view());
}

std::string reversed_key(std::string_view canonical_text) {
  std::string out;
  out.reserve(canonical_text.size() + 1);
  std::size_t end = canonical_text.size();
  while (end > 0) {
    const std::size_t dot = canonical_text.rfind('.', end - 1);
    const std::size_t start = dot == std::string_view::npos ? 0 : dot + 1;
    out.append(canonical_text.substr(start, end - start)).push_back('.');
    if (start == 0) break;
    end = start - 1;
  }
  return out;
}

std::string from_reversed_key(std::string_view key) {
  if (!key.empty() && key.back() == '.') key.remove_suffix(1);
  std::string out = reversed_key(key);
  if (!out.empty()) out.pop_back();
  return out;
}

std::string display(const LookupName& name) {
  std::string out;
  for (const char c : from_reversed_key(name.view())) {
    const auto octet = static_cast<unsigned char>(c == kDotInLabel ? '.' : c);
    if (c == '.' || kHostOctets[octet] != 0) {
      out.push_back(c);
      continue;
    }
    out.push_back('\\');
    for (const unsigned unit : {100U, 10U, 1U}) {
      out.push_back(static_cast<char>('0' + octet / unit % 10));
    }
  }
  return out;
}

std::string_view text_of(const LookupName& name, unsigned labels,
                         std::span<char, kMaxTextOctets + 1> buffer) {
  std::size_t size = 0;
  for (unsigned label = labels; label > 0; --label) {
    const std::size_t start = label == 1 ? 0U : name.label_end[label - 2];
    const std::size_t end = name.label_end[label - 1] - 1U;
    if (size + end - start + 1 > buffer.size()) break;
    for (std::size_t at = start; at < end; ++at) {
      const char octet = name.key[at];
      buffer[size++] = kHostOctets[static_cast<unsigned char>(octet)] != 0 ? octet : '?';
    }
    if (label > 1) buffer[size++] = '.';
  }
  return {buffer.data(), size};
}

}  // namespace sluice::name
