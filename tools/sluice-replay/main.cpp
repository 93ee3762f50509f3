// sluice-replay: what the gateway would have done with a capture.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/generation/writer.h"
#include "control/compile/plain_list.h"
#include "tools/sluice-replay/replay.h"

namespace {

using namespace sluice;
namespace fs = std::filesystem;

struct Options {
  std::string generation;
  std::string list;
  std::string category = "gambling";
  std::string write;
  std::vector<std::string> captures;
  bool counters = false;
  replay::Checksums::Mode checksums = replay::Checksums::Mode::automatic;
};

/// A file of ours that is gone when we are.
class TemporaryFile {
 public:
  TemporaryFile()
      : path_(fs::temp_directory_path() / ("sluice-replay-" + std::to_string(getpid()) + ".lmdb")) {
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Without a policy of its own, a generation is judged as if everything listed were blocked.
policy::PolicySet block_everything() {
  policy::PolicySet set;
  set.policies.push_back({"everything", ~policy::CategoryMask{0}, 0});
  set.default_policy = "everything";
  return set;
}

Result<std::shared_ptr<const generation::Generation>> open_generation(const Options& options) {
  if (!options.generation.empty()) return generation::Generation::open(options.generation);
  const TemporaryFile file;  // an open generation does not need its file any more
  if (!options.list.empty()) {
    const std::vector<fs::path> files = {options.list};
    auto compiled = compile::compile_plain_lists(files, options.category, file.path());
    if (!compiled) return fail(compiled.error());
    if (compiled->report.rejected > 0) {
      std::cerr << "sluice-replay: " << options.list << ": " << compiled->report.rejected
                << " lines are no names and were left out\n";
    }
  } else {
    auto writer = generation::Writer::create(file.path());
    if (!writer) return fail(writer.error());
    auto summary = writer->finish(0, "1970-01-01T00:00:00Z");
    if (!summary) return fail(summary.error());
  }
  return generation::Generation::open(file.path());
}

Status run(const Options& options) {
  auto generation = open_generation(options);
  if (!generation) return fail(generation.error());
  auto snapshot = index::Snapshot::build(*generation, block_everything(), {}, 1);
  if (!snapshot) return fail(snapshot.error());

  replay::Checksums checksums(options.checksums);
  auto replay = std::make_unique<replay::Replay>(**snapshot, checksums, std::cout);
  std::optional<replay::Writer> writer;
  int link_type = 0;
  Status outcome;
  for (const std::string& capture : options.captures) {
    checksums.learn(capture);
    auto reader = replay::Reader::open(capture);
    if (!reader) {
      outcome = fail(reader.error());
      break;
    }
    if (!options.write.empty() && !writer) {
      auto created = replay::Writer::create(options.write, reader->link_type());
      if (!created) return fail(created.error());
      link_type = reader->link_type();
      writer = std::move(*created);
    }
    if (writer && reader->link_type() != link_type) {
      return fail("its link type differs from the first capture's, and one file has one link type",
                  capture, "replay it with a --write of its own");
    }
    if (outcome = replay->run(*reader, capture, writer ? &*writer : nullptr); !outcome) break;
  }
  if (writer) {
    if (auto closed = writer->close(); !closed) return closed;
  }
  if (options.counters) {
    for (std::size_t i = 0; i < stats::kCounterCount; ++i) {
      const auto value = replay->counters().value(static_cast<stats::Id>(i));
      if (value > 0) std::cerr << stats::kDescriptions[i].name << ' ' << value << '\n';
    }
  }
  return outcome;
}

int replay_captures(int argc, char** argv) {
  CLI::App app{
      "Runs Sluice's pipeline over captures and tells, one JSON object a line, every name\n"
      "that was found and what would have become of it."};
  app.set_version_flag("--version", "sluice-replay " SLUICE_VERSION);
  Options options;
  auto* generation = app.add_option("--generation", options.generation, "judge by this generation");
  app.add_option("--list", options.list, "judge by a plain list of names, one a line")
      ->excludes(generation);
  app.add_option("--category", options.category, "category of --list")->capture_default_str();
  app.add_option("--write", options.write, "write what would leave both ports to this capture");
  app.add_flag("--counters", options.counters, "print the counters that are not zero to stderr");
  using Mode = replay::Checksums::Mode;
  const std::map<std::string, Mode> modes = {
      {"auto", Mode::automatic}, {"verify", Mode::verify}, {"ignore", Mode::ignore}};
  app.add_option("--checksums", options.checksums,
                 "read TCP segments with a wrong checksum: auto reads those of senders whose "
                 "checksums are mostly wrong, since their card was to fill them in")
      ->transform(CLI::CheckedTransformer(modes))
      ->default_str("auto");
  app.add_option("captures", options.captures, "pcap or pcapng files")->required();
  CLI11_PARSE(app, argc, argv);

  if (const auto status = run(options); !status) {
    std::cout.flush();
    std::cerr << "sluice-replay: " << status.error().text() << '\n';
    return 1;
  }
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "sluice-replay: cannot write all of the output; free some disk space\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return replay_captures(argc, argv);
  } catch (const std::exception& error) {  // libraries at this edge throw; nothing of ours does
    std::fprintf(stderr, "sluice-replay: %s\n", error.what());
    return 1;
  }
}
