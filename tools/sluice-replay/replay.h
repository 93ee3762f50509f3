// Runs the real pipeline over captures, without ports, huge pages or control.
#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "config/base/result.h"
#include "dataplane/index/snapshot.h"
#include "dataplane/neighbour/book.h"
#include "dataplane/pipeline/pipeline.h"
#include "tools/sluice-replay/capture.h"
#include "tools/sluice-replay/checksums.h"

namespace sluice::replay {

class Replay {
 public:
  Replay(const index::Snapshot& snapshot, const Checksums& checksums, std::ostream& out)
      : snapshot_(snapshot),
        checksums_(checksums),
        out_(out),
        pipeline_(0, 0, counters_, nullptr) {}

  /// Judges one capture; a JSON object a line for every name found. `writer` may be null.
  [[nodiscard]] Status run(Reader& reader, const std::filesystem::path& file, Writer* writer);

  [[nodiscard]] const stats::Counters& counters() const { return counters_; }

 private:
  std::uint64_t time_ms(std::span<const Captured> burst);
  void judge(std::span<Captured> burst, const std::string& file, Writer* writer);
  void follow_devices();
  void print(const Captured& packet, std::size_t finding, const std::string& file);

  const index::Snapshot& snapshot_;
  const Checksums& checksums_;
  std::ostream& out_;
  std::uint64_t now_ms_ = 0;
  stats::Counters counters_;
  pipeline::Pipeline pipeline_;
  neighbour::Book neighbours_;
};

}  // namespace sluice::replay
