#include "config/name/name.h"

#include "config/name/octets.h"

namespace sluice::name {

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

LookupName::LookupName(const FoldedName& name)
    : key_length(static_cast<std::uint8_t>(name.view().size())), label_count(name.label_count) {
  write_key(name, label_count, octets_.data());
  for (unsigned i = 0; i < label_count; ++i) {
    ends_[i] = static_cast<std::uint8_t>(name.length_of(i + 1));
  }
}

Defect from_text(std::string_view text, LookupName& out) {
  FoldedName name;
  const Defect defect = fold_text(text, name);
  if (defect == Defect::none) out = LookupName(name);
  return defect;
}

Result<std::string> canonical(std::string_view text) {
  LookupName name;
  const Defect defect = from_text(text, name);
  if (defect != Defect::none) {
    if (text.find("://") != std::string_view::npos) {
      return fail("the address of a page is not a name", std::string(text),
                  "write the name alone, without https:// and without a path");
    }
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
        advice = "give a domain name, such as www.example.com";
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

std::string display(const FoldedName& name) {
  std::string out;
  for (unsigned i = name.label_count; i > 0; --i) {
    for (const char c : name.label(i)) {
      if (is_host_octet(c)) {
        out.push_back(c);
        continue;
      }
      const auto octet = static_cast<unsigned char>(c);
      out.push_back('\\');
      for (const unsigned unit : {100U, 10U, 1U}) {
        out.push_back(static_cast<char>('0' + octet / unit % 10));
      }
    }
    if (i > 1) out.push_back('.');
  }
  return out;
}

}  // namespace sluice::name
