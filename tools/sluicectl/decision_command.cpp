// What a person decides about the lists: hold, rollback, resume, approve, pin. sluice-control does
// it, and writes into its log who asked and why.
#include <cstdlib>
#include <iostream>
#include <pwd.h>
#include <unistd.h>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

std::string text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// What waits for a person to let it through, if something does.
void print_held(const nlohmann::json& reply, const char* key, std::string_view what) {
  const auto held = reply.value(key, nlohmann::json());
  if (!held.is_object()) return;
  std::cout << "\n"
            << what << text_at(held, "release") << " (snapshot " << text_at(held, "snapshot")
            << ") waits for a person:\n";
  for (const auto& reason : held["reasons"]) {
    std::cout << "  " << reason.get<std::string>() << "\n";
  }
  std::cout << "let it through: sluicectl list approve " << text_at(held, "release")
            << " --reason WHY\n";
}

}  // namespace

std::string own_name() {
  if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr && *sudo != '\0') return sudo;
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? user->pw_name : "uid " + std::to_string(::getuid());
}

int decide(const Context& context, const DecisionOptions& options) {
  nlohmann::json request = {{"command", options.command},
                            {"who", options.who.empty() ? own_name() : options.who},
                            {"reason", options.reason},
                            {"hours", options.hours},
                            {"generation", options.generation}};
  if (!options.release.empty()) request["release"] = options.release;
  const auto reply = ask(context, Process::control, request);
  if (!reply) return report(context, reply.error(), kNo);
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::cout << text_at(*reply, "done") << "\n";
  return kYes;
}

int import_bundle(const Context& context, const DecisionOptions& options) {
  std::error_code error;
  const auto path = std::filesystem::absolute(options.bundle, error);
  const nlohmann::json request = {{"command", "import-bundle"},
                                  {"path", path.string()},
                                  {"who", options.who.empty() ? own_name() : options.who},
                                  {"reason", options.reason}};
  // All that it holds is unpacked, verified and compiled before there is an answer.
  const auto reply = ask(context, Process::control, request, std::chrono::minutes(10));
  if (!reply) return report(context, reply.error(), kNo);
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::cout << text_at(*reply, "outcome") << ", generation " << text_at(*reply, "generation")
            << "\n";
  return kYes;
}

int show_generations(const Context& context) {
  const auto reply = ask(context, Process::control, {{"command", "generations"}});
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::vector<std::vector<std::string>> rows{{"GENERATION", "STATE", "WHO", "REASON", "UNTIL"}};
  for (const nlohmann::json& one : reply->value("generations", nlohmann::json::array())) {
    const auto note =
        one.contains("hold") ? one["hold"] : one.value("pin", nlohmann::json::object());
    std::string state = text_at(one, "current") == "true" ? "current" : "kept";
    if (one.contains("hold")) state += ", held";
    if (one.contains("pin")) state += ", pinned";
    rows.push_back({text_at(one, "generation"), state, text_at(note, "who"),
                    text_at(note, "reason"), text_at(note, "until")});
  }
  std::cout << table(rows);
  print_held(*reply, "held_release", "release ");
  print_held(*reply, "held_urgent", "what is urgent alone, ");
  return kYes;
}

}  // namespace sluice::ctl
