#include <algorithm>
#include <array>

#include "control/compile/plain_reader.h"

namespace sluice::compile {
namespace {

// Of the zone itself or of its signatures: no rules, wherever they stand.
constexpr std::array<std::string_view, 10> kNoRules = {
    "SOA", "NS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS", "CDS", "ZONEMD"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

bool is_ttl(std::string_view word) { return !word.empty() && word[0] >= '0' && word[0] <= '9'; }

/// The line without its comment, and in `depth` the parentheses that it opens and closes.
std::string_view without_comment(std::string_view text, int& depth) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ';') {
      return text.substr(0, i);
    } else if (!quoted && c == '(') {
      ++depth;
    } else if (!quoted && c == ')' && depth > 0) {
      --depth;
    }
  }
  return text;
}

/// The type of a record, behind TTL and class in any order; empty where there is none.
std::string next_type(std::string_view& rest) {
  std::string_view word = next_word(rest);
  for (int i = 0; i < 2 && (is_ttl(word) || upper(word) == "IN"); ++i) word = next_word(rest);
  return upper(word);
}

/// `name` without the zone that it ends in; nullopt: it is not in the zone. Empty: the zone itself.
std::optional<std::string_view> within(std::string_view name, std::string_view zone) {
  if (upper(name) == upper(zone)) return std::string_view();
  if (!name.ends_with('.')) return name;  // relative to the zone, whatever that is called
  if (!zone.ends_with('.') || name.size() <= zone.size()) return std::nullopt;
  const std::size_t at = name.size() - zone.size();
  if (upper(name.substr(at)) != upper(zone) || name[at - 1] != '.') return std::nullopt;
  return name.substr(0, at - 1);
}

bool is_trigger_of_another_kind(std::string_view name) {
  return upper(name.substr(name.rfind('.') + 1)).starts_with("RPZ-");
}

void take_rule(std::string_view name, LineSink& sink) {
  const bool below = name.starts_with("*.");
  if (below) name.remove_prefix(2);
  if (name == "*") return sink.reject(Reason::wildcard);
  if (name.empty()) return sink.reject(Reason::zone_line);
  sink.take(name, below ? Said::subs : Said::exact);
}

}  // namespace

bool is_zone_start(std::string_view text) {
  std::string_view rest = text;
  const std::string word = upper(next_word(rest));
  return word == "$ORIGIN" || word == "$TTL" || next_type(rest) == "SOA";
}

std::string ZoneReader::full(std::string_view owner) const {
  if (owner == "@") return origin_;
  if (owner.ends_with('.') || origin_.empty()) return std::string(owner);
  return std::string(owner) + (origin_ == "." ? "" : ".") + origin_;
}

void ZoneReader::read_line(std::string_view text, LineSink& sink) {
  const bool continues = is_open();
  text = without_comment(text, depth_);
  if (continues || trimmed(text).empty()) return;
  if (text.front() == '$') return directive(text, sink);
  record(text, sink);
}

void ZoneReader::directive(std::string_view text, LineSink& sink) {
  const std::string word = upper(next_word(text));
  if (word == "$TTL") return;
  const std::string_view name = next_word(text);
  if (word != "$ORIGIN") return sink.reject(Reason::zone_directive);
  if (name.empty()) return sink.reject(Reason::zone_line);
  const bool first = origin_.empty();
  origin_ = full(name);
  if (first && !has_soa_) zone_ = origin_;
}

void ZoneReader::record(std::string_view text, LineSink& sink) {
  const bool repeats = text.front() == ' ' || text.front() == '\t';
  if (!repeats) owner_ = full(next_word(text));
  const std::string type = next_type(text);
  const std::string_view target = next_word(text);
  if (type == "SOA" && !has_soa_) {
    has_soa_ = true;
    zone_ = owner_;
  }
  if (std::find(kNoRules.begin(), kNoRules.end(), type) != kNoRules.end()) return;
  const auto name = within(owner_, zone_);
  if (!name) return sink.reject(Reason::zone_other);
  if (type.empty() || target.empty() || target.front() == '(' || !trimmed(text).empty()) {
    // Only records that cannot be rules may be longer; one that ends early is damaged.
    const bool damaged = type.empty() || target.empty() || type == "CNAME";
    return sink.reject(damaged ? Reason::zone_line : Reason::rpz_action);
  }
  if (is_trigger_of_another_kind(*name)) return sink.reject(Reason::rpz_trigger);
  if (type != "CNAME" || target != ".") return sink.reject(Reason::rpz_action);
  take_rule(*name, sink);
}

}  // namespace sluice::compile
