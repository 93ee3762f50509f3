#include "config/schema/check.h"

#include <algorithm>
#include <map>
#include <vector>

#include "config/schema/nearest.h"

namespace sluice::schema {
namespace {

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string_view text(Form form) {
  switch (form) {
    case Form::nothing:
      return "empty";
    case Form::scalar:
      return "a single value";
    case Form::list:
      return "a list";
    case Form::mapping:
      return "a mapping of keys";
    case Form::refused:
      return "unusable";
  }
  return "unusable";
}

Form form_of(Kind kind) {
  if (kind == Kind::mapping || kind == Kind::named) return Form::mapping;
  return kind == Kind::list ? Form::list : Form::scalar;
}

/// Reports keys that are no words or were given before; leaves only the others to be looked at.
bool check_key(Member& member, const std::string& path, std::map<std::string_view, Place>& seen,
               Faults& faults) {
  const TextNode& key = member.key;
  if (key.form == Form::refused) return false;
  if (key.form != Form::scalar || key.text.empty()) {
    faults.add(key.place, path, "a key that is " + std::string(text(key.form)),
               "a key is a word followed by ':' and a space");
    return false;
  }
  if (key.text == "<<") {
    faults.add(key.place, path, "merge keys (<<) are not used in this file", "write the keys out");
    return false;
  }
  const auto [first, fresh] = seen.emplace(key.text, key.place);
  if (!fresh) {
    member.duplicate = true;
    faults.add(key.place, below(path, key.text),
               "the key was already given at line " + std::to_string(first->second.line),
               "keep one of them");
  }
  return true;
}

void check_fields(TextNode& node, const Shape& shape, const std::string& path, Faults& faults) {
  std::vector<std::string_view> known;
  for (const Field& field : shape.fields) known.push_back(field.name);

  std::map<std::string_view, Place> seen;
  for (Member& member : node.members) {
    if (faults.full()) return;
    if (!check_key(member, path, seen, faults)) continue;
    const std::string key_path = below(path, member.key.text);
    const auto field = std::find_if(shape.fields.begin(), shape.fields.end(),
                                    [&](const Field& f) { return f.name == member.key.text; });
    if (field == shape.fields.end()) {
      faults.add(member.key.place, key_path, "no such key", suggest(member.key.text, known));
      continue;
    }
    check(member.value, *field->shape, key_path, faults);
  }
  for (const Field& field : shape.fields) {
    if (!field.required || seen.contains(field.name)) continue;
    faults.add(node.place, below(path, field.name),
               "is missing; " + std::string(shape.because.empty() ? "it is needed" : shape.because),
               "add '" + std::string(field.name) + ":'");
  }
}

void check_named(TextNode& node, const Shape& shape, const std::string& path, Faults& faults) {
  static constexpr Shape kName{.kind = Kind::name, .noun = "a name"};
  std::map<std::string_view, Place> seen;
  for (Member& member : node.members) {
    if (faults.full()) return;
    if (!check_key(member, path, seen, faults)) continue;
    member.key.plain = false;  // a name of digits is a name where it stands as a key
    if (auto problem = check_scalar(member.key, kName)) {
      faults.add(member.key.place, below(path, member.key.text), std::move(problem->what),
                 std::move(problem->advice));
    }
    check(member.value, *shape.item, below(path, member.key.text), faults);
  }
  const auto count = static_cast<std::int64_t>(seen.size());
  if (count < shape.minimum || count > shape.maximum) {
    const bool few = count < shape.minimum;
    faults.add(node.place, path,
               "has " + std::to_string(count) + (count == 1 ? " entry" : " entries"),
               "give at " + std::string(few ? "least " : "most ") +
                   std::to_string(few ? shape.minimum : shape.maximum));
  }
}

/// The form among a shape and its alternative that the node has, or nullptr.
const Shape* choose(const TextNode& node, const Shape& shape) {
  if (node.form == form_of(shape.kind)) return &shape;
  if (shape.also != nullptr && node.form == form_of(shape.also->kind)) return shape.also;
  return nullptr;
}

void report_form(const TextNode& node, const Shape& shape, const std::string& path,
                 Faults& faults) {
  if (node.form == Form::refused) return;
  if (node.form == Form::nothing) {
    faults.add(node.place, path, "has no value",
               "give it " + std::string(shape.noun) + ", or remove the key");
    return;
  }
  std::string advice = "write " + (shape.kind == Kind::choice ? "one of " + join(shape.choices)
                                                              : std::string(shape.noun));
  if (node.form == Form::scalar && shape.kind == Kind::list) {
    const bool is_word = shape.item->kind != Kind::days && shape.item->kind != Kind::time;
    advice = is_word ? "write [" + node.text + "]" : "write [\"" + node.text + "\"]";
  } else if (node.form == Form::scalar && form_of(shape.kind) == Form::mapping) {
    advice += ", one 'key: value' a line";
  } else if (node.form == Form::mapping && form_of(shape.kind) == Form::scalar) {
    advice += "; put quotes around a text that holds ': ' or ends with ':'";
  }
  faults.add(
      node.place, path,
      "is " + std::string(text(node.form)) + ", not " + std::string(text(form_of(shape.kind))),
      std::move(advice));
}

}  // namespace

void check(TextNode& node, const Shape& shape, const std::string& path, Faults& faults) {
  const Shape* chosen = choose(node, shape);
  if (chosen == nullptr) {
    report_form(node, shape, path, faults);
    return;
  }
  node.good = true;
  switch (chosen->kind) {
    case Kind::mapping:
      check_fields(node, *chosen, path, faults);
      return;
    case Kind::named:
      check_named(node, *chosen, path, faults);
      return;
    case Kind::list:
      for (std::size_t i = 0; i < node.items.size() && !faults.full(); ++i) {
        check(node.items[i], *chosen->item, path + "[" + std::to_string(i) + "]", faults);
      }
      return;
    default:
      if (auto problem = check_scalar(node, *chosen)) {
        node.good = false;
        faults.add(node.place, path, std::move(problem->what), std::move(problem->advice));
      }
  }
}

}  // namespace sluice::schema
