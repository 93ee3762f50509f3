#include <algorithm>
#include <array>

#include "control/compile/plain_reader.h"

namespace sluice::compile {
namespace {

constexpr std::array<std::string_view, 5> kCosmetic = {"##", "#@#", "#?#", "#$#", "#%#"};
// These block the whole site as the rule without them does; `important` only outranks exceptions.
constexpr std::array<std::string_view, 4> kHarmlessOptions = {"all", "doc", "document",
                                                              "important"};
// What dnsmasq answers by NXDOMAIN, or by the address of no host or of the asking one, as lists of
// hosts have it.
constexpr std::array<std::string_view, 6> kBlockingAnswers = {"",   "#",         "0.0.0.0",
                                                              "::", "127.0.0.1", "::1"};
constexpr std::array<std::string_view, 3> kNameSettings = {"address", "server", "local"};

template <class List>
bool holds(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_cosmetic(std::string_view text) {
  return std::any_of(kCosmetic.begin(), kCosmetic.end(),
                     [&](std::string_view mark) { return text.find(mark) != text.npos; });
}

bool is_regex(std::string_view text) {
  return text.size() > 1 && text.front() == '/' &&
         (text.back() == '/' || text.find("/$") != text.npos);
}

bool are_harmless(std::string_view options) {
  for (;;) {
    const std::size_t comma = options.find(',');
    if (!holds(kHarmlessOptions, options.substr(0, comma))) return false;
    if (comma == options.npos) return true;
    options.remove_prefix(comma + 1);
  }
}

/// What a rule asks for behind the name, where that is not the end of the name.
std::optional<Reason> fault_behind(std::string_view tail) {
  if (tail.empty() || tail.front() == '$' || tail.front() == '|') return Reason::filter_open;
  if (tail.front() == '*') return Reason::wildcard;
  if (tail.front() != '^') return Reason::url;
  tail.remove_prefix(1);
  if (tail.empty()) return std::nullopt;
  if (tail.front() == '*') return Reason::wildcard;
  if (tail.front() != '$') return Reason::url;
  return are_harmless(tail.substr(1)) ? std::nullopt : std::optional(Reason::filter_option);
}

std::optional<Reason> fault_of_kind(std::string_view text) {
  if (text.starts_with("@@")) return Reason::filter_exception;
  if (is_cosmetic(text)) return Reason::filter_cosmetic;
  if (is_regex(text)) return Reason::filter_regex;
  if (text.starts_with("||")) return std::nullopt;
  return text.find('/') != text.npos ? Reason::url : Reason::filter_rule;
}

/// dnsmasq's comment begins a line or follows a space; `address=/a/#` has none.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = text.find('#'); at != text.npos; at = text.find('#', at + 1)) {
    if (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\t') return trimmed(text.substr(0, at));
  }
  return text;
}

}  // namespace

bool is_adblock_line(std::string_view text) {
  if (text.starts_with("||") || text.starts_with("@@")) return true;
  if (text.find('#') == text.npos) return false;  // most lines of most lists
  return is_cosmetic(text.substr(0, text.find_first_of(" \t")));
}

void read_adblock_line(std::string_view text, LineSink& sink) {
  const bool comment = text.starts_with('#') && !is_cosmetic(text);
  if (text.empty() || text.front() == '!' || text.front() == '[' || comment) return;
  if (const auto fault = fault_of_kind(text)) return sink.reject(*fault);
  text.remove_prefix(2);
  const std::size_t end = std::min(text.find_first_of("^$/|:?*"), text.size());
  if (const auto fault = fault_behind(text.substr(end))) return sink.reject(*fault);
  if (end == 0) return sink.reject(Reason::invalid_name);
  sink.take(text.substr(0, end), Said::tree);
}

bool is_dnsmasq_line(std::string_view text) {
  return std::any_of(kNameSettings.begin(), kNameSettings.end(), [&](std::string_view setting) {
    return text.starts_with(setting) && text.substr(setting.size()).starts_with("=/");
  });
}

void read_dnsmasq_line(std::string_view text, LineSink& sink) {
  text = without_comment(text);
  if (text.empty()) return;
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string_view setting = trimmed(text.substr(0, equals));
  std::string_view names = trimmed(text.substr(std::min(equals + 1, text.size())));
  const std::size_t last = names.rfind('/');
  if (!holds(kNameSettings, setting) || !names.starts_with('/') || last == 0) {
    return sink.reject(Reason::dnsmasq_setting);
  }
  const std::string_view answer = trimmed(names.substr(last + 1));
  // For `server` and `local` a '#' means the usual servers, and so an exception.
  const bool blocks = setting == "address" ? holds(kBlockingAnswers, answer) : answer.empty();
  names = names.substr(1, last);  // each closed by a slash
  for (std::size_t slash = names.find('/'); slash != names.npos; slash = names.find('/')) {
    const std::string_view name = names.substr(0, slash);
    names.remove_prefix(slash + 1);
    if (!blocks) {
      sink.reject(Reason::dnsmasq_answer);
    } else if (name.empty()) {
      sink.reject(Reason::invalid_name);
    } else {
      sink.take(name, Said::tree);
    }
  }
}

}  // namespace sluice::compile
