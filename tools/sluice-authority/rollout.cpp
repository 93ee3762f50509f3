#include "tools/sluice-authority/rollout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <openssl/rand.h>
#include <set>

#include "config/base/json.h"
#include "config/files/file.h"
#include "config/policy/taxonomy.h"
#include "control/compile/release.h"
#include "control/tuf/digest.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/rule_keys.h"

namespace sluice::authority {
namespace {

using tuf::Json;

constexpr std::size_t kMaxRings = 16;
constexpr std::size_t kMaxNamed = 1000;
constexpr const char* kAdvice = "write it with sluice-authority rollout set";

const char* const kHaltKeys[] = {"block_rate_ratio_gt", "top1k_new_hits_gt",
                                 "appeals_per_100_gw_gt"};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

std::optional<double> ratio(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 && value <= 1e9 ? std::optional(value) : std::nullopt;
}

bool is_name(const Json& value) {
  return value.is_string() && !value.get_ref<const std::string&>().empty();
}

bool is_text_list(const Json& value) {
  return value.is_array() && value.size() <= kMaxNamed &&
         std::all_of(value.begin(), value.end(), is_name);
}

std::string fault_of_ring(const Json& ring, std::uint64_t percent_before, bool first) {
  if (!ring.is_object()) return "a ring is no object";
  if (!ring.contains("name") || !is_name(ring["name"])) return "a ring has no name";
  const std::string name = ring["name"];
  if (!ring.contains("percent") || !ring["percent"].is_number_unsigned() ||
      ring["percent"].get<std::uint64_t>() > 100) {
    return "the ring '" + name + "' has no percent of 0 to 100";
  }
  const auto percent = ring["percent"].get<std::uint64_t>();
  if (!first && percent <= percent_before)
    return "the ring '" + name + "' is no larger than the one before";
  if (ring.contains("soak_hours") &&
      (!ring["soak_hours"].is_number_unsigned() || ring["soak_hours"].get<std::uint64_t>() > 720)) {
    return "the ring '" + name + "' soaks for no number of hours up to 720";
  }
  if (ring.contains("appliances") && !is_text_list(ring["appliances"])) {
    return "the appliances of the ring '" + name + "' are no list of names";
  }
  return {};
}

std::string fault_of(const Json& root) {
  if (!root.is_object() || root.value("rollout", Json()) != 1) return "is no rollout of version 1";
  if (!root.contains("salt") || !is_name(root["salt"])) return "has no salt";
  if (!root.contains("rings") || !root["rings"].is_array() || root["rings"].empty() ||
      root["rings"].size() > kMaxRings) {
    return "has no rings, or more than 16";
  }
  std::uint64_t percent = 0;
  std::set<std::string> names;
  for (const Json& ring : root["rings"]) {
    const std::string fault = fault_of_ring(ring, percent, names.empty());
    if (!fault.empty()) return fault;
    percent = ring["percent"];
    if (!names.insert(ring["name"]).second)
      return "has the ring '" + ring["name"].get<std::string>() + "' twice";
  }
  if (percent != 100) return "its last ring is not of 100 percent, so appliances would be left out";
  if (root.contains("skip_for")) {
    if (!is_text_list(root["skip_for"])) return "skip_for is no list of categories";
    for (const Json& name : root["skip_for"]) {
      const auto text = name.get<std::string>();
      if (text != "emergency" && policy::find_category(text) == nullptr) {
        return "skip_for names '" + text + "', which is no category";
      }
    }
  }
  if (root.contains("halted")) {
    if (!root["halted"].is_object()) return "halted is no object";
    for (const auto& [department, halt] : root["halted"].items()) {
      if (!halt.is_object() || !halt.contains("seq") || !halt["seq"].is_number_unsigned() ||
          !halt.contains("reason") || !is_name(halt["reason"])) {
        return "halted." + department + " has no number or no reason";
      }
    }
  }
  if (!root.contains("halt_if")) return {};
  if (!root["halt_if"].is_object()) return "halt_if is no object";
  for (const auto& item : root["halt_if"].items()) {
    if (!item.value().is_number() || item.value().get<double>() < 0) {
      return "halt_if." + item.key() + " is no number";
    }
  }
  return {};
}

Result<Json> ring_from(const std::string& text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == text.npos ? first : text.find(':', first + 1);
  const auto percent =
      first == text.npos ? std::nullopt : number(text.substr(first + 1, second - first - 1));
  const auto hours =
      second == text.npos ? std::optional<std::uint64_t>(0) : number(text.substr(second + 1));
  if (!percent || !hours || first == 0) {
    return fail("is no ring", text, "write it as NAME:PERCENT:HOURS, such as canary:1:6");
  }
  Json ring = {{"name", text.substr(0, first)}, {"percent", *percent}};
  if (second != text.npos) ring["soak_hours"] = *hours;
  return ring;
}

}  // namespace

Result<Rollout> parse_rollout(std::string_view bytes, const std::string& where) {
  const Json root = parse_json(bytes);
  if (root.is_discarded()) return fail("is not JSON", where, kAdvice);
  if (auto status = check_rollout_keys(bytes, where); !status) return fail(status.error());
  if (const std::string fault = fault_of(root); !fault.empty()) return fail(fault, where, kAdvice);
  Rollout rollout;
  rollout.salt = root["salt"];
  for (const Json& ring : root["rings"]) {
    rollout.rings.push_back({ring["name"], ring["percent"],
                             ring.value("appliances", std::vector<std::string>()),
                             ring.value("soak_hours", std::uint64_t{0})});
  }
  rollout.skip_for = root.value("skip_for", std::vector<std::string>());
  const Json halt = root.value("halt_if", Json::object());
  const auto text = [&](const char* key) {
    return halt.contains(key) ? json_text(halt[key]) : std::string();
  };
  rollout.block_rate_ratio_gt = text(kHaltKeys[0]);
  rollout.top1k_new_hits_gt = text(kHaltKeys[1]);
  rollout.appeals_per_100_gw_gt = text(kHaltKeys[2]);
  const Json halted = root.value("halted", Json::object());
  for (const auto& [department, one] : halted.items()) {
    rollout.halted[department] = {one["seq"], one["reason"]};
  }
  return rollout;
}

const Ring& ring_of(const Rollout& rollout, const std::string& appliance) {
  const std::uint64_t place = compile::place_of(rollout.salt, appliance);
  const auto found =
      std::find_if(rollout.rings.begin(), rollout.rings.end(), [&](const Ring& ring) {
        return place < ring.percent * (compile::kPlaces / 100) ||
               std::find(ring.appliances.begin(), ring.appliances.end(), appliance) !=
                   ring.appliances.end();
      });
  return found == rollout.rings.end() ? rollout.rings.back() : *found;
}

Status rollout_set_command(const Workspace& workspace, const RolloutOptions& options) {
  nlohmann::ordered_json out = {{"rollout", 1}};
  Json lab = {{"name", "lab"}, {"percent", 0}, {"appliances", options.lab}, {"soak_hours", 1}};
  Json rings = Json::array();
  if (!options.lab.empty()) rings.push_back(std::move(lab));
  std::vector<std::string> asked = options.rings;
  if (asked.empty()) asked = {"canary:1:6", "early:10:18", "all:100"};
  for (const std::string& text : asked) {
    auto ring = ring_from(text);
    if (!ring) return fail(ring.error());
    rings.push_back(std::move(*ring));
  }
  out["rings"] = std::move(rings);
  std::array<std::uint8_t, 16> chance{};
  if (options.salt.empty() && RAND_bytes(chance.data(), chance.size()) != 1) {
    return fail("OpenSSL has no random octets");
  }
  out["salt"] = options.salt.empty() ? tuf::to_hex(chance) : options.salt;
  out["skip_for"] = options.skip_for;
  const std::pair<const char*, const std::string*> halts[] = {
      {kHaltKeys[0], &options.block_rate_ratio},
      {kHaltKeys[1], &options.top1k_new_hits},
      {kHaltKeys[2], &options.appeals}};
  out["halt_if"] = nlohmann::ordered_json::object();
  for (const auto& [key, text] : halts) {
    const auto value = ratio(*text);
    if (!value) return fail("is no number", *text, std::string("of ") + key);
    const auto whole = number(*text);
    if (whole) {
      out["halt_if"][key] = *whole;
    } else {
      out["halt_if"][key] = *value;
    }
  }
  // What is halted stays so.
  if (auto bytes = files::read_bounded(workspace.folder / kRolloutFile, kMaxRolloutOctets)) {
    const Json former = parse_json(*bytes);
    if (former.is_object() && former.contains("halted")) out["halted"] = former["halted"];
  }
  const std::string text = json_text(out, 1) + "\n";
  if (auto parsed = parse_rollout(text, std::string(kRolloutFile)); !parsed) {
    return fail(parsed.error());
  }
  if (auto status = files::make_folder(workspace.policy()); !status) return status;
  auto status = files::write_atomic(workspace.folder / kRolloutFile, text);
  if (!status) return status;
  std::cout << kRolloutFile << ": written; sign it with sluice-authority sign --policy\n";
  return rollout_show_command(workspace, {});
}

Status rollout_halt_command(const Workspace& workspace, const RolloutOptions& options) {
  const auto path = workspace.folder / kRolloutFile;
  if (!std::filesystem::exists(path)) return fail("there is none", path.string(), kAdvice);
  auto bytes = files::read_bounded(path, kMaxRolloutOctets);
  if (!bytes) return fail(bytes.error());
  if (auto rollout = parse_rollout(*bytes, path.string()); !rollout) return fail(rollout.error());
  auto root = nlohmann::ordered_json::parse(*bytes);
  if (options.lift) {
    if (!root.contains("halted") || root["halted"].erase(options.department) == 0) {
      return fail("no list of this department is halted", options.department,
                  "see sluice-authority rollout show");
    }
    if (root["halted"].empty()) root.erase("halted");
  } else {
    if (options.reason.empty()) return fail("a halt needs its --reason", options.department);
    auto published = load_announced(workspace);
    if (!published) return fail(published.error());
    const auto list = published->list(options.department);
    if (!list) return fail("has no published list", options.department);
    if (options.department == compile::kEmergency) {
      return fail("an emergency is not halted", options.department, "remove its names");
    }
    const std::uint64_t seq = options.seq != 0 ? options.seq : list->seq;
    root["halted"][options.department] = {{"seq", seq}, {"reason", options.reason}};
  }
  auto status = files::write_atomic(path, json_text(root, 1) + "\n");
  if (!status) return status;
  std::cout << kRolloutFile << ": written; sign it with sluice-authority sign --policy\n";
  return rollout_show_command(workspace, {});
}

Status rollout_show_command(const Workspace& workspace, const RolloutOptions& options) {
  const auto path = workspace.folder / kRolloutFile;
  if (!std::filesystem::exists(path)) {
    return fail("there is none: all appliances take a release at once", path.string(), kAdvice);
  }
  auto bytes = files::read_bounded(path, kMaxRolloutOctets);
  if (!bytes) return fail(bytes.error());
  auto rollout = parse_rollout(*bytes, path.string());
  if (!rollout) return fail(rollout.error());
  if (!options.appliance.empty()) {
    std::cout << options.appliance << ": ring " << ring_of(*rollout, options.appliance).name
              << ", place " << compile::place_of(rollout->salt, options.appliance) << " of 10000\n";
    return {};
  }
  std::uint64_t hours = 0;
  for (const Ring& ring : rollout->rings) {
    std::cout << "  " << ring.name << ": after " << hours << " h, " << ring.percent << " %";
    for (const std::string& one : ring.appliances) std::cout << " " << one;
    std::cout << "\n";
    hours += ring.soak_hours;
  }
  for (const std::string& name : rollout->skip_for) std::cout << "  at once: " << name << "\n";
  for (const auto& [department, one] : rollout->halted) {
    std::cout << "  halted: " << department << " " << one.seq << ", " << one.reason << "\n";
  }
  return {};
}

}  // namespace sluice::authority
