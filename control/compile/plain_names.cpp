#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <idn2.h>
#include <memory>
#include <optional>

#include "config/name/name.h"
#include "control/compile/key_sort.h"
#include "control/compile/plain_list.h"

namespace sluice::compile {
namespace {

constexpr std::size_t kFirstPlaces = 5;
constexpr std::size_t kMaxNameLine = 4096;
constexpr std::size_t kChunk = std::size_t{1} << 20;

enum class Reason : std::uint8_t {
  url,
  ip_address,
  invalid_name,
  idn,
  top_level,
  local_name,
  wildcard,
  filter_rule,
  not_hosts,
  more_words,
  long_line,
  count_,
};

struct ReasonText {
  const char* reason;
  const char* detail;
};

constexpr std::array<ReasonText, static_cast<std::size_t>(Reason::count_)> kReasons = {{
    {"url", "a URL or a path; blocking its whole domain was not asked for"},
    {"ip-address", "an IP address, not a name"},
    {"invalid-name", "not a domain name: labels of 1-63 letters, digits, '-' or '_', 253 in all"},
    {"idn", "an internationalised name that UTS #46 does not allow"},
    {"top-level", "a single label: it would cover a whole top-level domain"},
    {"local-name", "a name of the local host, not of the network"},
    {"wildcard", "a wildcard or a leading dot; list the name itself, which covers what is below"},
    {"filter-rule", "a browser filter rule, not a name"},
    {"not-hosts", "a hosts line starts with an address and has a name after it"},
    {"more-words", "more than one word on the line"},
    {"long-line", "a line over 4096 octets"},
}};

constexpr std::array<std::string_view, 4> kLocalNames = {
    "localhost.localdomain", "localhost.localdomain6", "local.localhost", "localhost.home"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

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

/// A word that is not empty as a name, or why it is none.
std::optional<Reason> read_name(std::string_view word, name::LookupName& name) {
  const bool plain_word = looks_plain(word);
  if (const auto fault = plain_word ? std::nullopt : fault_of(word)) return fault;
  std::string converted;
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

}  // namespace

Status read_plain_name(std::string_view word, name::LookupName& out) {
  const auto reason = word.empty() ? std::optional(Reason::invalid_name) : read_name(word, out);
  if (!reason) return {};
  return fail(kReasons[static_cast<std::size_t>(*reason)].detail, std::string(word.substr(0, 80)));
}

struct PlainNames::State {
  PlainReport report;
  std::array<Rejected, kReasons.size()> rejected;
  std::deque<std::unique_ptr<char[]>> chunks;
  std::size_t chunk_used = kChunk;
  std::vector<std::string_view> keys;

  std::string_view keep(std::string_view key) {
    if (chunk_used + key.size() > kChunk) {
      chunks.push_back(std::make_unique<char[]>(kChunk));
      chunk_used = 0;
    }
    char* const at = chunks.back().get() + chunk_used;
    std::copy(key.begin(), key.end(), at);
    chunk_used += key.size();
    return {at, key.size()};
  }

  void reject(Reason reason, const std::string& file, std::uint64_t line) {
    Rejected& slot = rejected[static_cast<std::size_t>(reason)];
    ++report.read;
    ++report.rejected;
    ++slot.count;
    if (slot.first.size() < kFirstPlaces) slot.first.push_back(file + ":" + std::to_string(line));
  }

  void take(std::string_view word, const std::string& file, std::uint64_t line) {
    name::LookupName name;
    if (const auto reason = read_name(word, name)) return reject(*reason, file, line);
    ++report.read;
    keys.push_back(keep(name.view()));
  }

  void take_line(std::string_view text, PlainFormat format, const std::string& file,
                 std::uint64_t line) {
    if (text.size() > kMaxNameLine) return reject(Reason::long_line, file, line);
    if (const std::size_t hash = text.find('#');
        hash != text.npos && text.substr(hash, 2) != "##") {
      text = text.substr(0, hash);
    }
    text = trimmed(text);
    if (text.empty() || text.front() == '!') return;
    std::string_view rest = text;
    const std::string_view first = next_word(rest);
    rest = trimmed(rest);
    const bool hosts = format == PlainFormat::hosts ||
                       (format == PlainFormat::automatic && !rest.empty() && is_address(first));
    if (!hosts)
      return rest.empty() ? take(first, file, line) : reject(Reason::more_words, file, line);
    if (rest.empty() || !is_address(first)) return reject(Reason::not_hosts, file, line);
    while (!rest.empty()) take(next_word(rest), file, line), rest = trimmed(rest);
  }

  Status read(const std::filesystem::path& path, PlainFormat format) {
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path)) {
      return fail("cannot be read", path.string(), "give the path of a list");
    }
    const std::string file = path.string();
    std::string text;
    std::uint64_t line = 0;
    while (std::getline(in, text)) {
      ++line;
      std::string_view view = text;
      if (line == 1 && view.starts_with("\xEF\xBB\xBF")) view.remove_prefix(3);
      take_line(view, format, file, line);
    }
    report.lines += line;
    if (in.bad()) return fail("reading stopped half-way", file, "check the disk");
    return {};
  }

  Status read_ut1(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) return read(path, PlainFormat::domains);
    if (!std::filesystem::exists(path / "domains")) {
      return fail("a UT1 category is a folder with a file 'domains'", path.string(),
                  "give the folder of one category, such as ut1/gambling");
    }
    if (auto status = read(path / "domains", PlainFormat::domains); !status) return status;
    if (!std::filesystem::exists(path / "urls")) return {};
    return read(path / "urls", PlainFormat::domains);
  }

  void finish() {
    const std::size_t given = keys.size();
    sort_unique_keys(keys);
    report.accepted = keys.size();
    report.duplicates = given - keys.size();
    for (std::size_t i = 0; i < rejected.size(); ++i) {
      if (rejected[i].count == 0) continue;
      rejected[i].reason = kReasons[i].reason;
      rejected[i].detail = kReasons[i].detail;
      report.rejections.push_back(rejected[i]);
    }
    std::stable_sort(report.rejections.begin(), report.rejections.end(),
                     [](const Rejected& a, const Rejected& b) { return a.count > b.count; });
  }
};

PlainNames::PlainNames() : state_(std::make_unique<State>()) {}
PlainNames::PlainNames(PlainNames&&) noexcept = default;
PlainNames& PlainNames::operator=(PlainNames&&) noexcept = default;
PlainNames::~PlainNames() = default;

std::span<const std::string_view> PlainNames::keys() const { return state_->keys; }
const PlainReport& PlainNames::report() const { return state_->report; }

Result<PlainFormat> parse_plain_format(std::string_view text) {
  if (text == "auto") return PlainFormat::automatic;
  if (text == "domains") return PlainFormat::domains;
  if (text == "hosts") return PlainFormat::hosts;
  if (text == "ut1") return PlainFormat::ut1;
  return fail("no such list format", std::string(text), "choose auto, domains, hosts or ut1");
}

Result<PlainNames> read_plain_lists(std::span<const std::filesystem::path> files,
                                    PlainFormat format) {
  if (files.empty()) return fail("no list was given", {}, "give at least one file");
  PlainNames names;
  for (const std::filesystem::path& file : files) {
    const bool ut1 = format == PlainFormat::ut1 ||
                     (format == PlainFormat::automatic && std::filesystem::is_directory(file));
    auto status = ut1 ? names.state_->read_ut1(file) : names.state_->read(file, format);
    if (!status) return fail(status.error());
  }
  names.state_->finish();
  return names;
}

}  // namespace sluice::compile
