#include <ctime>
#include <iostream>

#include "config/schema/document.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {

namespace {

nlohmann::ordered_json json_of(const std::vector<schema::Fault>& faults) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const schema::Fault& fault : faults) {
    out.push_back({{"file", fault.file},
                   {"line", fault.line},
                   {"column", fault.column},
                   {"path", fault.path},
                   {"what", fault.what},
                   {"advice", fault.advice}});
  }
  return out;
}

}  // namespace

std::size_t print_doubts(const schema::Source& source) {
  const auto doubts = schema::doubts(source, std::time(nullptr));
  for (schema::Fault doubt : doubts) {
    doubt.path = "note: " + doubt.path;
    std::cout << doubt.text() << "\n";
  }
  return doubts.size();
}

int check_config(const Context& context, const std::filesystem::path& file) {
  schema::Source source = schema::read_source(file);
  schema::Loaded& loaded = source.loaded;
  loaded.faults.insert(loaded.faults.end(), loaded.layer_faults.begin(), loaded.layer_faults.end());
  if (context.json) {
    print_json({{"ok", loaded.faults.empty()},
                {"faults", json_of(loaded.faults)},
                {"notes", json_of(schema::doubts(source, std::time(nullptr)))}});
  } else {
    for (const schema::Fault& fault : loaded.faults) std::cout << fault.text() << "\n";
    const std::size_t notes = print_doubts(source);
    if (loaded.faults.empty()) {
      std::cout << file.string() << ": no faults";
      if (notes != 0) std::cout << ", " << notes << (notes == 1 ? " note" : " notes");
      std::cout << "\n";
    }
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
