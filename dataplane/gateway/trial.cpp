// What a generation would change here, before it runs.
#include "dataplane/trial/trial.h"

#include "dataplane/gateway/gateway.h"

namespace sluice::gateway {

Result<trial::Attempt> Gateway::prepare_trial(const std::filesystem::path& file) const {
  if (!running_) return fail("no generation runs, so that nothing has passed by one");
  trial::Trial trial(trial::passed_hash(shared_.secret));
  for (const auto& worker : workers_) {
    worker->passed().visit(trial::PassedNames::kNames / workers_.size(),
                           [&](const trial::PassedName& name) { trial.add(name); });
  }
  const auto blocked = trial::blocked_at_some_time(running_->policy(), running_->groups(),
                                                   running_->timetable(), moment_);
  return trial::Attempt(file, std::move(trial), running_->shared_generation(), blocked);
}

}  // namespace sluice::gateway
