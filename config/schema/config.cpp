#include "config/schema/config.h"

#include "config/schema/bind.h"
#include "config/schema/check.h"
#include "config/schema/document.h"

namespace sluice::schema {

std::string Fault::text() const {
  std::string out = file + ": ";
  if (line != 0) {
    out = file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
  }
  if (!path.empty()) out += path + ": ";
  out += what;
  if (!advice.empty()) out += "; " + advice;
  return out;
}

Source read_source(const std::filesystem::path& file, References references) {
  Faults faults(file.string());
  Source source{.file = file, .text = {}, .root = {}, .loaded = {}};
  Loaded& loaded = source.loaded;
  Config config;
  if (auto text = read_file(file, faults)) {
    source.text = std::move(*text);
    source.root = parse_document(source.text, faults);
    if (auto& root = source.root) {
      check(*root, root_shape(), "", faults);
      bind_ports(*root, config, faults);
      bind_times(*root, config, faults);
      bind_curated(*root, config, faults);
      bind_budgets(*root, config, faults);
      bind_policies(*root, config, faults);
      bind_engines(*root, config, faults);
      bind_modes(*root, config, faults);
      bind_groups(*root, config, faults);
      bind_settings(*root, config, faults);
      bind_downloads(*root, config, references, faults);
      loaded.layer_faults = bind_layers(*root, config, faults);
    }
  }
  loaded.faults = faults.take();
  if (loaded.faults.empty()) loaded.config = std::move(config);
  return source;
}

Loaded load(const std::filesystem::path& file, References references) {
  return read_source(file, references).loaded;
}

}  // namespace sluice::schema
