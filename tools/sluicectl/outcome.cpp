#include "tools/sluicectl/outcome.h"

#include <algorithm>
#include <iostream>

#include "config/base/json.h"

namespace sluice::ctl {
namespace {

/// Columns that a text takes on a terminal: Chinese characters take two.
std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet & 0xc0U) == 0x80U) continue;
    columns += octet >= 0xe3 ? 2 : 1;
  }
  return columns;
}

}  // namespace

int report(const Context& context, const Error& error, Exit exit) {
  if (context.json) {
    print_json(
        {{"ok", false},
         {"error", {{"what", error.what}, {"where", error.where}, {"advice", error.advice}}}});
  } else {
    std::cerr << "sluicectl: " << error.text() << "\n";
  }
  return exit;
}

Result<schema::Config> load_config(const Context& context) {
  // A missing certificate is control's concern, not that of who asks for its status.
  return config_of(schema::load(context.config_file, schema::References::unchecked),
                   context.config_file, context.config_given);
}

Result<schema::Config> config_of(schema::Loaded loaded, const std::filesystem::path& file,
                                 bool given) {
  if (loaded.config) return std::move(*loaded.config);
  if (loaded.faults.size() == 1 && loaded.faults[0].line == 0) {
    return fail(loaded.faults[0].what, loaded.faults[0].file,
                given ? loaded.faults[0].advice : "give another with --config FILE");
  }
  return fail("the configuration has " + std::to_string(loaded.faults.size()) +
                  " faults, the first: " + loaded.faults[0].text(),
              {}, "see all: sluicectl config check " + file.string());
}

void print_json(const nlohmann::ordered_json& document) {
  std::cout << lenient_json_text(document, 2) << "\n";
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace sluice::ctl
