#include "config/base/json.h"

namespace sluice {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

template <class Json>
std::string lenient(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

json parse_json(std::string_view text) { return json::parse(text, nullptr, false); }

std::string text_at(const json& value, const char* key) {
  const auto found = value.is_object() ? value.find(key) : value.end();
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string json_text(const json& value, int indent) { return value.dump(indent); }
std::string json_text(const ordered_json& value, int indent) { return value.dump(indent); }

std::string lenient_json_text(const json& value, int indent) { return lenient(value, indent); }
std::string lenient_json_text(const ordered_json& value, int indent) {
  return lenient(value, indent);
}

}  // namespace sluice
