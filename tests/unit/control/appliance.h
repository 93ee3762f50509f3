// An appliance's updater on a repository that first published one good release. The pattern of
// every test here: something bad is published, and then the running generation is untouched, the
// reason is told, and the next good release gets through.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/service/updater.h"
#include "tests/unit/control/repository.h"

namespace sluice::test {

using service::Outcome;

class Appliance : public ::testing::Test {
 protected:
  Appliance();
  void SetUp() override;

  /// Pulls what was published and checks that it is refused, for this reason.
  void expect_refused(const std::string& reason, Outcome outcome = Outcome::failed);
  /// Publishes a sound release and checks that it runs.
  void expect_recovery();

  [[nodiscard]] std::string current() const;  // what the link points to
  [[nodiscard]] std::uint64_t entries() const;
  void restart();

  Folder folder_;
  Repository repository_;
  tuf::Time now_;
  schema::Config config_;
  std::atomic<bool> stop_{false};
  std::vector<std::uint64_t> activated_;
  std::unique_ptr<service::Updater> updater_;
};

}  // namespace sluice::test
