// Curated lists, policies that let nothing else through, and what the modes' words stand for.
#include <algorithm>
#include <map>

#include "config/name/name.h"
#include "config/schema/bind.h"
#include "config/schema/nearest.h"

namespace sluice::schema {
namespace {

/// What a person has most likely written instead of a name.
std::string advice_for(std::string_view text) {
  const auto is_beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  if (std::any_of(text.begin(), text.end(), is_beyond_ascii)) {
    return "write an international name as its A-labels (xn--…)";
  }
  if (text.find('/') != std::string_view::npos) {
    return "write the name alone, without https:// and without a path";
  }
  return "write it as example.com; all names below it are meant, too";
}

void bind_domains(const TextNode& list, std::string_view key, const std::string& path,
                  std::map<std::string, Place>& seen, std::vector<std::string>& out,
                  Faults& faults) {
  const TextNode* value = find(list, key);
  if (value == nullptr) return;
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const TextNode& item = value->items[i];
    if (!item.good) continue;
    const std::string at = path + "." + std::string(key) + "[" + std::to_string(i) + "]";
    auto name = name::canonical(item.text);
    if (!name) {
      const bool is_url = item.text.find('/') != std::string::npos;
      faults.add(item.place, at,
                 "'" + item.text + "' is no domain name" + (is_url ? "" : ": " + name.error().what),
                 advice_for(item.text));
      continue;
    }
    const auto [first, fresh] = seen.emplace(*name, item.place);
    if (!fresh) {
      faults.add(item.place, at,
                 "'" + item.text + "' is already in this list at line " +
                     std::to_string(first->second.line),
                 "name it once");
      continue;
    }
    out.push_back(std::move(*name));
  }
}

/// An exception that no name of the list covers does nothing, and was meant to do something.
void check_exceptions(const TextNode& node, const std::string& path,
                      const policy::CuratedList& list, Faults& faults) {
  const TextNode* value = find(node, "except");
  if (value == nullptr) return;
  const auto is_above = [](const std::string& above, const std::string& name) {
    return name.size() > above.size() && name.ends_with(above) &&
           name[name.size() - above.size() - 1] == '.';
  };
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const auto name = name::canonical(value->items[i].text);
    if (!value->items[i].good || !name ||
        std::find(list.except.begin(), list.except.end(), *name) == list.except.end()) {
      continue;
    }
    const auto covers = [&](const std::string& above) { return is_above(above, *name); };
    if (std::any_of(list.names.begin(), list.names.end(), covers) ||
        std::any_of(list.needs.begin(), list.needs.end(), covers)) {
      continue;
    }
    faults.add(value->items[i].place, path + ".except[" + std::to_string(i) + "]",
               "'" + *name + "' is below no name of the list",
               "remove it, or add the name above it");
  }
}

}  // namespace

std::vector<policy::CuratedList> bind_curated_lists(const TextNode* curated,
                                                    const std::string& path_of_all,
                                                    std::size_t room, Faults& faults) {
  std::vector<policy::CuratedList> out;
  std::size_t count = 0;
  for (const Member* member : entries(curated)) {
    const std::string path = path_of_all + "." + member->key.text;
    policy::CuratedList list{.name = member->key.text, .names = {}, .needs = {}, .except = {}};
    std::map<std::string, Place> seen;
    bind_domains(member->value, "names", path, seen, list.names, faults);
    bind_domains(member->value, "needs", path, seen, list.needs, faults);
    bind_domains(member->value, "except", path, seen, list.except, faults);
    check_exceptions(member->value, path, list, faults);
    const std::size_t before = count;
    count += list.names.size() + list.needs.size() + list.except.size();
    if (before <= room && count > room) {
      faults.add(member->key.place, path,
                 "makes more than " + std::to_string(room) + " curated names",
                 "name domains instead of each of their hosts");
    }
    out.push_back(std::move(list));
  }
  return out;
}

void bind_curated(const TextNode& root, Config& config, Faults& faults) {
  config.policy.curated =
      bind_curated_lists(find(root, "curated"), "curated", kMaxCuratedNames, faults);
}

void bind_only(const TextNode& policy, const std::string& path,
               const std::vector<std::string_view>& known, policy::Policy& out, Faults& faults) {
  const TextNode* node = find(policy, "only");
  if (node == nullptr) return;
  policy::Only only;
  if (const TextNode* lists = find(*node, "lists")) {
    for (std::size_t i = 0; i < lists->items.size(); ++i) {
      const TextNode& item = lists->items[i];
      const std::string at = path + ".only.lists[" + std::to_string(i) + "]";
      if (!item.good || !check_reference(item, "curated list", known, at, faults)) continue;
      const auto found = std::find(known.begin(), known.end(), item.text) - known.begin();
      if (found < static_cast<std::ptrdiff_t>(policy::kMaxCuratedLists)) {
        only.lists |= std::uint64_t{1} << found;
      }
    }
  }
  if (const TextNode* categories = find(*node, "categories")) {
    for (const TextNode& item : categories->items) {
      const policy::Category* category = item.good ? policy::find_category(item.text) : nullptr;
      if (category != nullptr) only.categories |= policy::bit(category->id);
    }
  }
  if (const TextNode* unnamed = find(*node, "without_name")) {
    only.refuse_unnamed = unnamed->text == "refuse";
  }
  out.only = only;
}

void bind_modes(const TextNode& root, Config& config, Faults& faults) {
  const TextNode* modes = find(root, "modes");
  if (modes == nullptr) return;
  const auto policies = names(find(root, "policies"));
  for (const Member& member : modes->members) {
    if (member.duplicate || !member.value.good || member.key.form != Form::scalar) continue;
    if (check_reference(member.value, "policy", policies, "modes." + member.key.text, faults)) {
      config.modes[member.key.text] = member.value.text;
    }
  }
}

}  // namespace sluice::schema
