// `sluicectl calendar import`: an iCalendar file's days as the configuration's `calendar` takes
// them.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <string>

#include "tools/sluicectl/site_cli.h"

namespace sluice::ctl {

struct CalendarImport {
  std::filesystem::path file;
  std::string as;      // public_holidays, make_up_days, or a name of dates
  std::string match;   // only events whose summary has it; empty: all
  std::string except;  // none whose summary has it; empty: all
  std::string from;    // a day; empty: today
  std::string until;   // a day, included; empty: 14 months on
};

int import_calendar(const Context& context, const CalendarImport& options);
void add_calendar(CLI::App& app, CalendarImport& options, Command& chosen);

}  // namespace sluice::ctl
