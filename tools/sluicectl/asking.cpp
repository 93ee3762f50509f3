#include "tools/sluicectl/asking.h"

#include "config/base/json.h"
#include "config/ipc/socket.h"

namespace sluice::ctl {

Result<nlohmann::json> ask(const Context& context, Process process, const nlohmann::json& request,
                           std::chrono::milliseconds patience) {
  const auto config = load_config(context);
  if (!config) return fail(config.error());
  auto reply = ipc::call(
      process == Process::control ? config->control_socket() : config->dataplane_socket(), request,
      patience);
  if (reply) reply->erase("ok");
  return reply;
}

std::string shown(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : json_text(*found);
}

}  // namespace sluice::ctl
