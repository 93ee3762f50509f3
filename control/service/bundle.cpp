// A repository that was carried here as one file, for sites that no mirror reaches.
#include "config/files/tar.h"
#include "control/service/updater.h"

namespace sluice::service {
namespace {

/// What a repository consists of.
bool is_of_repository(const std::string& path) {
  return path.starts_with("metadata/") || path.starts_with("targets/") || path.starts_with("log/");
}

}  // namespace

Outcome Updater::pull_bundle(const std::filesystem::path& file, std::optional<Error>& error) {
  const auto failed = [&](const Error& reason) {
    error = reason;
    return Outcome::failed;
  };
  if (!config_.authority) {
    return failed({"no authority is configured, whose signatures could be checked", file.string(),
                   "set authority.root"});
  }
  const std::filesystem::path folder = bundle_dir();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (auto status = files::make_folder(folder); !status) return failed(status.error());
  auto status = files::unpack_tar(file, folder, {}, is_of_repository);
  if (!status) return failed(status.error());
  auto fetcher = sync::Fetcher::create(
      {.base_urls = {"file://" + folder.string() + "/"}, .http = {.stop = &stop_}});
  if (!fetcher) return failed(fetcher.error());
  return pull_from(*fetcher, false, error);
}

Outcome Updater::import_bundle(const std::filesystem::path& file) {
  std::optional<Error> error;
  const Outcome outcome = pull_bundle(file, error);
  std::error_code ignored;
  std::filesystem::remove_all(bundle_dir(), ignored);
  return tell_outcome(outcome, error);
}

}  // namespace sluice::service
