#include "control/compile/plain_word.h"

#include <algorithm>
#include <idn2.h>
#include <memory>
#include <string>

#include "control/compile/plain_list.h"

namespace sluice::compile {
namespace {

constexpr std::array<ReasonText, kReasonCount> kReasons = {{
    {"url", "a URL or a path; blocking its whole domain was not asked for"},
    {"ip-address", "an IP address, not a name"},
    {"invalid-name", "not a domain name: labels of 1-63 letters, digits, '-' or '_', 253 in all"},
    {"idn", "an internationalised name that UTS #46 does not allow"},
    {"top-level", "a single label: it would cover a whole top-level domain"},
    {"local-name", "a name of the local host, not of the network"},
    {"wildcard", "a wildcard or a leading dot; list the name itself, which covers what is below"},
    {"filter-rule", "a browser filter rule, not a name"},
    {"filter-exception", "a browser filter's exception; a list cannot permit names"},
    {"filter-cosmetic", "a browser filter rule for the elements of a page"},
    {"filter-option", "a browser filter rule that an option limits to some requests or pages"},
    {"filter-open", "a browser filter rule without '^' behind the name, which longer names match"},
    {"filter-regex", "a regular expression, not a name"},
    {"dnsmasq-setting", "a setting of dnsmasq that blocks no name"},
    {"dnsmasq-answer", "dnsmasq would answer or forward the name; only '', '#', 0.0.0.0, :: block"},
    {"rpz-action", "another action than NXDOMAIN, which 'CNAME .' asks for"},
    {"rpz-trigger", "a trigger by address or name server, not by name"},
    {"zone-line", "not a record of a zone: owner, perhaps TTL and IN, type, data"},
    {"zone-other", "an owner outside of the zone that $ORIGIN and SOA tell"},
    {"zone-directive", "a directive other than $ORIGIN and $TTL"},
    {"zone-open", "a '(' that is never closed; nothing behind it was read"},
    {"not-hosts", "a hosts line starts with an address and has a name after it"},
    {"more-words", "more than one word on the line"},
    {"long-line", "a line over 4096 octets"},
}};

constexpr std::array<std::string_view, 4> kLocalNames = {
    "localhost.localdomain", "localhost.localdomain6", "local.localhost", "localhost.home"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

constexpr std::array<bool, 256> make_name_octets() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_.")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr auto kNameOctets = make_name_octets();

/// Nothing that a URL, a wildcard, a filter rule or an internationalised name has; as most words.
bool looks_plain(std::string_view word) {
  return word.front() != '.' && std::all_of(word.begin(), word.end(), [](char c) {
           return kNameOctets[static_cast<unsigned char>(c)];
         });
}

/// UTS #46, non-transitional, with the checks of IDNA 2008 look-up.
std::optional<std::string> to_alabels(std::string_view text) {
  char* raw = nullptr;
  const std::string input(text);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(input.c_str());
  const int code = idn2_lookup_u8(bytes, reinterpret_cast<std::uint8_t**>(&raw),
                                  IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  const std::unique_ptr<char, void (*)(void*)> owned(raw, idn2_free);
  if (code != IDN2_OK || raw == nullptr) return std::nullopt;
  return std::string(raw);
}

std::optional<Reason> fault_of(std::string_view word) {
  if (word.starts_with("||") || word.starts_with("@@") || word.find("##") != word.npos) {
    return Reason::filter_rule;
  }
  if (word.find('/') != word.npos || word.find('?') != word.npos) return Reason::url;
  if (word.find('*') != word.npos || word.front() == '.') return Reason::wildcard;
  return std::nullopt;
}

}  // namespace

const ReasonText& text_of(Reason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  std::size_t end = 0;
  while (end < rest.size() && !is_space(rest[end])) ++end;
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

bool is_address(std::string_view word) {
  name::LookupName ignored;
  return name::from_text(word, ignored) == name::Defect::ip_literal;
}

std::optional<Reason> read_word(std::string_view word, name::LookupName& name) {
  const bool plain_word = looks_plain(word);
  if (const auto fault = plain_word ? std::nullopt : fault_of(word)) return fault;
  std::string converted;
  // A NUL would end the word for libidn2, and so shorten it.
  if (!plain_word && word.find('\0') != word.npos) return Reason::invalid_name;
  if (!plain_word && !is_ascii(word)) {
    auto alabels = to_alabels(word);
    if (!alabels) return Reason::idn;
    converted = std::move(*alabels);
    word = converted;
  }
  const name::Defect defect = name::from_text(word, name);
  if (defect == name::Defect::ip_literal) {
    // "example.test:8080" has a port, so it is an address of a service, not of a name.
    const bool has_port = std::count(word.begin(), word.end(), ':') == 1 &&
                          !is_address(word.substr(0, word.find(':')));
    return has_port ? Reason::url : Reason::ip_address;
  }
  if (defect != name::Defect::none) return Reason::invalid_name;
  const std::string_view plain = word.ends_with('.') ? word.substr(0, word.size() - 1) : word;
  if (std::find(kLocalNames.begin(), kLocalNames.end(), plain) != kLocalNames.end()) {
    return Reason::local_name;
  }
  if (name.label_count == 1) {
    const bool local =
        plain.starts_with("local") || plain.starts_with("ip6-") || plain == "broadcasthost";
    return local ? Reason::local_name : Reason::top_level;
  }
  return std::nullopt;
}

Status read_plain_name(std::string_view word, name::LookupName& out) {
  const auto reason = word.empty() ? std::optional(Reason::invalid_name) : read_word(word, out);
  if (!reason) return {};
  return fail(text_of(*reason).detail, std::string(word.substr(0, 80)));
}

}  // namespace sluice::compile
