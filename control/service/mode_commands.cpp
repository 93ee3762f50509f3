// What a person asks for of modes.
#include <algorithm>

#include "config/base/json.h"
#include "config/ipc/socket.h"
#include "config/policy/modes_json.h"
#include "config/schema/nearest.h"
#include "control/service/modes.h"

namespace sluice::service {
namespace {

using nlohmann::json;

/// A group's name goes before an address of the same look, which no group has.
Status read_subject(const std::string& text, const schema::Config& config, policy::Mode& mode) {
  const auto& groups = config.policy.groups;
  const bool is_group = text == policy::kDefaultGroup ||
                        std::any_of(groups.begin(), groups.end(),
                                    [&](const policy::Group& one) { return one.name == text; });
  if (is_group) {
    mode.group = text;
    return {};
  }
  if (auto mac = policy::parse_mac(text)) {
    mode.mac = *mac;
    return {};
  }
  auto address = policy::parse_prefix(text);
  if (address && text.find('/') == std::string::npos) {
    mode.address = *address;
    return {};
  }
  // As other programs write a MAC address, it is told as it is written here.
  const bool only_hex = text.find_first_not_of("0123456789abcdefABCDEF-.:") == std::string::npos;
  const auto digits = std::count_if(text.begin(), text.end(),
                                    [](char c) { return c != '-' && c != '.' && c != ':'; });
  if (only_hex && digits == 12) {
    return fail(policy::parse_mac(text).error());
  }
  std::vector<std::string_view> known{policy::kDefaultGroup};
  for (const policy::Group& one : groups) known.push_back(one.name);
  return fail(
      "is neither a group nor a device", text,
      "name a group, or a device by its MAC or IP address; " + schema::suggest(text, known));
}

/// A moment; or of a time of the day alone, such as 21:00, when the clock shows it next.
Result<std::int64_t> next_time(const std::string& text, std::int64_t now, const std::string& zone) {
  if (!calendar::parse_time_of_day(text)) return calendar::parse_moment(text, zone);
  const auto today = calendar::parse_days(calendar::moment_text(now, zone).substr(0, 10));
  if (!today) return fail(today.error());
  Result<std::int64_t> moment;
  for (const int after : {0, 1}) {
    const auto noon = today->first + std::chrono::days(after) + std::chrono::hours(12);
    const std::string date =
        calendar::moment_text(noon.time_since_epoch() / std::chrono::seconds(1), "Etc/UTC");
    moment = calendar::parse_moment(date.substr(0, 10) + "T" + text, zone);
    if (!moment || *moment > now) break;
  }
  return moment;
}

/// "until" as next_time() takes it, or "seconds" from now; neither: until it is ended.
Status read_end(const json& request, const schema::Config& config, tuf::Time now,
                policy::Mode& mode) {
  mode.from = now.time_since_epoch().count();
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(kLongestMode).count();
  if (const auto found = request.find("seconds"); found != request.end()) {
    const bool good = found->is_number_unsigned() && found->get<std::uint64_t>() > 0 &&
                      found->get<std::uint64_t>() <= static_cast<std::uint64_t>(longest);
    if (!good) return fail("a mode lasts a second to a year", {}, "say how long, as --for 45m");
    mode.until = mode.from + static_cast<std::int64_t>(found->get<std::uint64_t>());
    return {};
  }
  const std::string until = text_at(request, "until");
  if (until.empty()) return {};
  auto moment = next_time(until, mode.from, config.times.calendar.time_zone);
  if (!moment) return fail(moment.error());
  if (*moment <= mode.from) return fail("is over already", until, "give a moment to come");
  if (*moment > mode.from + longest) return fail("is more than a year away", until);
  mode.until = *moment;
  return {};
}

std::string end_text(const policy::Mode& mode, const schema::Config& config) {
  if (mode.until == 0) return "until somebody ends it";
  return "until " + calendar::moment_text(mode.until, config.times.calendar.time_zone);
}

Result<std::string> set_mode(Modes& modes, const schema::Config& config, const json& request,
                             const Decision& decision) {
  policy::Mode mode{.word = text_at(request, "mode"),
                    .group = {},
                    .mac = {},
                    .address = {},
                    .policy = {},
                    .who = decision.who,
                    .reason = decision.reason};
  if (auto status = read_subject(text_at(request, "subject"), config, mode); !status) {
    return fail(status.error());
  }
  auto policy = schema::policy_of_mode(config, mode.word);
  if (!policy) return fail(policy.error());
  mode.policy = *policy;
  if (auto status = read_end(request, config, decision.at, mode); !status) {
    return fail(status.error());
  }
  std::string replaced;
  for (const policy::Mode& one : modes.all()) {
    if (policy::subject(one) != policy::subject(mode)) continue;
    replaced = ", in place of " + one.word + " " + end_text(one, config) +
               ", which does not come back by itself";
  }
  if (auto status = modes.set(mode); !status) return fail(status.error());
  return policy::subject(mode) + ": mode " + mode.word + " " + end_text(mode, config) + replaced;
}

/// As the mode is kept, however the address is written.
std::string kept_subject(const std::string& text) {
  if (const auto mac = policy::parse_mac(text)) return policy::text(*mac);
  const auto address = policy::parse_prefix(text);
  if (!address) return text;
  policy::Mode mode;
  mode.address = *address;
  return policy::subject(mode);
}

}  // namespace

bool is_mode_command(std::string_view command) {
  return command == "mode-set" || command == "mode-end" || command == "mode-list";
}

json answer_mode(Modes& modes, const schema::Config& config, const json& request, tuf::Time now) {
  const std::string command = text_at(request, "command");
  if (command == "mode-list") {
    json list = json::array();
    for (const policy::Mode& mode : modes.all()) {
      list.push_back(policy::to_json(mode));
      list.back()["subject"] = policy::subject(mode);
      list.back()["ends"] = end_text(mode, config);
    }
    return ipc::ok({{"modes", std::move(list)}});
  }
  auto decision = read_decision(request, now);
  if (!decision) return ipc::error(decision.error());
  Result<std::string> done;
  if (command == "mode-set") {
    done = set_mode(modes, config, request, *decision);
  } else {
    auto ended = modes.end(kept_subject(text_at(request, "subject")));
    if (ended) {
      done = policy::subject(*ended) + ": mode " + ended->word + " is over";
    } else {
      done = fail(ended.error());
    }
  }
  if (!done) return ipc::error(done.error());
  audit("mode: " + *done, *decision);
  return ipc::ok({{"done", *done}});
}

}  // namespace sluice::service
