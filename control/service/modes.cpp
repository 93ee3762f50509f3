#include "control/service/modes.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/files/file.h"
#include "config/policy/modes_json.h"

namespace sluice::service {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxModesOctets = 16 << 20;

}  // namespace

Modes::Modes(std::filesystem::path file, tuf::Clock clock)
    : file_(std::move(file)), clock_(std::move(clock)) {}

Status Modes::recover() {
  const std::lock_guard lock(mutex_);
  if (!files::is_there(file_)) return {};
  const auto lost = [&](const std::string& why) -> Status {
    fault_ = file_.string() + ": " + why +
             "; the modes that persons switched are forgotten: set them again";
    return fail(fault_);
  };
  auto bytes = files::read_bounded(file_, kMaxModesOctets);
  if (!bytes) return lost(bytes.error().text());
  const json parsed = parse_json(*bytes);
  if (!parsed.is_object() || !parsed.contains("modes") || !parsed["modes"].is_array()) {
    return lost("holds no modes");
  }
  std::vector<policy::Mode> modes;
  for (const json& one : parsed["modes"]) {
    auto mode = policy::mode_from_json(one);
    if (!mode) return lost(mode.error().text());
    modes.push_back(std::move(*mode));
  }
  modes_ = std::move(modes);
  return {};
}

std::vector<policy::Mode> Modes::standing() const {
  const std::int64_t now = clock_().time_since_epoch().count();
  std::vector<policy::Mode> out;
  for (const policy::Mode& one : modes_) {
    if (one.until == 0 || one.until > now) out.push_back(one);
  }
  return out;
}

Status Modes::save(std::vector<policy::Mode> modes) {
  json out = {{"modes", json::array()}};
  for (const policy::Mode& one : modes) out["modes"].push_back(policy::to_json(one));
  const std::string text = json_text(out, 1) + "\n";
  if (text.size() > kMaxModesOctets) {
    return fail("the modes are more than " + std::to_string(kMaxModesOctets >> 20) + " MiB",
                file_.string(), "end some, or give shorter reasons");
  }
  if (auto status = files::write_atomic(file_, text, 0600); !status) return status;
  modes_ = std::move(modes);
  fault_.clear();
  return {};
}

Status Modes::set(const policy::Mode& mode) {
  const std::lock_guard lock(mutex_);
  std::vector<policy::Mode> next = standing();
  const std::string subject = policy::subject(mode);
  std::erase_if(next, [&](const policy::Mode& one) { return policy::subject(one) == subject; });
  if (next.size() >= kMaxModes) {
    return fail(std::to_string(kMaxModes) + " modes are switched, which are the most", {},
                "end some: sluicectl mode list");
  }
  next.push_back(mode);
  return save(std::move(next));
}

Result<policy::Mode> Modes::end(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  std::vector<policy::Mode> next = standing();
  const auto found = std::find_if(next.begin(), next.end(), [&](const policy::Mode& one) {
    return policy::subject(one) == subject;
  });
  if (found == next.end()) return fail("has no mode", subject, "see sluicectl mode list");
  policy::Mode ended = *found;
  next.erase(found);
  if (auto status = save(std::move(next)); !status) return fail(status.error());
  return ended;
}

std::vector<policy::Mode> Modes::all() const {
  const std::lock_guard lock(mutex_);
  return standing();
}

std::string Modes::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

}  // namespace sluice::service
