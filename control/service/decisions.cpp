#include "control/service/decisions.h"

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/service/log.h"
#include "control/tuf/json.h"

namespace sluice::service {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxOctets = 65'536;
constexpr std::size_t kMaxWho = 64;
constexpr std::size_t kMaxReason = 500;

json base_json(const Decision& decision) {
  return {{"who", decision.who},
          {"uid", std::to_string(decision.uid)},
          {"reason", decision.reason},
          {"at", tuf::to_text(decision.at)}};
}

tuf::Time time_of(tuf::FieldReader& fields, const char* key) {
  auto time = tuf::parse_time(fields.text(key));
  if (!time) fields.fault(std::string(key) + " is no time");
  return time.value_or(tuf::Time{});
}

void read_base(tuf::FieldReader& fields, Decision& into) {
  into.who = fields.text("who");
  into.uid = std::strtoll(fields.text("uid").c_str(), nullptr, 10);
  into.reason = fields.text("reason");
  into.at = time_of(fields, "at");
}

}  // namespace

json to_json(const Hold& hold) {
  json out = base_json(hold);
  out.update({{"generation", hold.generation}, {"until", tuf::to_text(hold.until)}});
  if (!hold.halted.empty()) out["halted"] = hold.halted;
  return out;
}

json to_json(const Approval& approval) {
  json out = base_json(approval);
  out["release"] = approval.release;
  return out;
}

json to_json(const Pin& pin) {
  json out = base_json(pin);
  out["generation"] = pin.generation;
  return out;
}

Result<Decisions> load_decisions(const std::filesystem::path& path) {
  Decisions out;
  if (!files::is_there(path)) return out;
  auto bytes = files::read_bounded(path, kMaxOctets);
  if (!bytes) return fail(bytes.error());
  auto parsed = tuf::parse_strict(*bytes, path.string());
  if (!parsed) return fail(parsed.error());
  tuf::FieldReader all(*parsed, path.string());
  if (const json& one = all.object("hold", false); !one.empty()) {
    tuf::FieldReader fields(one, path.string() + ": hold");
    Hold hold;
    read_base(fields, hold);
    hold.generation = fields.number("generation");
    hold.until = time_of(fields, "until");
    if (one.contains("halted")) hold.halted = fields.text("halted");
    if (!fields.good()) return fields.failure();
    out.hold = std::move(hold);
  }
  if (const json& one = all.object("approval", false); !one.empty()) {
    tuf::FieldReader fields(one, path.string() + ": approval");
    Approval approval;
    read_base(fields, approval);
    approval.release = fields.text("release");
    if (!fields.good()) return fields.failure();
    out.approval = std::move(approval);
  }
  for (const json& one : all.array("pins")) {
    tuf::FieldReader fields(one, path.string() + ": pins");
    Pin pin;
    read_base(fields, pin);
    pin.generation = fields.number("generation");
    if (!fields.good()) return fields.failure();
    out.pins.push_back(pin);
  }
  if (!all.good()) return all.failure();
  return out;
}

Status save_decisions(const std::filesystem::path& path, const Decisions& decisions) {
  json out = {{"pins", json::array()}};
  if (decisions.hold.generation != 0) out["hold"] = to_json(decisions.hold);
  if (!decisions.approval.release.empty()) out["approval"] = to_json(decisions.approval);
  for (const Pin& pin : decisions.pins) out["pins"].push_back(to_json(pin));
  return files::write_atomic(path, json_text(out, 1) + "\n", 0600);
}

Result<Decision> read_decision(const json& request, tuf::Time now) {
  Decision out{.who = text_at(request, "who"), .reason = text_at(request, "reason"), .at = now};
  if (const auto uid = request.find("peer_uid"); uid != request.end() && uid->is_number()) {
    out.uid = uid->get<std::int64_t>();
  }
  const char* fault = out.who.empty()                  ? "who decides is not told"
                      : out.reason.empty()             ? "the reason is not told"
                      : out.who.size() > kMaxWho       ? "who decides is told in over 64 octets"
                      : out.reason.size() > kMaxReason ? "the reason is told in over 500 octets"
                                                       : nullptr;
  if (fault != nullptr) return fail(fault, {}, "give --reason, and --who where it is not you");
  return out;
}

void audit(const std::string& what, const Decision& decision) {
  log(Level::info, "audit",
      what + ", by '" + decision.who + "' (uid " + std::to_string(decision.uid) +
          "): " + decision.reason);
}

}  // namespace sluice::service
