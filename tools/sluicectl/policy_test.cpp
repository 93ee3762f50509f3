// A table of expected verdicts, kept beside the configuration and run before each change of it.
#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>

#include "config/calendar/calendar.h"
#include "config/schema/bind.h"
#include "config/schema/check.h"
#include "config/schema/nearest.h"
#include "control/service/signed_layers.h"
#include "tools/sluicectl/commands.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
using schema::Field;
using schema::Kind;
using schema::Shape;
using schema::TextNode;

constexpr Shape text_of(std::string_view noun) {
  return {.kind = Kind::text, .noun = noun, .minimum = 1, .maximum = 256};
}
constexpr Shape kName = text_of("a domain name");
constexpr Shape kClient = text_of("an IP address, such as 10.7.1.5");
constexpr Shape kMac{.kind = Kind::mac, .noun = "a MAC address"};
constexpr Shape kVlan{.kind = Kind::free, .noun = "a VLAN, such as 100 or 100.7"};
constexpr Shape kWord = text_of("a word");
constexpr Shape kMoment = text_of("a moment, such as 2026-12-04T20:30");
constexpr Shape kBudget = text_of("the name of a budget");  // of a layer, with a '/'
constexpr Shape kBudgets{.kind = Kind::list, .noun = "a list of budgets", .item = &kBudget};
constexpr std::array<std::string_view, 4> kActions{"pass", "block", "log", "rewrite"};
constexpr Shape kAction{.kind = Kind::choice, .noun = "a verdict", .choices = kActions};

constexpr std::array kCaseFields{
    Field{"name", &kName, true},     Field{"client", &kClient}, Field{"mac", &kMac},
    Field{"vlan", &kVlan},           Field{"port", &kWord},     Field{"at", &kMoment},
    Field{"expect", &kAction, true}, Field{"reason", &kWord},   Field{"category", &kWord},
    Field{"group", &kWord},          Field{"mode", &kWord},     Field{"used_up", &kBudgets},
};
constexpr Shape kCase{.kind = Kind::mapping,
                      .noun = "a case",
                      .fields = kCaseFields,
                      .because = "a case says what a name is to get"};
constexpr Shape kCases{.kind = Kind::list, .noun = "a list of cases", .item = &kCase};
constexpr std::array kFileFields{Field{"cases", &kCases, true}};
constexpr Shape kFile{.kind = Kind::mapping, .noun = "cases", .fields = kFileFields};

std::string value_of(const TextNode& node, std::string_view key) {
  const TextNode* found = schema::find(node, key);
  return found == nullptr ? std::string() : found->text;
}

/// What a case asks and what came out; empty where it is as expected.
struct Outcome {
  std::string differs;
  ordered_json document;
};

/// As if a person had switched the mode for all groups.
Result<std::vector<policy::Mode>> modes_of_case(const std::string& word,
                                                const schema::Config& config) {
  std::vector<policy::Mode> modes;
  if (word.empty()) return modes;
  if (auto policy = schema::policy_of_mode(config, word); !policy) return fail(policy.error());
  const auto add = [&](std::string_view group) {
    modes.push_back({.word = word, .group = std::string(group), .mac = {}, .address = {}});
  };
  add(policy::kDefaultGroup);
  for (const policy::Group& group : config.policy.groups) add(group.name);
  return modes;
}

/// What the dataplane would say of a device that has used up these budgets, and nothing of others.
Result<nlohmann::json> spent_of_case(const TextNode& node, const policy::PolicySet& policy) {
  nlohmann::json spent = nlohmann::json::array();
  const TextNode* const used_up = schema::find(node, "used_up");
  if (used_up == nullptr) return spent;
  for (const TextNode& word : used_up->items) {
    const auto budget = std::find_if(policy.budgets.begin(), policy.budgets.end(),
                                     [&](const auto& one) { return one.name == word.text; });
    if (budget == policy.budgets.end()) {
      std::vector<std::string_view> known;
      for (const policy::Budget& one : policy.budgets) known.push_back(one.name);
      return fail("no budget is named '" + word.text + "'", "used_up",
                  schema::suggest(word.text, known));
    }
    spent.push_back({{"budget", budget->name},
                     {"state", "exhausted"},
                     {"used_today", budget->minutes_a_day},
                     {"used_this_week", budget->minutes_a_week}});
  }
  return spent;
}

Result<Outcome> run_case(const TextNode& node, Question question, const schema::Config& config,
                         std::int64_t now) {
  const auto device = parse_device(value_of(node, "client"), value_of(node, "mac"),
                                   value_of(node, "vlan"), value_of(node, "port"));
  if (!device) return fail(device.error());
  question.name = value_of(node, "name");
  question.device = *device;
  question.moment = now;
  if (const std::string at = value_of(node, "at"); at == "unknown") {
    question.moment.reset();
  } else if (!at.empty()) {
    const auto moment = calendar::parse_moment(at, config.times.calendar.time_zone);
    if (!moment) return fail(moment.error());
    question.moment = *moment;
    question.at_another_time = true;
  }
  // What was worked out for now reaches months ahead, and nothing back.
  const std::int64_t moment = question.moment.value_or(now);
  const auto modes = modes_of_case(value_of(node, "mode"), config);
  if (!modes) return fail(modes.error());
  Result<policy::PolicySet> policy = schema::policy_at(config, moment, *modes);
  if (!policy) return fail(policy.error());
  question.policy = &*policy;
  auto spent = spent_of_case(node, *policy);
  if (!spent) return fail(spent.error());
  question.spent = std::move(*spent);
  auto document = explain(question);
  if (!document) return fail(document.error());
  const ordered_json& verdict = (*document)["verdict"];
  Outcome outcome;
  const auto compare = [&](const char* what, std::string_view key, const ordered_json& found) {
    const std::string expected = value_of(node, key);
    if (expected.empty() || expected == found.get<std::string>()) return;
    outcome.differs += (outcome.differs.empty() ? "expected " : ", ") + std::string(what) +
                       expected + ", not " + found.get<std::string>();
  };
  compare("", "expect", verdict["action"]);
  compare("reason ", "reason", verdict["reason"]);
  compare("category ", "category", verdict["category"]);
  compare("group ", "group", (*document)["group"]["name"]);
  if (!outcome.differs.empty()) {
    outcome.differs += " (" + verdict["reason"].get<std::string>() + "; group " +
                       (*document)["group"]["name"].get<std::string>() + ", policy " +
                       (*document)["group"]["policy"].get<std::string>() + ", " +
                       (*document)["time"].get<std::string>() + ")";
  }
  outcome.document = std::move(*document);
  return outcome;
}

int report_faults(const Context& context, std::vector<schema::Fault> faults) {
  ordered_json out = ordered_json::array();
  for (const schema::Fault& fault : faults) {
    if (!context.json) std::cerr << fault.text() << "\n";
    out.push_back(fault.text());
  }
  if (context.json) print_json({{"ok", false}, {"faults", std::move(out)}});
  return kCouldNotAsk;
}

}  // namespace

int test_policy(const Context& context, const PolicyTestOptions& options) {
  return test_policy(context, options, load_config(context));
}

int test_policy(const Context& context, const PolicyTestOptions& options,
                const Result<schema::Config>& config) {
  schema::Faults faults(options.file.string());
  const auto text = schema::read_file(options.file, faults);
  auto root = text ? schema::parse_document(*text, faults) : std::nullopt;
  if (root) schema::check(*root, kFile, "", faults);
  if (auto found = faults.take(); !found.empty()) return report_faults(context, std::move(found));

  const auto file = generation_file(context, options.generation, config);
  if (!file) return report(context, file.error());
  const auto generation = generation::Generation::open(*file);
  if (!generation) return report(context, generation.error());
  if (!config) return report(context, config.error());
  const auto layered = service::with_kept_layers(*config);
  if (!layered) return report(context, layered.error());
  const std::int64_t now = std::time(nullptr);
  Question question{.generation = generation->get(), .policy_from = context.config_file.string()};
  for (const schema::Pair& pair : config->pairs) question.ports.push_back(pair.inside);

  const TextNode& cases = *schema::find(*root, "cases");
  std::size_t differing = 0;
  std::size_t unasked = 0;
  ordered_json rows = ordered_json::array();
  for (const TextNode& node : cases.items) {
    const std::string place = options.file.string() + ":" + std::to_string(node.place.line) + ":" +
                              std::to_string(node.place.column);
    auto outcome = run_case(node, question, *layered, now);
    if (!outcome) {
      Error error = outcome.error();
      error.where = place + (error.where.empty() ? "" : ": " + error.where);
      ++unasked;
      if (!context.json) std::cerr << "sluicectl: " << error.text() << "\n";
      rows.push_back({{"place", place},
                      {"name", value_of(node, "name")},
                      {"ok", false},
                      {"error", error.text()}});
      continue;
    }
    const bool differs = !outcome->differs.empty();
    differing += differs ? 1 : 0;
    if (differs && !context.json) {
      std::cout << place << ": " << value_of(node, "name") << ": " << outcome->differs << "\n";
    }
    rows.push_back({{"place", place},
                    {"name", value_of(node, "name")},
                    {"ok", !differs},
                    {"differs", outcome->differs},
                    {"explanation", std::move(outcome->document)}});
  }
  if (context.json) {
    print_json({{"ok", differing + unasked == 0}, {"cases", std::move(rows)}});
  } else {
    std::cout << cases.items.size() << " cases, "
              << (differing + unasked == 0 ? "all as expected"
                                           : std::to_string(differing) + " differ")
              << (unasked == 0 ? "" : ", " + std::to_string(unasked) + " could not be asked")
              << "\n";
  }
  return unasked != 0 ? kCouldNotAsk : differing == 0 ? kYes : kNo;
}

}  // namespace sluice::ctl
