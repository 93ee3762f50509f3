#include <ctime>
#include <iostream>
#include <system_error>

#include "config/calendar/calendar.h"
#include "config/ipc/socket.h"
#include "config/name/name.h"
#include "control/service/signed_layers.h"
#include "tools/sluicectl/commands.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

struct Source {
  policy::PolicySet policy;
  std::string from;
  std::vector<std::string> ports;
};

/// The policy that is enforced is the generation's; the configuration's stands in where a
/// generation carries none, and names the inside ports.
Result<Source> find_policy(const Context& context, const Result<schema::Config>& config,
                           const generation::Generation& generation) {
  Source source;
  const bool carried = !generation.policy_json().empty();
  std::error_code code;
  if (context.config_given || std::filesystem::exists(context.config_file, code)) {
    if (!config && (context.config_given || !carried)) return fail(config.error());
    if (config) {
      for (const schema::Pair& pair : config->pairs) source.ports.push_back(pair.inside);
      auto policy = schema::policy_at(*config, std::time(nullptr));
      if (!policy) return fail(policy.error());
      source.policy = std::move(*policy);
      source.from = context.config_file.string();
      // Without control nothing brings them: neither here nor on the wire.
      const auto layered = service::with_kept_layers(*config);
      if (!layered || layered->policy.layers.size() > config->policy.layers.size()) {
        source.from +=
            " without the layers that the authority signed, as the generation carries "
            "no policy";
      }
    }
  }
  if (carried) {
    auto policy = policy::from_json(generation.policy_json());
    if (!policy) return fail(policy.error());
    source.policy = std::move(*policy);
    source.from = "the generation";
  }
  if (source.from.empty()) {
    policy::Policy& defaults = source.policy.policies.emplace_back();
    defaults.name = source.policy.default_policy = "defaults";
    for (const policy::Category& category : policy::taxonomy()) {
      if (category.minors_default == policy::MinorsDefault::block) {
        defaults.blocked |= policy::bit(category.id);
      }
    }
    source.from = "what is blocked for minors by default, as no configuration was found";
  }
  return source;
}

/// What the device has spent until now, from the dataplane where it runs; null where it does not.
nlohmann::json spent_by(const Result<schema::Config>& config, const Device& device,
                        const policy::PolicySet& policy) {
  std::string name;
  if (policy.devices_by_address && device.address) {
    name = policy::text(*device.address);
    name.resize(name.find('/'));
    if (device.vlan.outer != 0) name += "@" + std::to_string(device.vlan.outer);
    if (device.vlan.inner != 0) name += "." + std::to_string(device.vlan.inner);
  } else if (device.mac) {
    name = policy::text(*device.mac);
  }
  if (!config || name.empty()) return nullptr;
  const auto reply =
      ipc::call(config->dataplane_socket(), {{"command", "budgets"}, {"device", name}}, kPatience);
  if (!reply || !reply->contains("spent")) return nullptr;
  return (*reply)["spent"];
}

/// The device that the dataplane has found it to be, where the policy names it by another address;
/// null where it does not run, or knows of none.
nlohmann::json named_device(const Result<schema::Config>& config, const Device& device) {
  if (!config || (!device.address && !device.mac)) return nullptr;
  nlohmann::json request = {{"command", "devices"},
                            {"vlan", device.vlan.outer},
                            {"inner_vlan", device.vlan.inner},
                            {"port", device.port}};
  if (device.mac) request["mac"] = policy::text(*device.mac);
  std::string own;
  if (device.address) {
    own = policy::text(*device.address);
    own.resize(own.find('/'));
    request["address"] = own;
  }
  const auto reply = ipc::call(config->dataplane_socket(), request, kPatience);
  if (!reply || !reply->contains("devices") || (*reply)["devices"].size() != 1) return nullptr;
  nlohmann::json named = (*reply)["devices"][0];
  return named.value("address", "") == own ? nlohmann::json(nullptr) : named;
}

}  // namespace

int explain_name(const Context& context, const ExplainOptions& options) {
  const auto device = parse_device(options.client, options.mac, options.vlan, options.port);
  if (!device) return report(context, device.error());
  const auto config = load_config(context);
  const auto file = generation_file(context, options.generation, config);
  if (!file) return report(context, file.error());
  const auto generation = generation::Generation::open(*file);
  if (!generation) return report(context, generation.error());
  auto source = find_policy(context, config, **generation);
  if (!source) return report(context, source.error());

  policy::Moment moment = std::time(nullptr);
  if (options.at == "unknown") {
    moment.reset();
  } else if (!options.at.empty()) {
    const auto at = calendar::parse_moment(options.at, source->policy.time_zone);
    if (!at) return report(context, at.error());
    moment = *at;
  }
  Question question{.generation = generation->get(),
                    .policy = &source->policy,
                    .policy_from = source->from,
                    .ports = source->ports,
                    .name = options.name,
                    .device = *device,
                    .moment = moment,
                    .at_another_time = !options.at.empty()};
  const auto groups = policy::GroupTable::build(source->policy, source->ports);
  if (groups && groups->names_hosts()) question.named = named_device(config, *device);
  question.now = std::time(nullptr);
  question.ask_until_when = true;
  const auto canonical = name::canonical(options.name);
  if (canonical && config) {
    question.later = listed_later(**generation, config->state_dir, *canonical, *question.now);
  }
  if (!source->policy.budgets.empty()) question.spent = spent_by(config, *device, source->policy);
  auto document = explain(question);
  if (!document) return report(context, document.error());
  if (!options.protocol.empty()) {
    nlohmann::ordered_json& gets = (*document)["client_gets"];
    gets = {{options.protocol, gets[options.protocol]}};
  }
  if (context.json) {
    print_json(*document);
  } else {
    std::cout << explanation_text(*document);
  }
  return kYes;
}

}  // namespace sluice::ctl
