// A pipeline, and frames that are sent through it one by one.
#pragma once

#include <gtest/gtest.h>
#include <memory>

#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::pipeline {

using test::Bytes;

class PipelineCase : public ::testing::Test {
 protected:
  void use(const policy::PolicySet& set) {
    auto snapshot = index::Snapshot::build(fuzz::make_generation(), set, {}, 1);
    ASSERT_TRUE(snapshot);
    snapshot_ = std::move(*snapshot);
  }
  Fate run(Bytes frame, bool inside = true) {
    const std::size_t length = frame.size();
    frame.resize(length + 512);
    Packet packet{.data = frame.data(),
                  .length = static_cast<std::uint32_t>(length),
                  .capacity = static_cast<std::uint32_t>(frame.size()),
                  .judge = inside || both_,
                  .answers = !inside || both_};
    pipeline_->process(*snapshot_, {&packet, 1}, now_ms_);
    return packet.fate;
  }

  bool both_ = false;  // frames are of a capture
  std::uint64_t now_ms_ = 1000;
  std::unique_ptr<const index::Snapshot> snapshot_;
  stats::Counters counters_;
  stats::EventRing events_;
  std::unique_ptr<Pipeline> pipeline_ = std::make_unique<Pipeline>(0, 7, counters_, &events_);
};

}  // namespace sluice::pipeline
