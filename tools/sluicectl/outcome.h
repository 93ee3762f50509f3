// What all commands share: how they were asked to print, how they end, and how a fault is told.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"
#include "config/schema/config.h"

namespace sluice::ctl {

/// Exit codes of sluicectl.
enum Exit : int {
  kYes = 0,          // done; the answer is good
  kNo = 1,           // asked, and the answer is no: faults found, a process is down
  kCouldNotAsk = 2,  // wrong usage, or what was to be asked is not there
};

inline constexpr std::string_view kDefaultConfig = "/etc/sluice/sluice.yaml";

struct Context {
  bool json = false;
  std::filesystem::path config_file = kDefaultConfig;
  bool config_given = false;  // on the command line
};

/// Prints an error, as text or as {"ok":false,"error":{…}}, and returns `exit`.
int report(const Context& context, const Error& error, Exit exit = kCouldNotAsk);

/// The configuration, or all its faults as one error.
[[nodiscard]] Result<schema::Config> load_config(const Context& context);
/// The same of one that was read already, as `file`. `given`: it was named on the command line.
[[nodiscard]] Result<schema::Config> config_of(schema::Loaded loaded,
                                               const std::filesystem::path& file, bool given);

void print_json(const nlohmann::ordered_json& document);

/// Left-aligned columns; the first row is the heading. Characters count, not octets.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace sluice::ctl
