#include "control/tlog/policy.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace sluice::tlog {
namespace {

constexpr const char* kNone = "none";
constexpr const char* kAdvice =
    "write it as c2sp.org/tlog-policy says: log, witness, group, quorum";

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

template <class Keys, class KeyOf>
bool holds(const Keys& keys, const VerifierKey& key, KeyOf key_of) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const auto& one) { return key_of(one).value() == key.value(); });
}

}  // namespace

bool LogPolicy::is_defined(const std::string& name) const {
  return std::any_of(witnesses_.begin(), witnesses_.end(),
                     [&](const Witness& one) { return one.name == name; }) ||
         std::any_of(groups_.begin(), groups_.end(),
                     [&](const Group& one) { return one.name == name; });
}

Status LogPolicy::read_line(const std::vector<std::string>& words) {
  const std::string& kind = words[0];
  if (kind == "log" && (words.size() == 2 || words.size() == 3)) {
    auto key = VerifierKey::parse(words[1], "log");
    if (!key) return fail(key.error());
    if (key->type() != KeyType::log) return fail("the key of the log is a witness's");
    if (holds(logs_, *key, [](const auto& one) -> const VerifierKey& { return one; })) {
      return fail("the log is there twice");
    }
    logs_.push_back(std::move(*key));
    return {};
  }
  const bool defines = kind == "witness" || kind == "group";
  if (defines && words.size() > 1 && (words[1] == kNone || is_defined(words[1]))) {
    return fail("the name '" + words[1] + "' is taken");
  }
  if (kind == "witness" && (words.size() == 3 || words.size() == 4)) {
    auto key = VerifierKey::parse(words[2], "witness");
    if (!key) return fail(key.error());
    if (key->type() != KeyType::witness) return fail("the key of the witness is a log's");
    // One key under two names would count twice.
    if (holds(witnesses_, *key, [](const auto& one) -> const VerifierKey& { return one.key; })) {
      return fail("the key of the witness is there twice");
    }
    witnesses_.push_back({words[1], std::move(*key), words.size() == 4 ? words[3] : ""});
    return {};
  }
  if (kind == "group" && words.size() > 3) {
    Group group{words[1], 0, {words.begin() + 3, words.end()}};
    const std::string& count = words[2];
    const auto [end, error] =
        std::from_chars(count.data(), count.data() + count.size(), group.threshold);
    if (count == "all") group.threshold = group.members.size();
    if (count == "any") group.threshold = 1;
    const bool number = error == std::errc() && end == count.data() + count.size();
    if ((!number && count != "all" && count != "any") || group.threshold == 0 ||
        group.threshold > group.members.size()) {
      return fail("the group asks for '" + count + "' of its " +
                  std::to_string(group.members.size()) + " members");
    }
    for (const std::string& member : group.members) {
      if (!is_defined(member)) return fail("the group's '" + member + "' is not defined above it");
    }
    // Each name in one group only, so that each witness counts in one way only.
    std::set<std::string> used;
    for (const Group& one : groups_) used.insert(one.members.begin(), one.members.end());
    for (const std::string& member : group.members) {
      if (!used.insert(member).second) return fail("'" + member + "' is a member twice");
    }
    groups_.push_back(std::move(group));
    return {};
  }
  if (kind == "quorum" && words.size() == 2) {
    if (!quorum_.empty()) return fail("there are two quorums");
    if (words[1] != kNone && !is_defined(words[1])) {
      return fail("the quorum '" + words[1] + "' is not defined above it");
    }
    quorum_ = words[1];
    return {};
  }
  return fail("'" + kind + "' with " + std::to_string(words.size() - 1) +
              " words behind it is no line of a log policy");
}

Result<LogPolicy> LogPolicy::parse(std::string_view text, std::string_view where) {
  const std::string place(where);
  if (text.size() > kMaxPolicyOctets) return fail("is too long for a log policy", place, kAdvice);
  LogPolicy policy;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string at = place + ":" + std::to_string(number);
    if (number > kMaxPolicyLines) return fail("has too many lines", at, kAdvice);
    const bool clean = std::all_of(line.begin(), line.end(), [](char c) {
      return c == '\t' || (static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F);
    });
    if (!clean) return fail("has a control character", at, kAdvice);
    const auto words = words_of(line);
    if (words.empty() || words[0].starts_with('#')) continue;
    if (auto status = policy.read_line(words); !status) {
      return fail(status.error().what, at, kAdvice);
    }
  }
  if (policy.quorum_.empty()) return fail("names no quorum", place, kAdvice);
  if (policy.logs_.empty()) return fail("names no log", place, kAdvice);
  return policy;
}

bool LogPolicy::has(const std::string& name, const std::vector<Cosigned>& witnesses) const {
  const auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& one) { return one.name == name; });
  if (group == groups_.end()) {
    return std::any_of(witnesses.begin(), witnesses.end(),
                       [&](const Cosigned& one) { return one.witness == name; });
  }
  const auto count =
      std::count_if(group->members.begin(), group->members.end(),
                    [&](const std::string& member) { return has(member, witnesses); });
  return static_cast<std::size_t>(count) >= group->threshold;
}

bool LogPolicy::is_quorum(const std::vector<Cosigned>& witnesses) const {
  return !asks_witnesses() || has(quorum_, witnesses);
}

Result<Believed> LogPolicy::check_log(const Note& note, std::string_view where) const {
  const std::string place(where);
  auto checkpoint = parse_checkpoint(note.text, where);
  if (!checkpoint) return fail(checkpoint.error());
  Believed believed{std::move(*checkpoint), {}, {}};
  bool logged = false;
  std::set<std::string> counted;
  for (const NoteSignature& signature : note.signatures) {
    for (const VerifierKey& log : logs_) {
      if (!log.made(signature)) continue;
      if (!log.verify(note.text, signature)) {
        return fail("the signature of the log " + log.name() + " is wrong", place);
      }
      logged = logged || log.name() == believed.checkpoint.origin;
    }
    for (const Witness& witness : witnesses_) {
      if (!witness.key.made(signature)) continue;
      const auto time = witness.key.verify(note.text, signature);
      if (!time) return fail("the cosignature of " + witness.name + " is wrong", place);
      if (!counted.insert(witness.name).second) continue;
      believed.witnesses.push_back({witness.name, *time});
      believed.witnessed = std::min(believed.witnessed.value_or(*time), *time);
    }
  }
  if (!logged) return fail("no log of the policy has signed it", place);
  return believed;
}

Result<Believed> LogPolicy::check(const Note& note, std::string_view where) const {
  auto believed = check_log(note, where);
  if (!believed || is_quorum(believed->witnesses)) return believed;
  return fail("has " + std::to_string(believed->witnesses.size()) +
                  " cosignatures of witnesses, which is no quorum",
              std::string(where));
}

}  // namespace sluice::tlog
