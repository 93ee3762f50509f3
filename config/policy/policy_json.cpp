// The policy document of a generation.
#include <arpa/inet.h>

#include "config/base/json.h"
#include "config/policy/policy.h"

namespace sluice::policy {
namespace {

using nlohmann::json;

json names_of(CategoryMask mask) {
  json names = json::array();
  for (const Category& category : taxonomy()) {
    if ((mask & bit(category.id)) != 0) names.push_back(category.name);
  }
  return names;
}

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

  bool boolean(const char* key) {
    const json* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) refuse(std::string(key) + " is not true or false");
    return value->is_boolean() && value->get<bool>();
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

}  // namespace

std::string to_json(const PolicySet& set) {
  json answer = {{"dns", set.answer.dns == DnsAnswer::address ? "address" : "nxdomain"},
                 {"tls", text(set.answer.tls)},
                 {"quic", text(set.answer.quic)},
                 {"http", text(set.answer.http)},
                 {"ttl_seconds", set.answer.ttl_seconds},
                 {"guardian", set.answer.guardian}};
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (set.answer.page_ipv4) {
    answer["page_ipv4"] =
        inet_ntop(AF_INET, set.answer.page_ipv4->data(), buffer.data(), buffer.size());
  }
  if (set.answer.page_ipv6) {
    answer["page_ipv6"] =
        inet_ntop(AF_INET6, set.answer.page_ipv6->data(), buffer.data(), buffer.size());
  }
  json policies = json::array();
  for (const Policy& policy : set.policies) {
    policies.push_back({{"name", policy.name},
                        {"block", names_of(policy.blocked)},
                        {"watch", names_of(policy.watched)},
                        {"strict", policy.strict}});
  }
  json groups = json::array();
  for (const Group& group : set.groups) {
    json item = {{"name", group.name}, {"policy", group.policy}, {"ports", group.ports}};
    item["macs"] = json::array();
    for (const Mac& mac : group.macs) item["macs"].push_back(text(mac));
    item["prefixes"] = json::array();
    for (const Prefix& prefix : group.prefixes) item["prefixes"].push_back(text(prefix));
    item["vlans"] = json::array();
    for (const VlanMatch& vlan : group.vlans) {
      item["vlans"].push_back({{"outer", vlan.outer}, {"inner", vlan.inner}});
    }
    groups.push_back(std::move(item));
  }
  const json document = {{"answer", std::move(answer)},
                         {"policies", std::move(policies)},
                         {"groups", std::move(groups)},
                         {"default_policy", set.default_policy}};
  return json_text(document);
}

Result<PolicySet> from_json(std::string_view document) {
  const json root = parse_json(document);
  if (root.is_discarded()) {
    return fail("the policy is not JSON", "policy", "compile the generation again");
  }
  Fields fields(root, "policy");
  PolicySet set;
  set.default_policy = fields.string("default_policy");
  for (const json& item : fields.list("policies")) {
    Fields policy(item, "policy.policies");
    set.policies.push_back({policy.string("name"), policy.categories("block"),
                            policy.categories("watch"), policy.boolean("strict")});
    if (!policy.good()) return fail(policy.error());
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
