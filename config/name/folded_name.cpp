#include "config/name/folded_name.h"

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

/// [begin, end) of `octets`, of which `readable` may be read, in lower case; up to kBlock octets in
/// front of `out` may be written.
void fold(const char* octets, std::size_t begin, std::size_t end, std::size_t readable, char* out) {
  const char* const from = octets + begin;
  const std::size_t count = end - begin;
  if (count > kBlock) {
    for (std::size_t done = 0; done + kBlock < count; done += kBlock) {
      copy_lower(out + done, from + done);
    }
    copy_lower(out + count - kBlock, from + count - kBlock);
  } else if (end >= kBlock) {
    copy_lower(out + count - kBlock, octets + end - kBlock);
  } else if (readable - begin >= kBlock) {
    copy_lower(out, from);
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = to_lower(from[i]);
  }
}

}  // namespace

WireEnd fold_wire(std::span<const std::uint8_t> message, std::size_t& at, FoldedName& out) {
  out.label_count = 0;
  const std::size_t begin = at;
  if (begin >= message.size()) return WireEnd::cut;
  const std::size_t longest = begin + kMaxWireOctets - 1;
  const std::size_t last = std::min(message.size() - 1, longest);
  std::size_t label = begin;  // its length octet
  std::size_t length = message[label];
  std::uint8_t* starts = out.starts_.data();
  while (length - 1 < kMaxLabelOctets) {
    *starts++ = static_cast<std::uint8_t>(label - begin);
    label += 1 + length;
    if (label > last) return label > longest ? WireEnd::too_long : WireEnd::cut;
    length = message[label];
  }
  if (length != 0) return (length & 0xc0) == 0xc0 ? WireEnd::pointer : WireEnd::label_type;
  *starts = static_cast<std::uint8_t>(label - begin);
  out.label_count = static_cast<std::uint8_t>(starts - out.starts_.data());
  // Length octets are below 64, and no letters.
  fold(reinterpret_cast<const char*>(message.data()), begin, label, message.size(),
       out.octets_.data() + FoldedName::kFront);
  at = label + 1;
  return WireEnd::root;
}

void fold_wire(std::span<const std::uint8_t> wire, FoldedName& out) {
  std::size_t at = 0;
  (void)fold_wire(wire, at, out);
}

// False where the text, of 1 to 253 octets, has a defect.
bool fold_host(std::string_view text, FoldedName& out) {
  char* const name = out.octets_.data() + FoldedName::kFront;
  char* const octets = name + 1;  // behind the first length octet
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
  // Each dot gives its place to the length of the label behind it.
  std::size_t start = 0;
  std::size_t count = 0;
  const auto add = [&](std::size_t end) {
    const std::size_t length = end - start;
    name[start] = static_cast<char>(length);
    out.starts_[count++] = static_cast<std::uint8_t>(start);
    start = end + 1;
    return length != 0 && length <= kMaxLabelOctets;
  };
  for (std::size_t word = 0; word * 64 < text.size(); ++word) {
    for (std::uint64_t left = dots[word]; left != 0; left &= left - 1) {
      if (!add(word * 64 + static_cast<std::size_t>(std::countr_zero(left)))) return false;
    }
  }
  if (has_digits_only({octets + start, text.size() - start}) || !add(text.size())) return false;
  out.starts_[count] = static_cast<std::uint8_t>(start);
  out.label_count = static_cast<std::uint8_t>(count);
  return true;
}

Defect fold_text(std::string_view text, FoldedName& out) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty()) return Defect::empty;
  if (text.size() > kMaxTextOctets) return Defect::too_long;
  return fold_host(text, out) ? Defect::none : defect_of(text);
}

bool fold_odd_text(std::string_view text, FoldedName& out) {
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
  fold_wire(std::span(wire).subspan(at), out);
  return out.label_count > 0;
}

bool is_key_of(const FoldedName& name, unsigned labels, std::string_view key) {
  if (key.size() != name.length_of(labels)) return false;
  const char* end = key.data();
  const std::uint8_t* start = name.starts_.data() + name.label_count;
  for (; labels > 0; --labels) {
    const char* const label = name.octets_.data() + FoldedName::kFront + *--start;
    const auto length = static_cast<std::size_t>(*label);
    end += length;
    if (*end != '.' || !is_without_dots(end, label + 1 + length, length)) return false;
    ++end;
  }
  return true;
}

void write_key(const FoldedName& name, unsigned labels, char* out) {
  const std::uint8_t* start = name.starts_.data() + name.label_count;
  for (; labels > 0; --labels) {
    const char* label = name.octets_.data() + FoldedName::kFront + *--start;
    const auto length = static_cast<std::size_t>(*label++);
    copy_without_dots(out, label);
    for (std::size_t done = kBlock; done < length; done += kBlock) {
      copy_without_dots(out + done, label + done);
    }
    out[length] = '.';
    out += length + 1;
  }
}

std::string_view text_of(const FoldedName& name, unsigned labels,
                         std::span<char, kMaxTextOctets + 1> buffer) {
  std::size_t size = 0;
  for (unsigned i = labels; i > 0; --i) {
    for (const char octet : name.label(i)) buffer[size++] = is_host_octet(octet) ? octet : '?';
    if (i > 1) buffer[size++] = '.';
  }
  return {buffer.data(), size};
}

}  // namespace sluice::name
