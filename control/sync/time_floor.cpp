#include "control/sync/time_floor.h"

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/tuf/json.h"

namespace sluice::sync {
namespace {

constexpr std::uint64_t kMaxFloorFile = 4096;
constexpr std::chrono::hours kPlausible{24};

}  // namespace

TimeFloor::TimeFloor(std::filesystem::path file, tuf::Time built, tuf::Clock system)
    : file_(std::move(file)), built_(built), system_(std::move(system)), floor_(built) {
  // What cannot be read is known again with the next timestamp.
  const auto bytes = files::read_bounded(file_, kMaxFloorFile);
  if (!bytes) return;
  const auto parsed = tuf::parse_strict(*bytes, file_.string());
  if (!parsed) return;
  tuf::FieldReader fields(*parsed, file_.string());
  const auto time = tuf::parse_time(fields.text("time"));
  if (!time || *time <= floor_) return;
  floor_ = *time;
  source_ = fields.text_or("source", "");
}

tuf::Time TimeFloor::least() const {
  return floor_ + std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - since_);
}

tuf::Time TimeFloor::now() const {
  const tuf::Time system = system_();
  const std::lock_guard lock(mutex_);
  // Behind the floor itself, not behind what has passed since: clocks may run slower than others.
  return system < floor_ ? std::max(floor_, least()) : system;
}

Status TimeFloor::raise(tuf::Time time, const std::string& source) {
  const tuf::Time system = system_();
  const std::lock_guard lock(mutex_);
  doubted_.reset();
  if (time <= floor_) return {};
  if (system >= built_ && time > std::max(system, floor_) + kPlausible) {
    doubted_ = time;
    return {};
  }
  const tuf::Json json = {{"time", tuf::to_text(time)}, {"source", source}};
  if (auto status = files::write_atomic(file_, json_text(json)); !status) return status;
  floor_ = time;
  source_ = source;
  since_ = Steady::now();
  return {};
}

TimeFloor::State TimeFloor::state() const {
  State state{.system = system_()};
  const std::lock_guard lock(mutex_);
  state.floor = floor_;
  state.source = source_;
  state.doubted = doubted_;
  if (state.system < floor_) state.behind = least() - state.system;
  return state;
}

}  // namespace sluice::sync
