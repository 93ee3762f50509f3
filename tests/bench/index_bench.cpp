// What a name costs in the index and in the designs that it was chosen over: misses and hits, by
// the number of labels and the size of the list; memory; time to build; and what a worker sees of a
// swap. Usage:
//
//   index_bench compare LISTED UNLISTED FOLDER [ENTRIES…]
//   index_bench load FOLDER ENTRIES
//   index_bench swap LISTED FOLDER ENTRIES [SWAPS]
//
// LISTED, UNLISTED: canonical names, one a line, in random order; the list is made of the first
// ENTRIES of LISTED. FOLDER: where the generations are kept between runs. SLUICE_BENCH_PAGES=4k
// forbids huge pages.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <thread>
#include <utility>

#include "config/generation/writer.h"
#include "dataplane/index/snapshot.h"
#include "tests/bench/index_designs.h"

namespace sluice::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kQueries = 64'000;
constexpr int kRounds = 9;

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// A line of /proc/self/smaps_rollup, in MiB.
double mapped(const std::string& field) {
  std::ifstream in("/proc/self/smaps_rollup");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(field + ":")) return std::atof(line.c_str() + field.size() + 1) / 1024;
  }
  return 0;
}

std::vector<std::string> read_names(const fs::path& path) {
  std::vector<std::string> names;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) names.push_back(line);
  return names;
}

std::shared_ptr<const Generation> generation_of(const std::vector<std::string>& listed,
                                                const fs::path& folder, std::size_t entries) {
  const fs::path path = folder / (std::to_string(entries) + ".lmdb");
  if (!fs::exists(path)) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < std::min(entries, listed.size()); ++i) {
      keys.push_back(name::reversed_key(listed[i]));
    }
    std::sort(keys.begin(), keys.end());
    auto writer = generation::Writer::create(path);
    std::uint8_t category = 0;
    for (const std::string& key : keys) {
      category = static_cast<std::uint8_t>(category % 26 + 1);
      if (!writer->append(key, std::vector<generation::Record>{{0, category}})) std::abort();
    }
    if (!writer->finish(1, "2026-01-01T00:00:00Z")) std::abort();
  }
  return *Generation::open(path);
}

unsigned labels_of(const std::string& name) {
  return static_cast<unsigned>(std::count(name.begin(), name.end(), '.')) + 1;
}

std::vector<std::string> of_labels(const std::vector<std::string>& names, unsigned labels) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (out.size() == kQueries) break;
    if (labels_of(name) == labels) out.push_back(name);
  }
  return out;
}

/// Host names below names of two labels.
std::vector<std::string> below(std::vector<std::string> names, unsigned labels) {
  const std::array<const char*, 8> more = {"www", "m",      "cdn",  "img",
                                           "api", "static", "mail", "x7k2"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (unsigned n = 2; n < labels; ++n) {
      names[i] = std::string(more[(i + n * 3) % more.size()]) + "." + names[i];
    }
  }
  return names;
}

struct Queries {
  std::string what;
  std::vector<std::string> names;
};

std::vector<Queries> make_queries(const std::vector<std::string>& listed,
                                  const std::vector<std::string>& unlisted) {
  std::vector<Queries> sets;
  for (const unsigned labels : {2U, 3U, 4U, 5U}) {
    sets.push_back({"miss " + std::to_string(labels), below(of_labels(unlisted, 2), labels)});
  }
  // Many of these are below a name that has listed names below it, such as co.uk.
  for (const unsigned labels : {3U, 4U}) {
    sets.push_back({"near miss " + std::to_string(labels), of_labels(unlisted, labels)});
  }
  for (const unsigned labels : {2U, 3U, 4U, 5U}) {
    sets.push_back({"hit " + std::to_string(labels), below(of_labels(listed, 2), labels)});
  }
  sets.push_back({"exact hit 3", of_labels(listed, 3)});
  return sets;
}

/// Keeps the fewest cycles that each burst of 32 names took so far: other programs use the machine.
/// The names of a burst are made just before it, untimed, and are thus in the cache, as they are
/// behind the parsers. Returns a sum over the answers.
std::uint64_t time_once(const Design& design, const std::vector<std::string>& names,
                        std::vector<std::uint64_t>& fewest) {
  std::array<FoldedName, kGroup> burst;
  std::array<Answer, kGroup> answers;
  std::uint64_t sum = 0;
  fewest.resize(names.size() / kGroup, UINT64_MAX);
  for (std::size_t n = 0; n < fewest.size(); ++n) {
    for (std::size_t i = 0; i < kGroup; ++i) {
      if (name::fold_text(names[n * kGroup + i], burst[i]) != name::Defect::none) std::abort();
    }
    const std::uint64_t start = rte_rdtsc_precise();
    design.find(burst, answers);
    fewest[n] = std::min(fewest[n], rte_rdtsc_precise() - start);
    for (const Answer& answer : answers) sum += answer.categories + answer.matched_labels;
  }
  return sum;
}

double nanoseconds_a_name(const std::vector<std::uint64_t>& cycles) {
  const double sum = std::accumulate(cycles.begin(), cycles.end(), 0.0);
  return sum * 1e9 / static_cast<double>(rte_get_tsc_hz()) /
         static_cast<double>(std::max<std::size_t>(cycles.size(), 1) * kGroup);
}

struct Candidate {
  const char* name;
  std::function<std::unique_ptr<Design>(const Generation&)> make;
};

template <class D>
Candidate candidate(const char* name) {
  return {name, [](const Generation& generation) { return std::make_unique<D>(generation); }};
}

void compare(const std::vector<std::string>& listed, const std::vector<std::string>& unlisted,
             const fs::path& folder, std::size_t entries) {
  const auto generation = generation_of(listed, folder, entries);
  const std::vector<Candidate> candidates = {
      candidate<Index>("index"),
      candidate<AllSuffixes>("all suffixes"),
      candidate<Filtered<Fuse>>("fuse filter + LMDB"),
      candidate<Filtered<Member>>("rte_member + LMDB"),
      candidate<Filtered<RteHash>>("rte_hash + LMDB"),
      candidate<Lmdb>("LMDB"),
  };
  const std::vector<std::string> in_list(
      listed.begin(), listed.begin() + static_cast<long>(std::min(entries, listed.size())));
  const std::vector<Queries> sets = make_queries(in_list, unlisted);

  std::vector<std::unique_ptr<Design>> designs;
  std::vector<double> build;
  for (const Candidate& one : candidates) {
    const auto start = Clock::now();
    designs.push_back(one.make(*generation));
    build.push_back(milliseconds(Clock::now() - start));
  }
  std::vector<std::vector<std::vector<std::uint64_t>>> cycles(
      designs.size(), std::vector<std::vector<std::uint64_t>>(sets.size()));
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t set = 0; set < sets.size(); ++set) {
      std::uint64_t expected = 0;
      for (std::size_t d = 0; d < designs.size(); ++d) {
        const std::uint64_t sum = time_once(*designs[d], sets[set].names, cycles[d][set]);
        if (d > 0 && sum != expected) std::abort();  // all must answer the same
        expected = sum;
      }
    }
  }
  std::printf("\n%zu entries\n\n| design | octets an entry | build, ms |", entries);
  for (const Queries& set : sets) std::printf(" %s |", set.what.c_str());
  std::printf("\n|---|---|---|");
  for (std::size_t i = 0; i < sets.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (std::size_t d = 0; d < designs.size(); ++d) {
    std::printf("| %s | %.1f | %.0f |", candidates[d].name,
                static_cast<double>(designs[d]->octets()) / static_cast<double>(entries), build[d]);
    for (const auto& one : cycles[d]) std::printf(" %.0f |", nanoseconds_a_name(one));
    std::printf("\n");
  }
  std::fflush(stdout);
}

void load(const fs::path& folder, std::size_t entries) {
  const double before = mapped("Rss");
  auto start = Clock::now();
  auto generation = *Generation::open(folder / (std::to_string(entries) + ".lmdb"));
  const double opened = milliseconds(Clock::now() - start);
  const double with_generation = mapped("Rss");
  for (int i = 0; i < 5; ++i) {
    start = Clock::now();
    const std::clock_t cpu = std::clock();
    const auto index = *index::SuffixIndex::build(*generation);
    std::printf(
        "index build %d: %.0f ms, %.0f of them on a core; %.2f octets an entry, huge pages "
        "%.0f of %.0f MiB\n",
        i, milliseconds(Clock::now() - start),
        static_cast<double>(std::clock() - cpu) * 1000 / CLOCKS_PER_SEC,
        static_cast<double>(index->octets()) / static_cast<double>(entries),
        mapped("AnonHugePages"), static_cast<double>(index->octets()) / (1 << 20));
  }
  start = Clock::now();
  auto snapshot = *index::Snapshot::build(generation, {}, {}, 2);
  std::printf("open and verify %.0f ms; snapshot build %.0f ms\n", opened,
              milliseconds(Clock::now() - start));
  std::printf("resident MiB: %.0f at start, +%.0f verified copy, %.0f with snapshot\n", before,
              with_generation - before, mapped("Rss"));
  start = Clock::now();
  snapshot.reset();
  generation.reset();
  std::printf("given back in %.0f ms: %.0f MiB resident\n", milliseconds(Clock::now() - start),
              mapped("Rss"));
}

/// What a worker went through since the last report.
struct Delays {
  std::uint64_t bursts = 0;
  std::uint64_t preempted = 0;          // late bursts within which the kernel ran another thread
  std::array<std::uint64_t, 3> late{};  // all others: over 10, 50, 200 us
  double worst_us = 0;                  // of those
  long faults = 0;
};

Delays judge(const std::atomic<const index::Snapshot*>& current, std::span<const FoldedName> names,
             std::atomic<std::uint64_t>& quiescent, const std::atomic<bool>& stop) {
  const double to_us = 1e6 / static_cast<double>(rte_get_tsc_hz());
  std::array<Answer, kGroup> answers;
  Delays delays;
  rusage before{};
  getrusage(RUSAGE_THREAD, &before);
  long switches = before.ru_nivcsw;
  for (std::size_t at = 0; !stop; at = (at + kGroup) % names.size()) {
    const std::uint64_t start = rte_rdtsc();
    const index::Snapshot* const snapshot = current.load(std::memory_order_acquire);
    snapshot->lookup(0).find(names.subspan(at, kGroup), answers);
    quiescent.fetch_add(1, std::memory_order_release);
    const double us = static_cast<double>(rte_rdtsc() - start) * to_us;
    ++delays.bursts;
    if (us <= 10) continue;
    rusage now{};
    getrusage(RUSAGE_THREAD, &now);
    if (std::exchange(switches, now.ru_nivcsw) != now.ru_nivcsw) {
      ++delays.preempted;
      continue;
    }
    delays.late[0] += 1;
    delays.late[1] += us > 50 ? 1 : 0;
    delays.late[2] += us > 200 ? 1 : 0;
    delays.worst_us = std::max(delays.worst_us, us);
  }
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  delays.faults = after.ru_minflt - before.ru_minflt;
  return delays;
}

/// Bursts one after the other in a thread, while another one does `work`.
void watch(const char* what, std::atomic<const index::Snapshot*>& current,
           std::span<const FoldedName> names,
           const std::function<void(std::atomic<std::uint64_t>&)>& work) {
  std::atomic<std::uint64_t> quiescent{0};
  std::atomic<bool> stop{false};
  Delays delays;
  const auto start = Clock::now();
  std::thread worker([&] { delays = judge(current, names, quiescent, stop); });
  work(quiescent);
  stop = true;
  worker.join();
  std::printf(
      "%s, %.1f s: %lu bursts, %ld page faults, %lu preempted; others late by over 10 us: "
      "%lu, 50 us: %lu, 200 us: %lu, worst %.0f us\n",
      what, milliseconds(Clock::now() - start) / 1000, delays.bursts, delays.faults,
      delays.preempted, delays.late[0], delays.late[1], delays.late[2], delays.worst_us);
}

/// What a worker sees of generations that are loaded, swapped and freed; and of none.
void swap(const std::vector<std::string>& listed, const fs::path& folder, std::size_t entries,
          int swaps) {
  const fs::path path = folder / (std::to_string(entries) + ".lmdb");
  generation_of(listed, folder, entries);
  const auto make = [&] { return *index::Snapshot::build(*Generation::open(path), {}, {}, 1); };
  auto running = make();
  std::atomic<const index::Snapshot*> current{running.get()};
  std::vector<FoldedName> names(1 << 14);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name::fold_text(listed[i * 97 % entries], names[i]) != name::Defect::none) std::abort();
  }
  for (int round = 0; round < 3; ++round) {
    const auto start = Clock::now();
    watch("swapping", current, names, [&](const std::atomic<std::uint64_t>& quiescent) {
      for (int i = 0; i < swaps; ++i) {
        auto next = make();
        current.store(next.get(), std::memory_order_release);
        const std::uint64_t seen = quiescent;
        while (quiescent < seen + 2) std::this_thread::yield();
        running = std::move(next);
      }
    });
    const auto took = Clock::now() - start;
    watch("at rest", current, names,
          [&](const std::atomic<std::uint64_t>&) { std::this_thread::sleep_for(took); });
  }
}

void start_eal() {
  std::array<const char*, 7> arguments = {"index_bench",    "--no-huge", "--no-pci", "--no-shconf",
                                          "--no-telemetry", "-m",        "1500"};
  std::array<char*, 7> argv;
  for (std::size_t i = 0; i < argv.size(); ++i) argv[i] = const_cast<char*>(arguments[i]);
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) std::abort();
}

int run(const std::vector<std::string>& arguments) {
  if (const char* pages = std::getenv("SLUICE_BENCH_PAGES"); pages && pages == std::string("4k")) {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  }
  const std::string& what = arguments.at(1);
  if (what == "compare") {
    start_eal();
    const auto listed = read_names(arguments.at(2));
    const auto unlisted = read_names(arguments.at(3));
    for (std::size_t i = 5; i < arguments.size(); ++i) {
      compare(listed, unlisted, arguments.at(4), std::stoul(arguments[i]));
    }
  } else if (what == "load") {
    load(arguments.at(2), std::stoul(arguments.at(3)));
  } else if (what == "swap") {
    start_eal();
    swap(read_names(arguments.at(2)), arguments.at(3), std::stoul(arguments.at(4)),
         arguments.size() > 5 ? std::stoi(arguments[5]) : 5);
  }
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(std::vector<std::string>(argv, argv + argc));
}
