#include "control/service/commands.h"

#include <algorithm>
#include <array>

#include "config/base/json.h"
#include "config/ipc/socket.h"
#include "control/service/reply.h"

namespace sluice::service {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 6> kDecisions = {"hold",    "rollback", "resume",
                                                        "approve", "pin",      "unpin"};
constexpr std::size_t kShortestId = 12;  // of a release, as a person may copy it

/// `fallback` where it is left out; nothing where it is no number.
std::optional<std::uint64_t> number_of(const json& request, const char* key,
                                       std::uint64_t fallback) {
  const auto found = request.find(key);
  if (found == request.end()) return fallback;
  return found->is_number_unsigned() ? std::optional(found->get<std::uint64_t>()) : std::nullopt;
}

/// The whole id of the release that waits, if the one that was named is it: the whole of it, or its
/// urgent lists alone.
Result<std::string> held_release(const View& view, const std::string& named) {
  std::string waiting;
  for (const auto& held : {view.held_release, view.held_urgent}) {
    if (!held) continue;
    const std::string& id = held->release;
    if (named.size() >= kShortestId && id.starts_with(named)) return id;
    waiting += (waiting.empty() ? "" : ", its urgent lists alone are ") + id;
  }
  if (waiting.empty()) return fail("no release waits to be approved", {}, "see sluicectl status");
  return fail("the release that waits is " + waiting,
              named.empty() ? "no release was named" : named,
              "look at what it changes, and name it, in 12 digits at least");
}

std::string until(const Running& running) {
  const auto hold = running.held();
  return hold ? ", held until " + tuf::to_text(hold->until) : "";
}

Result<std::string> carry_out(Running& running, const View& view, const json& request,
                              const Decision& decision) {
  const std::string command = text_at(request, "command");
  const auto generation = number_of(request, "generation", 0);
  if (!generation) {
    return fail("is no number of a generation", json_text(request["generation"]),
                "see sluicectl list generations");
  }
  const std::uint64_t number = *generation;
  const auto limit = static_cast<std::uint64_t>(kLongestHold.count());
  // What is no number of hours is refused as too many.
  const std::uint64_t asked = number_of(request, "hours", limit).value_or(limit + 1);
  const std::chrono::hours hours(static_cast<std::int64_t>(std::min(asked, limit + 1)));
  const std::string which = "generation " + std::to_string(number);
  Status status;
  std::string done;
  if (command == "hold") {
    status = running.hold(decision, hours);
    done = "the running generation stays" + until(running);
  } else if (command == "rollback") {
    status = running.roll_back(number, decision, hours);
    const auto hold = running.held();
    if (hold) done = "generation " + std::to_string(hold->generation) + " runs" + until(running);
  } else if (command == "resume") {
    status = running.resume(decision);
    done = "the hold is over; the newest release is taken now";
  } else if (command == "approve") {
    auto release = held_release(view, text_at(request, "release"));
    if (!release) return fail(release.error());
    status = running.approve(*release, decision);
    done = "release " + *release + " is approved and taken now";
  } else if (command == "pin") {
    status = running.pin(number, decision);
    done = which + " is kept until it is unpinned";
  } else {
    status = running.unpin(number, decision);
    done = which + " is kept no longer than others";
  }
  if (!status) return fail(status.error());
  return done;
}

}  // namespace

bool is_decision(std::string_view command) {
  return std::find(kDecisions.begin(), kDecisions.end(), command) != kDecisions.end();
}

json answer_decision(Running& running, const View& view, const json& request, tuf::Time now) {
  auto decision = read_decision(request, now);
  if (!decision) return ipc::error(decision.error());
  auto done = carry_out(running, view, request, *decision);
  return done ? ipc::ok({{"done", *done}}) : ipc::error(done.error());
}

json generations_json(const Running& running, const View& view) {
  const Decisions decisions = running.decisions();
  json list = json::array();
  for (const std::uint64_t number : running.kept()) {
    json one = {{"generation", number}, {"current", number == view.generation.generation}};
    if (view.hold && view.hold->generation == number) one["hold"] = to_json(*view.hold);
    for (const Pin& pin : decisions.pins) {
      if (pin.generation == number) one["pin"] = to_json(pin);
    }
    list.push_back(std::move(one));
  }
  return {{"generations", std::move(list)},
          {"held_release", held_json(view.held_release)},
          {"held_urgent", held_json(view.held_urgent)}};
}

}  // namespace sluice::service
