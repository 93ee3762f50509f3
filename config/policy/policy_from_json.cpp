// The policy document of a generation, read.
#include <algorithm>
#include <arpa/inet.h>

#include "config/base/json.h"
#include "config/policy/policy.h"

namespace sluice::policy {
namespace {

using nlohmann::json;

/// Reads one JSON object with every fault turned into one Error; the first fault wins.
class Fields {
 public:
  Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) refuse("is not an object");
  }

  [[nodiscard]] bool good() const { return !error_; }
  [[nodiscard]] Error error() const { return *error_; }

  void refuse(std::string what) {
    if (!error_) error_ = Error{std::move(what), where_, "compile the generation again"};
  }

  std::string string(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_string()) {
      refuse(std::string(key) + " is not a string");
      return {};
    }
    return value->get<std::string>();
  }

  std::uint64_t number(const char* key, std::uint64_t otherwise, std::uint64_t most) {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most) {
      refuse(std::string(key) + " is not a number up to " + std::to_string(most));
      return otherwise;
    }
    return value->get<std::uint64_t>();
  }

  bool boolean(const char* key, bool otherwise = false) {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(std::string(key) + " is not true or false");
    return value->is_boolean() && value->get<bool>();
  }

  /// Seconds of Unix time.
  std::int64_t moment(const char* key) {
    return static_cast<std::int64_t>(number(key, 0, kLatestMoment));
  }

  std::vector<std::int64_t> moments(const char* key) {
    std::vector<std::int64_t> out;
    for (const json& item : list(key)) {
      const bool later = item.is_number_unsigned() && item.get<std::uint64_t>() <= kLatestMoment &&
                         (out.empty() || item.get<std::int64_t>() > out.back());
      if (!later) {
        refuse(std::string(key) + " does not hold ascending moments");
        break;
      }
      out.push_back(item.get<std::int64_t>());
    }
    return out;
  }

  const json& list(const char* key) {
    static const json kNone = json::array();
    const json* value = find(key);
    if (value == nullptr) return kNone;
    if (!value->is_array()) {
      refuse(std::string(key) + " is not a list");
      return kNone;
    }
    return *value;
  }

  CategoryMask categories(const char* key) {
    CategoryMask mask = 0;
    for (const std::string& name : strings(key)) {
      const Category* category = find_category(name);
      if (category == nullptr) {
        refuse("'" + name + "' is no category of the taxonomy");
      } else {
        mask |= bit(category->id);
      }
    }
    return mask;
  }

  std::vector<std::string> strings(const char* key) {
    std::vector<std::string> out;
    for (const json& item : list(key)) {
      if (!item.is_string()) {
        refuse(std::string(key) + " holds something that is not a string");
        break;
      }
      out.push_back(item.get<std::string>());
    }
    return out;
  }

 private:
  static constexpr std::uint64_t kLatestMoment = 253402300799;  // the end of the year 9999

  const json* find(const char* key) {
    if (error_) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  const json& object_;
  std::string where_;
  std::optional<Error> error_;
};

/// The value that `name` is the text of; `fallback` for any other.
template <class T>
T one_of(std::string_view name, T fallback, std::initializer_list<T> others) {
  for (const T value : others) {
    if (text(value) == name) return value;
  }
  return fallback;
}

Result<BlockAnswer> answer_from(const json& value) {
  Fields fields(value, "policy.answer");
  BlockAnswer answer;
  answer.dns = fields.string("dns") == "address" ? DnsAnswer::address : DnsAnswer::nxdomain;
  answer.tls =
      one_of(fields.string("tls"), TlsRefusal::reset, {TlsRefusal::alert, TlsRefusal::drop});
  answer.quic = one_of(fields.string("quic"), QuicRefusal::close, {QuicRefusal::drop});
  answer.http = one_of(fields.string("http"), HttpRefusal::page, {HttpRefusal::reset});
  answer.ttl_seconds = static_cast<std::uint32_t>(fields.number("ttl_seconds", 30, 60));
  answer.guardian = fields.boolean("guardian");
  if (const std::string ip = fields.string("page_ipv4"); !ip.empty()) {
    answer.page_ipv4.emplace();
    if (inet_pton(AF_INET, ip.c_str(), answer.page_ipv4->data()) != 1) {
      fields.refuse("page_ipv4 is not an IPv4 address");
    }
  }
  if (const std::string ip = fields.string("page_ipv6"); !ip.empty()) {
    answer.page_ipv6.emplace();
    if (inet_pton(AF_INET6, ip.c_str(), answer.page_ipv6->data()) != 1) {
      fields.refuse("page_ipv6 is not an IPv6 address");
    }
  }
  if (!fields.good()) return fail(fields.error());
  return answer;
}

Result<Group> group_from(const json& value) {
  Fields fields(value, "policy.groups");
  Group group{.name = fields.string("name"),
              .policy = fields.string("policy"),
              .macs = {},
              .prefixes = {},
              .vlans = {},
              .ports = fields.strings("ports")};
  for (const std::string& item : fields.strings("macs")) {
    auto mac = parse_mac(item);
    if (!mac) return fail(mac.error());
    group.macs.push_back(*mac);
  }
  for (const std::string& item : fields.strings("prefixes")) {
    auto prefix = parse_prefix(item);
    if (!prefix) return fail(prefix.error());
    group.prefixes.push_back(*prefix);
  }
  for (const json& item : fields.list("vlans")) {
    Fields vlan(item, "policy.groups.vlans");
    group.vlans.push_back({static_cast<std::uint16_t>(vlan.number("outer", 0, 4094)),
                           static_cast<std::uint16_t>(vlan.number("inner", 0, 4094))});
    if (!vlan.good()) return fail(vlan.error());
  }
  if (!fields.good()) return fail(fields.error());
  return group;
}

Result<Policy> policy_from(const json& value, const std::vector<Schedule>& schedules) {
  Fields fields(value, "policy.policies");
  Policy policy{.name = fields.string("name"),
                .blocked = fields.categories("block"),
                .watched = fields.categories("watch"),
                .strict = fields.boolean("strict"),
                .hours = {},
                .withhold_ech = fields.boolean("withhold_ech"),
                .refuse_encrypted_dns = fields.boolean("refuse_encrypted_dns"),
                .block_when_time_unknown = fields.boolean("block_when_time_unknown", true)};
  for (const json& item : fields.list("hours")) {
    Fields hours(item, "policy.policies.hours");
    const std::string name = hours.string("schedule");
    const auto schedule = std::find_if(schedules.begin(), schedules.end(),
                                       [&](const Schedule& one) { return one.name == name; });
    if (schedule == schedules.end()) hours.refuse("no schedule is named '" + name + "'");
    policy.hours.push_back({static_cast<std::uint16_t>(schedule - schedules.begin()),
                            hours.categories("categories"), hours.boolean("only_during"),
                            hours.boolean("cut")});
    if (!hours.good()) return fail(hours.error());
  }
  if (!fields.good()) return fail(fields.error());
  return policy;
}

}  // namespace

Result<PolicySet> from_json(std::string_view document) {
  const json root = parse_json(document);
  if (root.is_discarded()) {
    return fail("the policy is not JSON", "policy", "compile the generation again");
  }
  Fields fields(root, "policy");
  PolicySet set;
  set.default_policy = fields.string("default_policy");
  set.schedules_from = fields.moment("schedules_from");
  set.schedules_until = fields.moment("schedules_until");
  set.time_zone = fields.string("time_zone");
  for (const json& item : fields.list("schedules")) {
    Fields schedule(item, "policy.schedules");
    set.schedules.push_back(
        {schedule.string("name"), schedule.boolean("active"), schedule.moments("toggles")});
    if (!schedule.good()) return fail(schedule.error());
  }
  for (const json& item : fields.list("policies")) {
    auto policy = policy_from(item, set.schedules);
    if (!policy) return fail(policy.error());
    set.policies.push_back(std::move(*policy));
  }
  for (const json& item : fields.list("groups")) {
    auto group = group_from(item);
    if (!group) return fail(group.error());
    set.groups.push_back(std::move(*group));
  }
  if (!fields.good()) return fail(fields.error());
  if (root.contains("answer")) {
    auto answer = answer_from(root["answer"]);
    if (!answer) return fail(answer.error());
    set.answer = *answer;
  }
  return set;
}

}  // namespace sluice::policy
