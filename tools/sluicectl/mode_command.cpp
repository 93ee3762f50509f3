// Modes: another policy for a group or a device, for a while. sluice-control carries it out, and
// writes into its log who asked and why.
#include <charconv>
#include <iostream>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::json;

void print_modes(const json& modes) {
  if (modes.empty()) {
    std::cout << "no group and no device has a mode\n";
    return;
  }
  std::vector<std::vector<std::string>> rows{{"OF", "MODE", "ENDS", "WHO", "REASON"}};
  for (const json& one : modes) {
    rows.push_back({shown(one, "subject"), shown(one, "mode"), shown(one, "ends"),
                    shown(one, "who"), shown(one, "reason")});
  }
  std::cout << table(rows);
}

}  // namespace

Result<std::uint64_t> parse_duration(std::string_view text) {
  std::uint64_t seconds = 0;
  std::string_view left = text;
  while (!left.empty()) {
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(left.data(), left.data() + left.size(), number);
    const auto digits = static_cast<std::size_t>(end - left.data());
    const char unit = digits < left.size() ? left[digits] : '\0';
    const std::uint64_t factor = unit == 's'   ? 1
                                 : unit == 'm' ? 60
                                 : unit == 'h' ? 3600
                                 : unit == 'd' ? 86400
                                               : 0;
    if (code != std::errc{} || digits == 0 || factor == 0 || number > 1'000'000) {
      return fail("is no length of time", std::string(text), "write it as 45m, 1h30m or 2d");
    }
    seconds += number * factor;
    left.remove_prefix(digits + 1);
  }
  if (seconds == 0) return fail("is no length of time", std::string(text), "write it as 45m");
  return seconds;
}

int change_mode(const Context& context, const ModeOptions& options) {
  json request = {{"command", "mode-" + options.command},
                  {"subject", options.subject},
                  {"who", options.who.empty() ? own_name() : options.who},
                  {"reason", options.reason}};
  if (!options.mode.empty()) request["mode"] = options.mode;
  if (!options.until.empty()) request["until"] = options.until;
  if (!options.length.empty()) {
    const auto seconds = parse_duration(options.length);
    if (!seconds) return report(context, seconds.error());
    request["seconds"] = *seconds;
  }
  const auto reply = ask(context, Process::control, request, kChangePatience);
  if (!reply) return report(context, reply.error(), kNo);
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::cout << shown(*reply, "done") << "\n";
  if (reply->contains("waits")) {
    std::cout << "it is kept, and not yet in force: " << shown(*reply, "waits") << "\n";
  } else if (reply->contains("dataplane") && (*reply)["dataplane"].is_null()) {
    std::cout << "it is kept, and in force once sluice-dataplane runs\n";
  }
  return kYes;
}

int show_modes(const Context& context) {
  const auto reply = ask(context, Process::control, {{"command", "mode-list"}}, kChangePatience);
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
  } else {
    print_modes(reply->value("modes", json::array()));
  }
  return kYes;
}

}  // namespace sluice::ctl
