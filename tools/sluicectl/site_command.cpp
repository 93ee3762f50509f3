// The site's own lists: what it allows, blocks and subscribes to. sluice-control carries it out,
// and writes into its log who asked and why.
#include <iostream>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::json;

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
    rows.push_back({shown(one, "name"), state, shown(one, "scope"),
                    joined(one.value("categories", json::array())), shown(one, "until"),
                    shown(one, "who"), shown(one, "reason")});
  }
  std::cout << (rows.size() > 1 ? table(rows) : "the site allows and blocks no name itself\n");
  rows = {{"SUBSCRIPTION", "CATEGORY", "MODE", "NAMES", "FETCHED", "STATE"}};
  for (const json& one : reply.value("subscriptions", json::array())) {
    std::string state = one.contains("error") ? shown(one, "error") : "good";
    if (one.contains("held")) state = "waits for a person: " + shown(one["held"], "reason");
    rows.push_back({shown(one, "name"), shown(one, "category"), shown(one, "mode"),
                    shown(one, "entries"), shown(one, "fetched"), state});
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
  const auto reply = ask(context, Process::control, request, kChangePatience);
  if (!reply) return report(context, reply.error(), kNo);
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::cout << shown(*reply, "done") << "\n";
  if (reply->contains("waits")) {
    std::cout << "it is kept, and not yet in force: " << shown(*reply, "waits") << "\n";
  }
  return kYes;
}

int show_site(const Context& context) {
  const auto reply = ask(context, Process::control, {{"command", "site-list"}}, kChangePatience);
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
  } else {
    print_lists(*reply);
  }
  return kYes;
}

}  // namespace sluice::ctl
