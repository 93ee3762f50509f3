// The table of keys as JSON Schema 2020-12, for editors and for other programs that write
// configurations. What needs more than one key to judge is load()'s alone.

#include "config/base/json.h"
#include "config/policy/taxonomy.h"
#include "config/schema/shape.h"

namespace sluice::schema {
namespace {

using nlohmann::ordered_json;

ordered_json schema_of(const Shape& shape);

ordered_json words(std::span<const std::string_view> choices) {
  ordered_json out = ordered_json::array();
  for (const std::string_view choice : choices) out.push_back(choice);
  return out;
}

ordered_json category_schema(const Shape& shape) {
  ordered_json all = words(shape.choices);
  for (const policy::Category& category : policy::taxonomy()) {
    if (category.override_by != policy::Override::not_applicable) all.push_back(category.name);
  }
  return {{"enum", std::move(all)}};
}

ordered_json device_schema() {
  std::string kinds;
  std::string bare;
  for (const DeviceKind& kind : device_kinds()) {
    std::string& group = kind.wants_argument ? kinds : bare;
    group += (group.empty() ? "" : "|") + std::string(kind.name);
  }
  return {{"type", "string"}, {"pattern", "^((" + kinds + "):.+|(" + bare + "):.*)$"}};
}

ordered_json mapping_schema(const Shape& shape) {
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  for (const Field& field : shape.fields) {
    ordered_json property = {{"description", field.description}};
    property.update(schema_of(*field.shape));
    properties[std::string(field.name)] = std::move(property);
    if (field.required) required.push_back(field.name);
  }
  ordered_json out = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}

ordered_json plain_schema(const Shape& shape) {
  switch (shape.kind) {
    case Kind::mapping:
      return mapping_schema(shape);
    case Kind::named:
      return {{"type", "object"},
              {"minProperties", shape.minimum},
              {"maxProperties", shape.maximum},
              {"propertyNames", {{"pattern", pattern(Kind::name)}}},
              {"additionalProperties", schema_of(*shape.item)}};
    case Kind::list:
      return {{"type", "array"}, {"items", schema_of(*shape.item)}, {"uniqueItems", true}};
    case Kind::integer:
      return {{"type", "integer"}, {"minimum", shape.minimum}, {"maximum", shape.maximum}};
    case Kind::choice:
      return {{"enum", words(shape.choices)}};
    case Kind::category:
      return category_schema(shape);
    case Kind::device:
      return device_schema();
    case Kind::text:
      return {{"type", "string"}, {"minLength", shape.minimum}, {"maxLength", shape.maximum}};
    case Kind::ipv4:
      return {{"type", "string"}, {"format", "ipv4"}};
    case Kind::ipv6:
      return {{"type", "string"}, {"format", "ipv6"}};
    default:
      return {{"type", "string"}, {"pattern", pattern(shape.kind)}};
  }
}

ordered_json schema_of(const Shape& shape) {
  if (shape.also == nullptr) return plain_schema(shape);
  return {{"anyOf", ordered_json::array({plain_schema(shape), schema_of(*shape.also)})}};
}

}  // namespace

std::string json_schema() {
  ordered_json document = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                           {"title", "Sluice configuration"}};
  document.update(schema_of(root_shape()));
  return json_text(document, 2) + "\n";
}

}  // namespace sluice::schema
