#include "tools/sluicectl/calendar_lines.h"

#include <algorithm>
#include <array>

namespace sluice::ctl {
namespace {

constexpr std::size_t kMaxDepth = 16;

constexpr std::array<std::string_view, 11> kOfEvents{
    "UID",    "DTSTART", "DTEND",         "DURATION", "RRULE",  "RDATE",
    "EXRULE", "EXDATE",  "RECURRENCE-ID", "STATUS",   "SUMMARY"};
constexpr std::array<std::string_view, 6> kOfZones{"TZID",  "DTSTART",      "RRULE",
                                                   "RDATE", "TZOFFSETFROM", "TZOFFSETTO"};

char capital(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string capitals(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), &capital);
  return out;
}

template <class Names>
bool among(const Names& names, std::string_view word) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

/// Lines that begin with a space or tab go on with the one before.
std::vector<CalendarLine> unfolded(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<CalendarLine> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!out.empty() && (line.starts_with(' ') || line.starts_with('\t'))) {
      out.back().text += line.substr(1);
    } else if (!line.empty()) {
      out.push_back({number, std::string(line)});
    }
  }
  return out;
}

/// Goes through the components, and keeps what counts.
class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Status take(CalendarLine&& line) {
    const std::string property = property_of(line.text);
    if (property == "BEGIN" || property == "END") {
      std::string component = capitals(line.text.substr(property.size() + 1));
      component.erase(component.find_last_not_of(" \t") + 1);
      return property == "BEGIN" ? begin(std::move(component), line) : end(component, line);
    }
    if (property.empty()) {
      // The rest of a text that its writer has not folded, or of something that counts.
      if (!kept_last_) return {};
      return refuse(line, "is no iCalendar: no property such as DTSTART: begins the line");
    }
    kept_last_ = !line.text.ends_with(':') && counts(property);
    if (kept_last_) out_.push_back(std::move(line));
    return {};
  }

  Result<std::vector<CalendarLine>> finish() {
    if (!any_calendar_) {
      return fail("no calendar", file_,
                  "an iCalendar file is one from BEGIN:VCALENDAR to END:VCALENDAR (RFC 5545)");
    }
    if (!within_.empty()) {
      return fail("BEGIN:" + within_.back().name + " has no END; the file is cut short",
                  place_of(file_, within_.back().line), "export or download it again");
    }
    out_.insert(out_.begin(), {1, "BEGIN:VCALENDAR"});
    out_.push_back({0, "END:VCALENDAR"});
    return std::move(out_);
  }

 private:
  struct Component {
    std::string name;
    std::size_t line = 0;
    bool kept = false;
  };

  Status begin(std::string component, const CalendarLine& line) {
    if (within_.size() == kMaxDepth) {
      return refuse(line, "is within more than " + std::to_string(kMaxDepth) + " others");
    }
    const std::string_view outer = within_.empty() ? std::string_view() : within_.back().name;
    const bool whole = within_.empty() && component == "VCALENDAR";
    any_calendar_ = any_calendar_ || whole;
    const bool kept =
        (outer == "VCALENDAR" && (component == "VEVENT" || component == "VTIMEZONE")) ||
        (outer == "VTIMEZONE" && within_.back().kept &&
         (component == "STANDARD" || component == "DAYLIGHT"));
    if (kept) out_.push_back({line.number, "BEGIN:" + component});
    kept_last_ = false;
    within_.push_back({std::move(component), line.number, kept});
    return {};
  }

  Status end(const std::string& component, const CalendarLine& line) {
    if (within_.empty() || within_.back().name != component) {
      return refuse(
          line, "ends what did not begin" +
                    (within_.empty() ? std::string()
                                     : ": BEGIN:" + within_.back().name + " of line " +
                                           std::to_string(within_.back().line) + " comes first"));
    }
    if (within_.back().kept) out_.push_back({line.number, "END:" + component});
    kept_last_ = false;
    within_.pop_back();
    return {};
  }

  [[nodiscard]] bool counts(const std::string& property) const {
    if (within_.empty() || !within_.back().kept) return false;
    return within_.back().name == "VEVENT" ? among(kOfEvents, property) : among(kOfZones, property);
  }

  [[nodiscard]] Status refuse(const CalendarLine& line, std::string what) const {
    constexpr std::size_t kShown = 40;
    std::string shown = line.text.substr(0, kShown);
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return fail("'" + shown + "' " + what, place_of(file_, line.number),
                "export it again; nothing was taken");
  }

  const std::string& file_;
  std::vector<CalendarLine> out_;
  std::vector<Component> within_;
  bool any_calendar_ = false;
  bool kept_last_ = false;  // the property before
};

}  // namespace

std::string property_of(std::string_view line) {
  const auto is_of_name = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  const auto end = std::find_if_not(line.begin(), line.end(), is_of_name);
  if (end == line.end() || (*end != ':' && *end != ';')) return {};
  return capitals(line.substr(0, static_cast<std::size_t>(end - line.begin())));
}

std::string place_of(const std::string& file, std::size_t line) {
  return file + ":" + std::to_string(line) + ":1";
}

Result<std::vector<CalendarLine>> calendar_lines(std::string_view text, const std::string& file) {
  Reader reader(file);
  for (CalendarLine& line : unfolded(text)) {
    if (auto status = reader.take(std::move(line)); !status) return fail(status.error());
  }
  return reader.finish();
}

}  // namespace sluice::ctl
