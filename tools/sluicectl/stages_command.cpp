// What a frame costs the dataplane, stage by stage.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include "config/ipc/socket.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, 8> kStages = {"receive", "distribute", "parse", "classify",
                                                "look_up", "decide",     "act",   "send"};

/// The sums of one time, over all workers. The dataplane times one burst in so many.
struct Reading {
  std::array<std::uint64_t, kStages.size()> cycles{};
  std::uint64_t frames = 0;
  std::uint64_t timed_one_in = 1;
  double hertz = 0;
  std::size_t lcores = 0;
};

std::uint64_t number(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Result<Reading> read(const std::filesystem::path& socket) {
  const auto reply = ipc::call(socket, {{"command", "stats"}}, kPatience);
  if (!reply) return fail(reply.error());
  const auto stages = reply->find("stages");
  if (stages == reply->end() || !stages->is_object() || !stages->contains("lcores")) {
    return fail("the dataplane tells no stages", socket.string(),
                "it is of another version than sluicectl: restart it");
  }
  Reading reading;
  reading.timed_one_in = std::max<std::uint64_t>(number(*stages, "timed_one_in"), 1);
  reading.hertz = static_cast<double>(number(*stages, "hertz"));
  for (const nlohmann::json& lcore : (*stages)["lcores"]) {
    ++reading.lcores;
    reading.frames += number(lcore, "frames");
    for (std::size_t i = 0; i < kStages.size(); ++i) reading.cycles[i] += number(lcore, kStages[i]);
  }
  return reading;
}

Reading between(const Reading& before, Reading after) {
  after.frames -= before.frames;
  for (std::size_t i = 0; i < kStages.size(); ++i) after.cycles[i] -= before.cycles[i];
  return after;
}

std::string fixed(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// `seconds`: 0 for all since the start.
void print(const Context& context, const Reading& of, double seconds) {
  std::uint64_t all = 0;
  for (const std::uint64_t cycles : of.cycles) all += cycles;
  const auto frames = static_cast<double>(of.frames);
  const auto a_frame = [&](std::uint64_t cycles) {
    return of.frames == 0 ? 0.0 : static_cast<double>(cycles) / frames;
  };
  const auto share = [&](std::uint64_t cycles) {
    return all == 0 ? 0.0 : static_cast<double>(cycles) / static_cast<double>(all);
  };
  // Of the time that the workers had; the bursts between are taken to be like those timed.
  const auto whole = static_cast<double>(of.timed_one_in);
  const double had = of.hertz * seconds * static_cast<double>(of.lcores);
  const double busy = had > 0 ? static_cast<double>(all) * whole / had : 0;
  if (context.json) {
    ordered_json out = {{"seconds", seconds},
                        {"frames_timed", of.frames},
                        {"timed_one_in", of.timed_one_in},
                        {"lcores", of.lcores},
                        {"hertz", of.hertz},
                        {"busy", busy},
                        {"cycles", all},
                        {"cycles_a_frame", a_frame(all)},
                        {"stages", ordered_json::array()}};
    for (std::size_t i = 0; i < kStages.size(); ++i) {
      out["stages"].push_back({{"name", kStages[i]},
                               {"cycles", of.cycles[i]},
                               {"cycles_a_frame", a_frame(of.cycles[i])},
                               {"share", share(of.cycles[i])}});
    }
    return print_json(out);
  }
  std::vector<std::vector<std::string>> rows = {{"  stage", "cycles a frame", "share"}};
  const auto add = [&](const char* name, std::uint64_t cycles) {
    rows.push_back({std::string("  ") + name, fixed(a_frame(cycles), 1),
                    fixed(100 * share(cycles), 1) + " %"});
  };
  for (std::size_t i = 0; i < kStages.size(); ++i) add(kStages[i], of.cycles[i]);
  add("all", all);
  if (seconds > 0) {
    std::cout << "stages: "
              << "about " << fixed(frames * whole / seconds, 0) << " frames a second, "
              << fixed(100 * busy, 1) << " % of " << of.lcores
              << (of.lcores == 1 ? " worker\n" : " workers\n");
  } else {
    std::cout << "stages: " << of.frames << " frames timed since the start\n";
  }
  std::cout << table(rows);
}

}  // namespace

int show_stages(const Context& context, double seconds) {
  const auto config = load_config(context);
  if (!config) return report(context, config.error());
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto before = read(config->dataplane_socket());
  if (!before) return report(context, before.error());
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const auto after = read(config->dataplane_socket());
  if (!after) return report(context, after.error());
  const Reading last = between(*before, *after);
  if (last.frames == 0) {
    print(context, *after, 0);
  } else {
    print(context, last, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return kYes;
}

}  // namespace sluice::ctl
