#include "control/service/signed_layers.h"

#include <system_error>

#include "config/files/file.h"
#include "control/compile/rules.h"
#include "control/service/release_file.h"
#include "control/tuf/digest.h"

namespace sluice::service {
namespace {

constexpr const char* kFetchedAgain =
    "the next pull fetches it again, or import a bundle; until then what runs stays as it is";

}  // namespace

const compile::ListFile* layers_file(const compile::Release& release) {
  for (const compile::ListFile& file : release.policy) {
    if (file.path == compile::kLayersFile) return &file;
  }
  return nullptr;
}

Result<schema::Config> with_signed_layers(const schema::Config& config,
                                          const compile::Release& release,
                                          const std::filesystem::path& lists_dir) {
  schema::Config with = config;
  const compile::ListFile* const file = layers_file(release);
  if (file == nullptr) return with;
  const auto stored = lists_dir / file->stored_name();
  const auto text = files::read_bounded(stored, kMaxLayersOctets);
  if (!text) return fail(text.error().what, text.error().where, kFetchedAgain);
  if (tuf::sha256(*text) != file->sha256) {
    return fail("is damaged, it is not the " + file->path + " that was signed", stored.string(),
                kFetchedAgain);
  }
  const auto faults = schema::add_signed_layers(*text, file->path, with);
  if (!faults.empty()) {
    return fail(faults[0].text(), {}, "the release is refused; tell the authority");
  }
  return with;
}

Result<std::optional<compile::Release>> kept_release(const std::filesystem::path& lists_dir) {
  const auto path = lists_dir / kReleaseFile;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return std::optional<compile::Release>();
  const auto bytes = files::read_bounded(path, kMaxReleaseOctets);
  if (!bytes) return fail(bytes.error());
  auto release = compile::release_from_json(*bytes, path.string());
  if (!release) return fail(release.error());
  return std::optional(std::move(*release));
}

Result<schema::Config> with_kept_layers(const schema::Config& config) {
  const auto lists_dir = config.state_dir / "lists";
  const auto release = kept_release(lists_dir);
  if (!release) return fail(release.error());
  if (!*release) return config;
  return with_signed_layers(config, **release, lists_dir);
}

}  // namespace sluice::service
