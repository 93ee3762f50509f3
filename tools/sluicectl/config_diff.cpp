// What differs between two configurations, by key: comments, order and spelling do not count.
#include <algorithm>
#include <iostream>
#include <map>

#include "config/schema/document.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
using schema::Form;
using schema::TextNode;

/// A key's value: one text, or the texts of a list.
struct Value {
  std::vector<std::string> texts;
  bool list = false;

  friend bool operator==(const Value&, const Value&) = default;
};
using Keys = std::map<std::string, Value>;

std::string text_of(const TextNode& node);

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

/// A list's item on one line.
std::string text_of(const TextNode& node) {
  if (node.form == Form::scalar) return node.text;
  std::vector<std::string> parts;
  for (const TextNode& item : node.items) parts.push_back(text_of(item));
  for (const schema::Member& member : node.members) {
    parts.push_back(member.key.text + ": " + text_of(member.value));
  }
  std::sort(parts.begin(), parts.end());
  return (node.form == Form::list ? "[" : "{") + joined(parts) +
         (node.form == Form::list ? "]" : "}");
}

void flatten(const TextNode& node, const std::string& path, Keys& out) {
  if (node.form == Form::mapping && !node.members.empty()) {
    for (const schema::Member& member : node.members) {
      flatten(member.value, path.empty() ? member.key.text : path + "." + member.key.text, out);
    }
    return;
  }
  Value value;
  value.list = node.form == Form::list;
  if (value.list) {
    for (const TextNode& item : node.items) value.texts.push_back(text_of(item));
    std::sort(value.texts.begin(), value.texts.end());
  } else {
    value.texts.push_back(text_of(node));
  }
  out[path] = std::move(value);
}

/// Of a configuration without faults.
Keys keys_of(const schema::Source& source) {
  Keys keys;
  flatten(*source.root, "", keys);
  for (const schema::Layer& layer : source.loaded.config->layers) {
    schema::Faults none(layer.file.string());
    const auto body = schema::parse_document(layer.text, none);
    if (body) flatten(*body, "layers." + layer.name + " (its file)", keys);
  }
  return keys;
}

/// What stands in one list and not in the other; both are sorted.
std::vector<std::string> only_in(const Value& one, const Value& other) {
  std::vector<std::string> out;
  std::set_difference(one.texts.begin(), one.texts.end(), other.texts.begin(), other.texts.end(),
                      std::back_inserter(out));
  return out;
}

std::string change_text(const Value& before, const Value& after) {
  if (!before.list || !after.list) return joined(before.texts) + " -> " + joined(after.texts);
  std::string out;
  const auto gone = only_in(before, after);
  const auto fresh = only_in(after, before);
  if (!gone.empty()) out += "no longer " + joined(gone);
  if (!fresh.empty()) out += (out.empty() ? "now also " : "; now also ") + joined(fresh);
  return out;
}

/// What only a start reads; everything else is taken over while the gateway runs.
bool needs_restart(std::string_view path) {
  for (const std::string_view key : {"ports", "pairs", "dataplane", "state_dir", "run_dir"}) {
    if (path == key || (path.starts_with(key) && path.substr(key.size()).starts_with('.'))) {
      return true;
    }
  }
  return false;
}

}  // namespace

int diff_config(const Context& context, const std::filesystem::path& candidate) {
  // What is in use may lack a file by now; what comes is looked at as `config check` does.
  const auto before = schema::read_source(context.config_file, schema::References::unchecked);
  const auto after = schema::read_source(candidate);
  for (const schema::Source* one : {&before, &after}) {
    const auto& faults = one->loaded.faults;
    if (faults.empty()) continue;
    return report(context,
                  {faults[0].text(), {}, "see sluicectl config check " + one->file.string()});
  }
  return diff_sources(context, before, after);
}

int diff_sources(const Context& context, const schema::Source& source_before,
                 const schema::Source& source_after) {
  const Keys before = keys_of(source_before);
  const Keys after = keys_of(source_after);
  std::vector<std::vector<std::string>> rows;
  ordered_json changes = ordered_json::array();
  bool restart = false;
  const auto add = [&](const char* what, const std::string& path, std::string text) {
    restart = restart || needs_restart(path);
    changes.push_back(
        {{"change", what}, {"key", path}, {"text", text}, {"restart", needs_restart(path)}});
    rows.push_back({what, path, std::move(text)});
  };
  for (const auto& [path, value] : before) {
    const auto found = after.find(path);
    if (found == after.end()) {
      add("removed", path, "was " + joined(value.texts));
    } else if (found->second != value) {
      add("changed", path, change_text(value, found->second));
    }
  }
  for (const auto& [path, value] : after) {
    if (!before.contains(path)) add("added", path, joined(value.texts));
  }
  if (context.json) {
    print_json({{"ok", changes.empty()}, {"restart", restart}, {"changes", std::move(changes)}});
  } else {
    std::cout << (rows.empty() ? "nothing differs\n" : table(rows));
    if (restart) {
      std::cout << "ports, pairs, dataplane, state_dir and run_dir are read at a start: restart "
                   "sluice-dataplane\n";
    }
  }
  return rows.empty() ? kYes : kNo;
}

}  // namespace sluice::ctl
