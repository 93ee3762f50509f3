#include <iostream>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {

int check_config(const Context& context, const std::filesystem::path& file) {
  schema::Loaded loaded = schema::load(file);
  loaded.faults.insert(loaded.faults.end(), loaded.layer_faults.begin(), loaded.layer_faults.end());
  if (context.json) {
    nlohmann::ordered_json faults = nlohmann::ordered_json::array();
    for (const schema::Fault& fault : loaded.faults) {
      faults.push_back({{"file", fault.file},
                        {"line", fault.line},
                        {"column", fault.column},
                        {"path", fault.path},
                        {"what", fault.what},
                        {"advice", fault.advice}});
    }
    print_json({{"ok", loaded.faults.empty()}, {"faults", std::move(faults)}});
  } else {
    for (const schema::Fault& fault : loaded.faults) std::cout << fault.text() << "\n";
    if (loaded.faults.empty()) std::cout << file.string() << ": no faults\n";
  }
  if (loaded.faults.empty()) return kYes;
  const bool unreadable = loaded.faults.size() == 1 && loaded.faults[0].line == 0;
  return unreadable ? kCouldNotAsk : kNo;
}

int print_schema() {
  std::cout << schema::json_schema();
  return kYes;
}

}  // namespace sluice::ctl
