#include "control/compile/rollout.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "config/base/json.h"
#include "config/policy/taxonomy.h"
#include "control/compile/release.h"

namespace sluice::compile {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRings = 16;
constexpr std::uint64_t kMaxSoak = 720;
constexpr const char* kTell = "the release is refused; tell the authority";

std::optional<std::uint64_t> whole(const json& object, const char* key, std::uint64_t most) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto value = found->get<std::uint64_t>();
  return value <= most ? std::optional(value) : std::nullopt;
}

std::vector<std::string> words(const json& object, const char* key) {
  std::vector<std::string> out;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return out;
  for (const json& one : *found) {
    if (one.is_string()) out.push_back(one.get<std::string>());
  }
  return out;
}

std::optional<Ring> read_ring(const json& value) {
  if (!value.is_object() || text_at(value, "name").empty()) return std::nullopt;
  const auto percent = whole(value, "percent", 100);
  const auto soak = value.contains("soak_hours") ? whole(value, "soak_hours", kMaxSoak)
                                                 : std::optional<std::uint64_t>(0);
  if (!percent || !soak) return std::nullopt;
  return Ring{text_at(value, "name"), *percent, words(value, "appliances"),
              std::chrono::hours(static_cast<std::int64_t>(*soak))};
}

std::optional<std::map<std::string, Rollout::Halted>> read_halted(const json& root) {
  std::map<std::string, Rollout::Halted> out;
  const auto found = root.find("halted");
  if (found == root.end()) return out;
  if (!found->is_object()) return std::nullopt;
  for (const auto& [department, value] : found->items()) {
    const auto seq = value.is_object() ? whole(value, "seq", UINT64_MAX) : std::nullopt;
    if (!seq) return std::nullopt;
    if (department != kEmergency) out[department] = {*seq, text_at(value, "reason")};
  }
  return out;
}

std::set<std::string> urgent_departments(const std::vector<std::string>& categories) {
  std::set<std::string> out = {std::string(kEmergency)};
  for (const std::string& name : categories) {
    // Of another taxonomy: none of this appliance's lists is in it.
    const policy::Category* category = policy::find_category(name);
    if (category != nullptr) out.insert(std::string(category->department));
  }
  return out;
}

}  // namespace

Result<Rollout> parse_rollout(std::string_view bytes, const std::string& where) {
  const json root = parse_json(bytes);
  if (!root.is_object() || whole(root, "rollout", 1) != 1) {
    return fail("is no rollout of version 1", where, kTell);
  }
  Rollout out;
  out.salt = text_at(root, "salt");
  if (out.salt.empty()) return fail("has no salt", where, kTell);
  const auto rings = root.find("rings");
  if (rings == root.end() || !rings->is_array() || rings->size() > kMaxRings) {
    return fail("has no rings, or more than 16", where, kTell);
  }
  for (const json& value : *rings) {
    auto ring = read_ring(value);
    if (!ring) return fail("has a ring without name, percent or hours", where, kTell);
    if (!out.rings.empty() && ring->percent < out.rings.back().percent) {
      return fail("has a ring that is smaller than the one before", where, kTell);
    }
    out.rings.push_back(std::move(*ring));
  }
  if (out.rings.empty() || out.rings.back().percent != 100) {
    return fail("leaves appliances without a ring", where, kTell);
  }
  out.urgent = urgent_departments(words(root, "skip_for"));
  auto halted = read_halted(root);
  if (!halted) return fail("has a halted list without its number", where, kTell);
  out.halted = std::move(*halted);
  const auto halt = root.find("halt_if");
  if (halt == root.end() || !halt->is_object()) return out;
  out.max_new_popular = whole(*halt, "top1k_new_hits_gt", UINT64_MAX);
  if (const auto ratio = halt->find("block_rate_ratio_gt");
      ratio != halt->end() && ratio->is_number() && ratio->get<double>() >= 1) {
    out.max_block_rate_ratio = ratio->get<double>();
  }
  return out;
}

std::uint64_t place_of(const std::string& salt, const std::string& appliance) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()),
       reinterpret_cast<const unsigned char*>(appliance.data()), appliance.size(), digest.data(),
       &length);
  std::uint64_t place = 0;
  for (unsigned i = 0; i < length; ++i) place = (place * 256 + digest[i]) % kPlaces;
  return place;
}

Turn turn_of(const Rollout& rollout, const std::string& appliance) {
  const std::uint64_t place = place_of(rollout.salt, appliance);
  Turn turn;
  for (const Ring& ring : rollout.rings) {
    turn.ring = ring.name;
    const auto& named = ring.appliances;
    const bool mine = place < ring.percent * (kPlaces / 100) ||
                      std::find(named.begin(), named.end(), appliance) != named.end();
    if (mine) break;
    turn.delay += ring.soak;
  }
  return turn;
}

}  // namespace sluice::compile
