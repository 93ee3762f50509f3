// The table of keys as the reference that docs/CONFIGURATION.md holds.
#include "config/policy/taxonomy.h"
#include "config/schema/nearest.h"
#include "config/schema/policy_presets.h"
#include "config/schema/shape.h"

namespace sluice::schema {
namespace {

std::string form_of(const Shape& shape);

std::string plain_form(const Shape& shape) {
  switch (shape.kind) {
    case Kind::integer:
      return std::to_string(shape.minimum) + " to " + std::to_string(shape.maximum);
    case Kind::choice: {
      std::string out;
      for (const std::string_view choice : shape.choices) {
        out += (out.empty() ? "`" : ", `") + std::string(choice) + "`";
      }
      return out;
    }
    case Kind::list:
      return "list of " + form_of(*shape.item);
    case Kind::named:
      return "names of your own, each with " + form_of(*shape.item);
    default:
      return std::string(shape.noun);
  }
}

std::string form_of(const Shape& shape) {
  std::string out = plain_form(shape);
  if (shape.also != nullptr) out += "; or " + form_of(*shape.also);
  return out;
}

/// The mapping that a shape holds, at whatever depth, or nullptr.
const Shape* mapping_in(const Shape& shape) {
  if (shape.kind == Kind::mapping) return &shape;
  if (shape.also != nullptr) {
    if (const Shape* found = mapping_in(*shape.also)) return found;
  }
  return shape.item != nullptr ? mapping_in(*shape.item) : nullptr;
}

std::string path_below(const std::string& path, const Field& field) {
  std::string out = path.empty() ? std::string(field.name) : path + "." + std::string(field.name);
  if (field.shape->kind == Kind::named) out += ".NAME";
  if (field.shape->kind == Kind::list) out += "[]";
  return out;
}

void append_table(const Shape& mapping, const std::string& path, std::string& out) {
  out += path.empty() ? "### Top level\n\n" : "### `" + path + "`\n\n";
  out += "| key | value | left out | meaning |\n| --- | --- | --- | --- |\n";
  for (const Field& field : mapping.fields) {
    const std::string fallback = field.required ? "**needed**" : std::string(field.fallback);
    out += "| `" + std::string(field.name) + "` | " + form_of(*field.shape) + " | " + fallback +
           " | " + std::string(field.description) + " |\n";
  }
  out += "\n";
  for (const Field& field : mapping.fields) {
    if (const Shape* inner = mapping_in(*field.shape)) {
      append_table(*inner, path_below(path, field), out);
    }
  }
}

std::string_view text(policy::MinorsDefault value) {
  switch (value) {
    case policy::MinorsDefault::block:
      return "blocked";
    case policy::MinorsDefault::calendar:
      return "by hours";
    case policy::MinorsDefault::off:
      return "passes";
    case policy::MinorsDefault::allow:
      return "allowed";
  }
  return "";
}

std::string_view text(policy::Override value) {
  switch (value) {
    case policy::Override::never:
      return "nobody";
    case policy::Override::admin:
      return "the administrator";
    case policy::Override::school:
      return "the school";
    case policy::Override::not_applicable:
      return "";
  }
  return "";
}

void append_presets(std::string_view what, const std::vector<calendar::Preset>& presets,
                    std::string& out) {
  for (const calendar::Preset& preset : presets) {
    out += "| `" + std::string(preset.name) + "` | " + std::string(what) + " | " +
           std::string(preset.says) + " | " + std::string(preset.source) + " |\n";
  }
}

}  // namespace

std::string key_reference() {
  std::string out = "## Keys\n\n";
  append_table(root_shape(), "", out);

  out += "## Devices\n\n| kind | example | what it is |\n| --- | --- | --- |\n";
  for (const DeviceKind& kind : device_kinds()) {
    out += "| `" + std::string(kind.name) + "` | `" + std::string(kind.example) + "` | " +
           std::string(kind.description) + " |\n";
  }
  out +=
      "\n## Categories\n\n| category | | for minors | who may allow a name |\n"
      "| --- | --- | --- | --- |\n";
  for (const policy::Category& category : policy::taxonomy()) {
    if (category.override_by == policy::Override::not_applicable) continue;
    out += "| `" + std::string(category.name) + "` | " + std::string(category.name_zh) + " | " +
           std::string(text(category.minors_default)) + " | " +
           std::string(text(category.override_by)) + " |\n";
  }
  out += "\n## Presets\n\n| name | of | says | source |\n| --- | --- | --- | --- |\n";
  append_presets("`schedules`", calendar::schedule_presets(), out);
  append_presets("`policies`", policy_presets(), out);
  append_presets("`calendar.holidays`", calendar::holiday_presets(), out);
  return out;
}

}  // namespace sluice::schema
