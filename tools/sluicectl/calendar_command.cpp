#include "tools/sluicectl/calendar_command.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>

#include "config/files/file.h"
#include "tools/sluicectl/calendar_file.h"

namespace sluice::ctl {
namespace {

using std::chrono::days;

constexpr std::size_t kMaxOctets = 16 << 20;
constexpr std::size_t kMaxRanges = 1000;  // more is no calendar of holidays

/// The configured zone, or the system's where there is no configuration.
Result<std::string> zone_of(const Context& context) {
  std::error_code ignored;
  if (!context.config_given && !std::filesystem::exists(context.config_file, ignored)) return "";
  auto config = load_config(context);
  if (!config) return fail(config.error());
  return config->times.calendar.time_zone;
}

Result<calendar::Days> range_of(const CalendarImport& options) {
  const auto today = std::chrono::floor<days>(std::chrono::system_clock::now());
  calendar::Days range{today, today + days(425)};
  const auto read = [](const std::string& text, calendar::Day& into) -> Status {
    if (text.empty()) return {};
    auto one = calendar::parse_days(text);
    if (!one) return fail(one.error().what, text, one.error().advice);
    into = one->first;
    return {};
  };
  if (auto status = read(options.from, range.first); !status) return fail(status.error());
  if (!options.from.empty()) range.last = range.first + days(425);
  if (auto status = read(options.until, range.last); !status) return fail(status.error());
  if (range.last < range.first) {
    return fail("--until is before --from", options.until, "exchange them");
  }
  return range;
}

void keep_wanted(const CalendarImport& options, std::vector<CalendarEvent>& events) {
  std::erase_if(events, [&](const CalendarEvent& event) {
    const auto has = [&](const std::string& part) {
      return event.summary.find(part) != std::string::npos;
    };
    return !has(options.match) || (!options.except.empty() && has(options.except));
  });
}

Result<CalendarFile> read(const Context& context, const CalendarImport& options) {
  auto text = files::read_bounded(options.file, kMaxOctets);
  if (!text) return fail(text.error());
  const auto zone = zone_of(context);
  if (!zone) return fail(zone.error());
  const auto range = range_of(options);
  if (!range) return fail(range.error());
  auto calendar = read_calendar(*text, options.file.string(), *range, *zone);
  if (!calendar) return fail(calendar.error());
  keep_wanted(options, calendar->events);
  if (calendar->events.empty()) {
    return fail("no event of the file is among " + sluice::ctl::text(*range), options.file.string(),
                "see --from, --until and --match");
  }
  return calendar;
}

/// Behind '#', so that a person sees what the days are. A summary is anybody's text: nothing of it
/// goes to a terminal as a command, or ends the line (U+0080 to U+009F, U+2028, U+2029).
std::string comment_of(std::string summary) {
  std::erase_if(summary, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  std::string out;
  for (std::size_t i = 0; i < summary.size(); ++i) {
    const std::string_view rest = std::string_view(summary).substr(i);
    if (rest.size() >= 2 && rest[0] == '\xc2' && static_cast<unsigned char>(rest[1]) < 0xa0) {
      ++i;
    } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
      i += 2;
    } else {
      out += rest[0];
    }
  }
  return out;
}

void print_yaml(const CalendarImport& options, const CalendarFile& calendar,
                const std::vector<calendar::Days>& ranges) {
  for (const CalendarEvent& event : calendar.events) {
    std::cout << "# " << text(event.days) << "  " << comment_of(event.summary) << "\n";
  }
  if (calendar.cancelled > 0) {
    std::cout << "# cancelled ones, left out: " << calendar.cancelled << "\n";
  }
  if (calendar.changed > 0) {
    std::cout << "# moved single ones: " << calendar.changed << "\n";
  }
  for (const std::string& zone : calendar.unknown_zones) {
    std::cout << "# nobody knows the time zone '" << comment_of(zone)
              << "': its times are taken for the calendar's own\n";
  }
  const bool plain = options.as == "public_holidays" || options.as == "make_up_days";
  std::cout << "calendar:\n" << (plain ? "" : "  dates:\n");
  std::cout << (plain ? "  " : "    ") << options.as << ":\n";
  for (const calendar::Days& one : ranges) {
    // A day alone would be a date and no text to some programs that read YAML.
    const char* const quote = one.first == one.last ? "\"" : "";
    std::cout << (plain ? "    - " : "      - ") << quote << text(one) << quote << "\n";
  }
}

}  // namespace

int import_calendar(const Context& context, const CalendarImport& options) {
  auto calendar = read(context, options);
  if (!calendar) return report(context, calendar.error());
  const std::vector<calendar::Days> ranges = joined(calendar->events);
  if (ranges.size() > kMaxRanges) {
    return report(context, {std::to_string(ranges.size()) + " ranges of days",
                            options.file.string(), "choose events by --match"});
  }
  if (!context.json) {
    print_yaml(options, *calendar, ranges);
    return kYes;
  }
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
  for (const CalendarEvent& event : calendar->events) {
    events.push_back({{"days", text(event.days)}, {"summary", event.summary}});
  }
  nlohmann::ordered_json days = nlohmann::ordered_json::array();
  for (const calendar::Days& one : ranges) days.push_back(text(one));
  print_json({{"as", options.as},
              {"days", std::move(days)},
              {"events", std::move(events)},
              {"cancelled", calendar->cancelled},
              {"moved", calendar->changed},
              {"unknown_zones", calendar->unknown_zones}});
  return kYes;
}

void add_calendar(CLI::App& app, CalendarImport& options, Command& chosen) {
  CLI::App* calendar =
      app.add_subcommand("calendar", "Holidays, terms and exams")->require_subcommand(1);
  CLI::App* command = calendar->add_subcommand(
      "import", "Print the days of an iCalendar file as the configuration takes them");
  command->add_option("file", options.file, "As schools and states publish it: holidays.ics")
      ->required();
  command
      ->add_option("--as", options.as,
                   "public_holidays, make_up_days, or the name of days under calendar.dates")
      ->required()
      ->check([](const std::string& word) {
        const auto is_good = [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        };
        const bool good = !word.empty() && std::all_of(word.begin(), word.end(), is_good);
        return good ? "" : "a name has letters a to z, digits, '-' and '_'";
      });
  command->add_option("--match", options.match, "Only events whose title has this in it");
  command->add_option("--except", options.except, "None whose title has this in it");
  command->add_option("--from", options.from, "First day; today, if left out");
  command->add_option("--until", options.until, "Last day; 14 months on, if left out");
  command->footer("Put what it prints into the configuration, then: sluicectl config apply.");
  command->callback(
      [&] { chosen = [&](const Context& context) { return import_calendar(context, options); }; });
}

}  // namespace sluice::ctl
