#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <memory>

#include "control/compile/key_sort.h"
#include "control/compile/plain_list.h"
#include "control/compile/plain_reader.h"

namespace sluice::compile {
namespace {

constexpr std::size_t kFirstPlaces = 5;
constexpr std::size_t kMaxNameLine = 4096;
constexpr std::size_t kChunk = std::size_t{1} << 20;
constexpr std::uint8_t kScopeUnsaid = 0x80;

/// Keys that their lists say different things of, by Said.
using KeysBySaid = std::array<std::vector<std::string_view>, 4>;

/// Names as one list with what was said of each, as bits; empty where nothing was said of any.
struct Joined {
  std::vector<std::string_view> keys;
  std::vector<std::uint8_t> said;
  std::uint64_t repeated = 0;
};

Joined join(KeysBySaid& sorted) {
  Joined out;
  if (sorted[1].empty() && sorted[2].empty() && sorted[3].empty()) {
    out.keys = std::move(sorted[0]);
    return out;
  }
  std::array<std::size_t, 4> at{};
  for (;;) {
    std::string_view least;  // no key is empty
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (at[i] == sorted[i].size()) continue;
      if (least.empty() || sorted[i][at[i]] < least) least = sorted[i][at[i]];
    }
    if (least.empty()) return out;
    std::uint8_t said = 0;
    std::array<bool, 4> is_here{};
    for (std::size_t i = 0; i < at.size(); ++i) {
      is_here[i] = at[i] < sorted[i].size() && sorted[i][at[i]] == least;
      if (!is_here[i]) continue;
      ++at[i];
      said |= i == 0 ? kScopeUnsaid : static_cast<std::uint8_t>(i);
    }
    // The two halves of a tree, as policy zones have them, are one name and nothing twice.
    const bool halves = is_here[1] && is_here[2];
    out.repeated += static_cast<std::uint64_t>(std::count(is_here.begin(), is_here.end(), true)) -
                    (halves ? 2U : 1U);
    out.keys.push_back(least);
    out.said.push_back(said);
  }
}

std::uint8_t bits_of(generation::Scope scope) {
  if (scope == generation::Scope::tree) return static_cast<std::uint8_t>(Said::tree);
  return static_cast<std::uint8_t>(scope == generation::Scope::exact ? Said::exact : Said::subs);
}

}  // namespace

struct PlainNames::State final : LineSink {
  PlainReport report;
  std::array<Rejected, kReasonCount> rejected;
  std::deque<std::unique_ptr<char[]>> chunks;
  std::size_t chunk_used = kChunk;
  KeysBySaid given;
  Joined names;

  // Where the readers are, and in which format.
  std::string file;
  std::uint64_t line = 0;
  PlainFormat format = PlainFormat::automatic;
  ZoneReader zone;

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

  void reject(Reason reason) override { reject_at(reason, line); }

  void reject_at(Reason reason, std::uint64_t at) {
    Rejected& slot = rejected[static_cast<std::size_t>(reason)];
    ++report.rejected;
    ++slot.count;
    if (slot.first.size() < kFirstPlaces) slot.first.push_back(file + ":" + std::to_string(at));
  }

  void take(std::string_view word, Said said) override {
    name::LookupName name;
    if (const auto reason = read_word(word, name)) return reject(*reason);
    given[static_cast<std::size_t>(said)].push_back(keep(name.view()));
  }

  /// Names, alone or behind an address.
  void take_words(std::string_view text) {
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
    if (!hosts) return rest.empty() ? take(first, Said::nothing) : reject(Reason::more_words);
    if (rest.empty() || !is_address(first)) return reject(Reason::not_hosts);
    while (!rest.empty()) take(next_word(rest), Said::nothing), rest = trimmed(rest);
  }

  /// A head that only one format has decides for the file; some lines decide for themselves.
  void take_any_line(std::string_view text, std::string_view plain) {
    if (plain.starts_with("[Adblock")) {
      format = PlainFormat::adblock;
    } else if (is_adblock_line(plain)) {
      read_adblock_line(plain, *this);
    } else if (is_dnsmasq_line(plain)) {
      read_dnsmasq_line(plain, *this);
    } else if (plain.starts_with('$') || plain.find("SOA") != plain.npos ||
               plain.find("soa") != plain.npos) {
      if (!is_zone_start(text)) return take_words(text);
      format = PlainFormat::rpz;
      zone.read_line(text, *this);
    } else if (!plain.starts_with(';')) {  // a zone's comment, above what tells that it is one
      take_words(text);
    }
  }

  void take_line(std::string_view text) {
    if (text.size() > kMaxNameLine) return reject(Reason::long_line);
    if (format == PlainFormat::rpz) return zone.read_line(text, *this);
    const std::string_view plain = trimmed(text);
    if (format == PlainFormat::adblock) return read_adblock_line(plain, *this);
    if (format == PlainFormat::dnsmasq) return read_dnsmasq_line(plain, *this);
    if (format == PlainFormat::automatic) return take_any_line(text, plain);
    take_words(text);
  }

  Status read(const std::filesystem::path& path, PlainFormat as) {
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path)) {
      return fail("cannot be read", path.string(), "give the path of a list");
    }
    file = path.string();
    format = as;
    zone = {};
    std::string text;
    std::uint64_t opened = 0;
    for (line = 0; std::getline(in, text);) {
      ++line;
      std::string_view view = text;
      if (line == 1 && view.starts_with("\xEF\xBB\xBF")) view.remove_prefix(3);
      const bool was_open = zone.is_open();
      take_line(view);
      if (!was_open && zone.is_open()) opened = line;
    }
    report.lines += line;
    if (zone.is_open()) reject_at(Reason::zone_open, opened);
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
    for (std::vector<std::string_view>& keys : given) {
      report.duplicates += keys.size();
      sort_unique_keys(keys);
      report.duplicates -= keys.size();
    }
    names = join(given);
    given = {};
    report.duplicates += names.repeated;
    report.accepted = names.keys.size();
    report.read = report.accepted + report.duplicates + report.rejected;
    for (std::size_t i = 0; i < rejected.size(); ++i) {
      if (rejected[i].count == 0) continue;
      const ReasonText& text = text_of(static_cast<Reason>(i));
      rejected[i].reason = text.reason;
      rejected[i].detail = text.detail;
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

std::span<const std::string_view> PlainNames::keys() const { return state_->names.keys; }
generation::Scope PlainNames::scope(std::size_t index, generation::Scope otherwise) const {
  const Joined& names = state_->names;
  if (names.said.empty()) return otherwise;
  const std::uint8_t said = names.said[index];
  const auto bits = static_cast<std::uint8_t>(
      (said & ~kScopeUnsaid) | ((said & kScopeUnsaid) != 0 ? bits_of(otherwise) : 0));
  if (bits == static_cast<std::uint8_t>(Said::exact)) return generation::Scope::exact;
  if (bits == static_cast<std::uint8_t>(Said::subs)) return generation::Scope::subs;
  return generation::Scope::tree;
}
const PlainReport& PlainNames::report() const { return state_->report; }

Result<PlainFormat> parse_plain_format(std::string_view text) {
  if (text == "auto") return PlainFormat::automatic;
  if (text == "domains") return PlainFormat::domains;
  if (text == "hosts") return PlainFormat::hosts;
  if (text == "ut1") return PlainFormat::ut1;
  if (text == "adblock") return PlainFormat::adblock;
  if (text == "dnsmasq") return PlainFormat::dnsmasq;
  if (text == "rpz") return PlainFormat::rpz;
  return fail("no such list format", std::string(text),
              "choose auto, domains, hosts, ut1, adblock, dnsmasq or rpz");
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
