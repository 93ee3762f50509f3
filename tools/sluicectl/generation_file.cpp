// Which generation a command reads.
#include <algorithm>
#include <charconv>
#include <system_error>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

/// The NUMBER.lmdb of the greatest number, or nothing.
std::filesystem::path newest_in(const std::filesystem::path& folder) {
  std::filesystem::path newest;
  std::uint64_t greatest = 0;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string stem = entry.path().stem().string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
    const bool named = error == std::errc{} && end == stem.data() + stem.size() &&
                       entry.path().extension() == ".lmdb";
    if (named && number >= greatest) {
      greatest = number;
      newest = entry.path();
    }
  }
  return newest;
}

Result<std::filesystem::path> folder_of(const Context& context,
                                        const Result<schema::Config>& config) {
  std::error_code code;
  if (context.config_given || std::filesystem::exists(context.config_file, code)) {
    if (!config) return fail(config.error());
    return config->generations_dir();
  }
  return schema::Config().generations_dir();
}

}  // namespace

Result<std::filesystem::path> kept_generation_file(const Context& context,
                                                   const std::string& given) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
  if (error != std::errc{} || end != given.data() + given.size()) return given;
  auto folder = folder_of(context, load_config(context));
  if (!folder) return fail(folder.error());
  std::string name = std::to_string(number);
  name.insert(0, 10 - std::min<std::size_t>(10, name.size()), '0');
  return *folder / (name + ".lmdb");
}

Result<std::filesystem::path> generation_file(const Context& context,
                                              const std::filesystem::path& given) {
  if (!given.empty()) return given;
  return generation_file(context, given, load_config(context));
}

Result<std::filesystem::path> generation_file(const Context& context,
                                              const std::filesystem::path& given,
                                              const Result<schema::Config>& config) {
  if (!given.empty()) return given;
  const auto folder = folder_of(context, config);
  if (!folder) return fail(folder.error());
  std::error_code code;
  const std::filesystem::path current = *folder / "current";
  if (std::filesystem::exists(current, code)) return current;
  const std::filesystem::path newest = newest_in(*folder);
  if (newest.empty()) {
    return fail("there is no running list", current.string(),
                "give a file with --generation FILE, or another --config FILE");
  }
  return newest;
}

}  // namespace sluice::ctl
