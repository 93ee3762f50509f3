// What a generation would change here, before it runs.
#include "dataplane/trial/trial.h"

#include "dataplane/gateway/gateway.h"

namespace sluice::gateway {

Result<trial::Counts> Gateway::try_out(const std::filesystem::path& file) const {
  if (!running_) return fail("no generation runs, so that nothing has passed by one");
  trial::Trial trial(trial::passed_hash(shared_.secret));
  for (const auto& worker : workers_) {
    worker->passed().visit(trial::PassedNames::kNames / workers_.size(),
                           [&](const trial::PassedName& name) { trial.add(name); });
  }
  // Where it is an overlay of what runs there is next to nothing to read.
  auto candidate = generation::Generation::open(file, running_->shared_generation());
  if (!candidate) return fail(candidate.error());
  const auto blocked = trial::blocked_at_some_time(running_->policy(), running_->groups(),
                                                   running_->timetable(), moment_);
  return trial.ask(**candidate, &running_->generation(), blocked);
}

}  // namespace sluice::gateway
