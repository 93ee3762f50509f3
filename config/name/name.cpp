#include "config/name/name.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "config/name/octets.h"

namespace sluice::name {
namespace {

bool has_digits_only(std::string_view label) {
  return !label.empty() &&
         std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// An address where a name is asked for: four all-digit labels, or anything with a colon or bracket.
bool is_ip_literal(std::string_view text) {
  if (text.find_first_of(":[]") != std::string_view::npos) return true;
  // A last label of digits only is no top-level domain (RFC 3696 section 2): "10.0.0.1" and also
  // the inet_aton shapes "10.1" and "167772161".
  return has_digits_only(text.substr(text.rfind('.') + 1));  // npos + 1 == 0
}

// Why a text that has a defect, other than its length, has it.
Defect defect_of(std::string_view text) {
  if (is_ip_literal(text)) return Defect::ip_literal;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      if (!is_host_octet(text[i])) return Defect::bad_octet;
      continue;
    }
    if (i == start) return Defect::empty_label;
    if (i - start > kMaxLabelOctets) return Defect::label_too_long;
    start = i + 1;
  }
  return Defect::none;
}

}  // namespace

/// Puts a name's labels together, from the left.
class KeyWriter {
 public:
  explicit KeyWriter(LookupName& name) : name_(name) {
    name_.key_length = 0;
    name_.label_count = 0;
  }

  /// A label that ends before `end` and has kBlock octets, or as many more as it needs to be read
  /// in whole blocks, in front of that end. Its octets as `copy` takes a block of them over. All
  /// labels with their dots have at most kMaxWireOctets.
  template <class Copy>
  void add(const char* end, std::size_t length, Copy copy) {
    char* out = place(length);
    for (std::size_t done = 0; done < length; done += kBlock) {
      copy(out - done - kBlock, end - done - kBlock);
    }
    *out = '.';
  }
  /// Of at most kBlock octets.
  template <class Copy>
  void add_short(const char* end, std::size_t length, Copy copy) {
    char* const out = place(length);
    copy(out - kBlock, end - kBlock);
    *out = '.';
  }
  void add_slowly(const char* end, std::size_t length) {
    char* out = place(length);
    for (std::size_t i = 1; i <= length; ++i) *(out - i) = to_key_octet(*(end - i));
    *out = '.';
  }
  void finish() {
    name_.key_length = static_cast<std::uint8_t>(size_);
    name_.label_count = static_cast<std::uint8_t>(count_);
  }

 private:
  // Where the label's dot goes.
  char* place(std::size_t length) {
    name_.behind_[count_++] = static_cast<std::uint8_t>(size_);
    char* const dot = name_.octets_.data() + LookupName::kKeyEnd - size_ - 1;
    size_ += length + 1;
    return dot;
  }

  LookupName& name_;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
};

namespace {

// False where the text, of 1 to 253 octets, has a defect.
bool read_host(std::string_view text, LookupName& out) {
  // The labels are read in blocks, which reach over their start.
  std::array<char, kBlock + kMaxTextOctets + kBlock> buffer;
  char* const octets = buffer.data() + kBlock;
  std::memcpy(octets, text.data(), text.size());
  std::array<std::uint64_t, 4> dots{};
  for (std::size_t at = 0; at < text.size(); at += kBlock) {
    HostOctets found = lower_host(octets + at);
    if (const std::size_t left = text.size() - at; left < kBlock) {
      const std::uint32_t there = (1U << left) - 1;
      found = {found.dots & there, found.others & there};
    }
    if (found.others != 0) return false;
    dots[at / 64] |= std::uint64_t{found.dots} << at % 64;
  }
  KeyWriter writer(out);
  std::size_t start = 0;
  const auto add = [&](std::size_t end) {
    const std::size_t length = end - start;
    if (length == 0 || length > kMaxLabelOctets) return false;
    writer.add(octets + end, length,
               [](char* to, const char* from) { std::memcpy(to, from, kBlock); });
    return true;
  };
  for (std::size_t word = 0; word * 64 < text.size(); ++word) {
    for (std::uint64_t left = dots[word]; left != 0; left &= left - 1) {
      const std::size_t dot = word * 64 + static_cast<std::size_t>(std::countr_zero(left));
      if (!add(dot)) return false;
      start = dot + 1;
    }
  }
  if (has_digits_only({octets + start, text.size() - start}) || !add(text.size())) return false;
  writer.finish();
  return true;
}

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
  return read_host(text, out) ? Defect::none : defect_of(text);
}

WireEnd read_wire(std::span<const std::uint8_t> message, std::size_t& at, LookupName& out) {
  KeyWriter writer(out);
  const char* const octets = reinterpret_cast<const char*>(message.data());
  std::size_t label = at;  // its length octet
  if (label >= message.size()) return WireEnd::cut;
  const std::size_t longest = label + kMaxWireOctets - 1;
  const std::size_t last = std::min(message.size() - 1, longest);
  std::size_t length = message[label];
  while (length != 0) {
    if (length > kMaxLabelOctets) {
      return (length & 0xc0) == 0xc0 ? WireEnd::pointer : WireEnd::label_type;
    }
    const std::size_t next = label + 1 + length;
    if (next > last) return next > longest ? WireEnd::too_long : WireEnd::cut;
    if (length <= kBlock && next >= kBlock) {
      writer.add_short(octets + next, length, copy_to_key);
    } else if (next >= (length + kBlock - 1) / kBlock * kBlock) {
      writer.add(octets + next, length, copy_to_key);
    } else {
      writer.add_slowly(octets + next, length);
    }
    label = next;
    length = message[label];
  }
  at = label + 1;
  writer.finish();
  return WireEnd::root;
}

void from_wire(std::span<const std::uint8_t> wire, LookupName& out) {
  std::size_t at = 0;
  (void)read_wire(wire, at, out);
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
    if (c == '.' || is_host_octet(c)) {
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
    const std::size_t start = name.length_of(label - 1);
    const std::size_t end = name.length_of(label) - 1;
    if (size + end - start + 1 > buffer.size()) break;
    for (std::size_t at = start; at < end; ++at) {
      const char octet = name.key()[at];
      buffer[size++] = is_host_octet(octet) ? octet : '?';
    }
    if (label > 1) buffer[size++] = '.';
  }
  return {buffer.data(), size};
}

}  // namespace sluice::name
