// The site's own lists: what it allows, blocks and subscribes to. sluice-control carries it out,
// and writes into its log who asked and why.
#include <iostream>

#include "config/ipc/socket.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::json;

// A change is in force when the answer comes: overlay, activation and the dataplane's word.
constexpr std::chrono::milliseconds kSitePatience{30'000};

Result<json> ask(const Context& context, const json& request) {
  const auto config = load_config(context);
  if (!config) return fail(config.error());
  auto reply = ipc::call(config->control_socket(), request, kSitePatience);
  if (reply) reply->erase("ok");
  return reply;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string joined(const json& words) {
  std::string out;
  for (const json& word : words) out += (out.empty() ? "" : ",") + word.get<std::string>();
  return out;
}

void print_lists(const json& reply) {
  std::vector<std::vector<std::string>> rows{
      {"NAME", "STATE", "SCOPE", "CATEGORIES", "UNTIL", "WHO", "REASON"}};
  for (const json& one : reply.value("entries", json::array())) {
    const bool allow = one.value("allow", false);
    std::string state = allow ? "allowed" : "blocked";
    if (!one.value("in_force", true)) state = "ended";
    rows.push_back({text_of(one, "name"), state, text_of(one, "scope"),
                    joined(one.value("categories", json::array())), text_of(one, "until"),
                    text_of(one, "who"), text_of(one, "reason")});
  }
  std::cout << (rows.size() > 1 ? table(rows) : "the site allows and blocks no name itself\n");
  rows = {{"SUBSCRIPTION", "CATEGORY", "MODE", "NAMES", "FETCHED", "STATE"}};
  for (const json& one : reply.value("subscriptions", json::array())) {
    std::string state = one.contains("error") ? text_of(one, "error") : "good";
    if (one.contains("held")) state = "waits for a person: " + text_of(one["held"], "reason");
    rows.push_back({text_of(one, "name"), text_of(one, "category"), text_of(one, "mode"),
                    text_of(one, "entries"), text_of(one, "fetched"), state});
  }
  if (rows.size() > 1) std::cout << "\n" << table(rows);
}

}  // namespace

int change_site(const Context& context, const SiteOptions& options) {
  json request = {{"command", "site-" + options.command},
                  {"name", options.name},
                  {"who", options.who.empty() ? own_name() : options.who},
                  {"reason", options.reason}};
  if (!options.categories.empty()) request["categories"] = options.categories;
  if (!options.scope.empty()) request["scope"] = options.scope;
  if (!options.until.empty()) request["until"] = options.until;
  const auto reply = ask(context, request);
  if (!reply) return report(context, reply.error(), kNo);
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::cout << text_of(*reply, "done") << "\n";
  if (reply->contains("waits")) {
    std::cout << "it is kept, and not yet in force: " << text_of(*reply, "waits") << "\n";
  }
  return kYes;
}

int show_site(const Context& context) {
  const auto reply = ask(context, {{"command", "site-list"}});
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
  } else {
    print_lists(*reply);
  }
  return kYes;
}

}  // namespace sluice::ctl
