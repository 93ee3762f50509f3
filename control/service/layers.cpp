// A file of another owner that was good counts until he writes a good one again.
#include "control/service/layers.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "config/files/file.h"
#include "control/service/log.h"
#include "control/service/signed_layers.h"
#include "control/tuf/digest.h"

namespace sluice::service {

void keep_signed_layers(const compile::Release& release, const std::filesystem::path& lists_dir,
                        const std::filesystem::path& copy) {
  const compile::ListFile* const file = layers_file(release);
  std::error_code ignored;
  if (file == nullptr) {
    std::filesystem::remove(copy, ignored);
    return;
  }
  const auto stored = lists_dir / file->stored_name();
  const auto is_right = [&](const Result<std::string>& text) {
    return text && tuf::sha256(*text) == file->sha256;
  };
  const auto first = files::read_bounded(stored, kMaxLayersOctets);
  const auto second = files::read_bounded(copy, kMaxLayersOctets);
  Status status;
  if (is_right(first)) {
    if (!is_right(second)) status = files::write_atomic(copy, *first);
  } else if (is_right(second)) {
    log(Level::warning, "layers", file->path + " was lost or damaged; its copy takes its place");
    status = files::write_atomic(stored, *second);
  }
  if (!status) log(Level::error, "layers", status.error().text());
}

void keep_layers(const schema::Config& config) {
  const auto folder = schema::kept_layer(config, "").parent_path();
  std::error_code code;
  if (config.layer_names.empty() && !std::filesystem::exists(folder, code)) return;
  if (auto status = files::make_folder(folder); !status) {
    return log(Level::error, "layers", status.error().text());
  }
  std::vector<std::filesystem::path> used;
  for (const std::string& name : config.layer_names) {
    used.push_back(schema::kept_layer(config, name));
  }
  for (const schema::Layer& layer : config.layers) {
    const auto file = schema::kept_layer(config, layer.name);
    const auto before = files::read_bounded(file, layer.text.size());
    if (before && *before == layer.text) continue;
    if (auto status = files::write_atomic(file, layer.text, 0640); !status) {
      log(Level::error, "layers", status.error().text());
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (std::find(used.begin(), used.end(), entry.path()) != used.end()) continue;
    std::error_code ignored;
    std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace sluice::service
