#include <algorithm>
#include <cctype>

#include "config/base/json.h"
#include "tools/sluicectl/explain.h"
#include "tools/sluicectl/outcome.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;

std::string field(const ordered_json& object, const char* key) {
  if (!object.contains(key)) return {};
  return object[key].is_string() ? object[key].get<std::string>() : json_text(object[key]);
}

std::string client_text(const ordered_json& client) {
  std::string out;
  for (const auto& [key, value] : client.items()) {
    out += (out.empty() ? "" : ", ") + key + " " + field(client, key.c_str());
  }
  return out.empty() ? "any device (none given)" : out;
}

/// How the device was found, where the policy names it by another address.
std::string device_text(const ordered_json& device) {
  const std::string state = field(device, "state");
  const std::string claim = "MAC address " + field(device, "mac") + " said " +
                            field(device, "claimed_seconds_ago") +
                            " s ago, by ARP or Neighbor "
                            "Discovery, that it has " +
                            field(device, "address");
  if (state == "followed") return field(device, "address") + ": " + claim;
  return "judged by itself, although " + claim +
         (state == "unused"      ? "; but no frame from outside has gone there"
          : state == "contested" ? "; but another device says so, too, or it is in two places"
          : state == "several"
              ? "; but it has several IPv4 addresses, or named ones of different groups"
              : "; but it has more addresses than are followed");
}

std::string record_text(const ordered_json& record) {
  const std::string scope = field(record, "scope");
  std::string out = "  " + field(record, "listed_name") +
                    (scope == "exact"  ? " alone"
                     : scope == "subs" ? ", names below it"
                                       : " and all below it") +
                    ": " + field(record, "disposition") + " " + field(record, "category") +
                    ", by " + field(record, "layer") +
                    (record["ended"].get<bool>() ? "; has ended by then, so it does not count"
                     : record["pending"].get<bool>()
                         ? "; begins at " + field(record, "begins") + ", so it does not count yet"
                         : "");
  constexpr std::pair<const char*, const char*> kFields[] = {
      {"department", "department"}, {"list", "list"},         {"order", "order"},
      {"authority", "authority"},   {"legal_basis", "basis"}, {"listed_at", "listed"},
      {"review_by", "review by"},   {"expires", "expires"},   {"appeal_url", "appeal"}};
  constexpr std::size_t kWidth = 90;
  std::string line;
  for (const auto& [key, label] : kFields) {
    std::string value = field(record, key);
    if (std::string_view(key) == "expires" && record.contains("ends")) {
      value = field(record, "ends");
    }
    if (value.empty()) continue;
    const std::string fact = std::string(label) + " " + value;
    if (!line.empty() && line.size() + fact.size() > kWidth) {
      out += "\n    " + line + ";";
      line.clear();
    }
    line += (line.empty() ? "" : "; ") + fact;
  }
  return out + (line.empty() ? "\n" : "\n    " + line + "\n");
}

std::string hours_text(const ordered_json& hours, bool tell_policy) {
  std::string categories;
  for (const auto& name : hours["categories"]) {
    categories += (categories.empty() ? "" : ", ") + name.get<std::string>();
  }
  std::string out = "  " + (tell_policy ? field(hours, "policy") + ": " : "") + categories +
                    (hours.contains("only_during") ? " only during '" : " not during '") +
                    field(hours, "schedule") + "': ";
  if (hours.contains("time")) {
    out += "the time is " + field(hours, "time");
  } else {
    out += hours["holds"].get<bool>() ? "which it is" : "which it is not";
    if (hours.contains("until")) out += " until " + field(hours, "until");
  }
  return out + (hours["blocks"].get<bool>() ? ", so blocked\n" : ", so not blocked\n");
}

std::string above_text(const ordered_json& layers) {
  std::string out;
  for (std::size_t i = 1; i < layers.size(); ++i) {
    out += (out.empty() ? "" : ", ") + field(layers[i], "policy");
    if (const std::string owner = field(layers[i], "owner"); owner != "site") {
      out += " of " + owner;
    }
  }
  return out.empty() ? "none" : out + ": what they refuse holds as well";
}

std::string mode_text(const ordered_json& mode, const ordered_json& group) {
  if (mode.is_null()) return "none";
  const std::string ends = field(mode, "ends");
  const bool has_end = !ends.empty() && ends[0] >= '0' && ends[0] <= '9';
  return field(mode, "mode") + " of " + field(mode, "subject") + ", " + (has_end ? "until " : "") +
         ends + ", by " + field(mode, "who") + ": " + field(mode, "reason") +
         (field(group, "policy") == field(group, "own_policy")
              ? ""
              : "; otherwise policy " + field(group, "own_policy"));
}

/// What is refused or changed but for names.
std::string switches_text(const ordered_json& switches) {
  std::string out;
  for (const ordered_json& one : switches) {
    out += (out.empty() ? "" : "; ") + field(one, "switch") + " " + field(one, "value") + ", by ";
    const char* separator = "";
    for (const auto& policy : one["by"]) {
      out += separator + policy.get<std::string>();
      separator = " and ";
    }
  }
  return out.empty() ? "none" : out;
}

std::string list_text(const ordered_json& list) {
  return "  '" + field(list, "list") + "'" +
         (list["of_policy"].get<bool>() ? "" : ", which no policy of the device names now") + ": " +
         field(list, "name") +
         (list["excepted"].get<bool>() ? " is excepted\n"
          : list["needed"].get<bool>() ? " is needed by its pages\n"
                                       : " is on it\n");
}

std::string limit_text(const ordered_json& budget, const char* limit, const char* used,
                       std::string_view of) {
  const std::string most = field(budget, limit);
  if (most.empty() || most == "0") return {};
  const std::string spent = field(budget, used);
  return (spent.empty() ? most : spent + " of " + most) + " minutes " + std::string(of);
}

std::string budget_text(const ordered_json& budget) {
  const std::string day = limit_text(budget, "minutes_a_day", "used_today", "a day");
  const std::string week = limit_text(budget, "minutes_a_week", "used_this_week", "a week");
  std::string out = "  '" + field(budget, "budget") + "': " + day +
                    (day.empty() || week.empty() ? "" : ", ") + week;
  if (!budget["known"].get<bool>())
    return out + (budget.contains("state") ? "; what is spent by then, nobody knows\n"
                                           : "; what is spent, the dataplane does not tell\n");
  if (budget.contains("added_today") && budget["added_today"] != 0) {
    out += ", " + field(budget, "added_today") + " added today";
  }
  if (budget.contains("left")) out += ", " + field(budget, "left") + " left";
  if (const std::string ends = field(budget, "day_ends"); !ends.empty()) {
    out += "; the day ends at " + ends;
  }
  return out + "\n";
}

}  // namespace

std::string explanation_text(const ordered_json& document) {
  const ordered_json& verdict = document["verdict"];
  const ordered_json& group = document["group"];
  const ordered_json& generation = document["generation"];
  std::string action = field(verdict, "action");
  std::transform(action.begin(), action.end(), action.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  std::string out = field(document, "name") + ": " + action + " (" + field(verdict, "reason");
  if (const std::string category = field(verdict, "category"); !category.empty()) {
    out += ": " + category + " " + field(verdict, "category_zh");
  }
  out += ")\n\n";
  std::vector<std::vector<std::string>> head = {{"client", client_text(document["client"])}};
  if (document["device"].is_object()) {
    head.push_back({"device", device_text(document["device"])});
  }
  head.insert(
      head.end(),
      {{"group", field(group, "name") + ": " + field(group, "why")},
       {"policy", field(group, "policy") + ", from " + field(generation, "policy_from")},
       {"under", above_text(document["layers"])},
       {"mode", mode_text(document["mode"], group)},
       {"besides", switches_text(document["switches"])},
       {"time", field(document, "time") + (document["at_another_time"].get<bool>()
                                               ? ", by what is listed, configured and switched now"
                                               : "")},
       {"list", "generation " + field(generation, "number") + " of " +
                    field(generation, "created") + ", " + field(generation, "file")}});
  out += table(head);

  out += "\nthe decision, in order\n";
  std::vector<std::vector<std::string>> rows;
  for (const ordered_json& step : document["steps"]) {
    rows.push_back({"  " + field(step, "rule") + ".", field(step, "question"),
                    field(step, "answer"),
                    step["decides"].get<bool>() ? "-> " + field(verdict, "action") : ""});
  }
  out += table(rows);

  const ordered_json& next = document["by_the_clock"];
  std::string by_the_clock;
  for (const ordered_json& hours : document["hours"]) {
    // Those of other categories would be taken for a reason.
    if (!hours["of_name"].get<bool>()) continue;
    by_the_clock += hours_text(hours, document["layers"].size() > 1);
  }
  if (!by_the_clock.empty() || !next.is_null()) out += "\nby the clock\n" + by_the_clock;
  if (!next.is_null()) {
    out += "  so: " + field(verdict, "action") + " until " + field(next, "until") + ", then " +
           field(next, "then") + " (" + field(next, "reason") + ")";
    std::string separator = ": ";
    for (const auto& one : next["because"]) {
      out += separator + one.get<std::string>();
      separator = "; ";
    }
    out += "\n";
  }

  if (!document["lists"].empty()) out += "\ncurated lists\n";
  for (const ordered_json& list : document["lists"]) out += list_text(list);

  if (!document["budgets"].empty()) out += "\nbudgets of time\n";
  for (const ordered_json& budget : document["budgets"]) out += budget_text(budget);

  out += "\nlisted at\n";
  for (const ordered_json& record : document["records"]) out += record_text(record);
  if (document["records"].empty()) out += "  nothing lists the name\n";

  rows.clear();
  for (const auto& [protocol, what] : document["client_gets"].items()) {
    std::string name = "  ";
    for (const char c : protocol) name += static_cast<char>(std::toupper(c));
    rows.push_back({std::move(name), what.get<std::string>()});
  }
  out += "\nthe client gets\n" + table(rows);
  out += "\nwhat would change it\n";
  for (const ordered_json& one : document["would_change"]) {
    out += "  " + one.get<std::string>() + "\n";
  }
  return out;
}

}  // namespace sluice::ctl
