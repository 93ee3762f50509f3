#include "tools/sluice-authority/workspace.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/files/file.h"
#include "config/policy/taxonomy.h"
#include "control/compile/release.h"
#include "control/tuf/json.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxSettings = 65'536;
constexpr const char* kSettings = "authority.json";

}  // namespace

std::chrono::hours Workspace::list_expiry(std::string_view department) const {
  return department == compile::kEmergency ? expiry.emergency : expiry.lists;
}

Result<Workspace> open_workspace(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kSettings;
  if (!std::filesystem::exists(path)) {
    return fail("is no authority's folder: it has no authority.json", folder.string(),
                "make one with sluice-authority init, and name it with --dir");
  }
  auto bytes = files::read_bounded(path, kMaxSettings);
  if (!bytes) return fail(bytes.error());
  auto json = tuf::parse_strict(*bytes, path.string());
  if (!json) return fail(json.error());
  tuf::FieldReader fields(*json, path.string());
  tuf::FieldReader hours(fields.object("expiry_hours"), path.string() + ": expiry_hours");
  const auto read = [&](const char* key) {
    return std::chrono::hours(
        static_cast<std::int64_t>(std::min<std::uint64_t>(hours.number(key), 100ULL * 366 * 24)));
  };
  Workspace workspace;
  workspace.folder = folder;
  workspace.expiry = {read("root"),      read("targets"),  read("lists"),
                      read("emergency"), read("snapshot"), read("timestamp")};
  if (!fields.good()) return fields.failure();
  if (!hours.good()) return hours.failure();
  return workspace;
}

Status save_settings(const Workspace& workspace) {
  const Expiry& expiry = workspace.expiry;
  const tuf::Json json = {{"expiry_hours",
                           {{"root", expiry.root.count()},
                            {"targets", expiry.targets.count()},
                            {"lists", expiry.lists.count()},
                            {"emergency", expiry.emergency.count()},
                            {"snapshot", expiry.snapshot.count()},
                            {"timestamp", expiry.timestamp.count()}}}};
  return files::write_atomic(workspace.folder / kSettings, json_text(json, 1) + "\n");
}

std::vector<std::string> departments() {
  std::vector<std::string> out{std::string(compile::kEmergency)};
  for (const policy::Category& category : policy::taxonomy()) {
    if (category.department != "site") out.emplace_back(category.department);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string role_of(std::string_view department) { return "list-" + std::string(department); }

}  // namespace sluice::authority
