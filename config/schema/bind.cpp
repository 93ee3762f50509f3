#include "config/schema/bind.h"

#include <algorithm>

#include "config/schema/nearest.h"

namespace sluice::schema {

const TextNode* find(const TextNode& mapping, std::string_view key) {
  if (mapping.form != Form::mapping) return nullptr;
  for (const Member& member : mapping.members) {
    if (!member.duplicate && member.key.text == key) {
      return member.value.good ? &member.value : nullptr;
    }
  }
  return nullptr;
}

void take(const TextNode& mapping, std::string_view key, std::string& out) {
  if (const TextNode* node = find(mapping, key)) out = node->text;
}
void take(const TextNode& mapping, std::string_view key, std::filesystem::path& out) {
  if (const TextNode* node = find(mapping, key)) out = node->text;
}
void take(const TextNode& mapping, std::string_view key, std::uint32_t& out) {
  if (const TextNode* node = find(mapping, key)) out = static_cast<std::uint32_t>(node->number);
}

std::vector<const Member*> entries(const TextNode* mapping) {
  std::vector<const Member*> out;
  if (mapping == nullptr) return out;
  for (const Member& member : mapping->members) {
    if (!member.duplicate && member.value.good) out.push_back(&member);
  }
  return out;
}

std::vector<std::string_view> names(const TextNode* mapping) {
  std::vector<std::string_view> out;
  if (mapping == nullptr) return out;
  for (const Member& member : mapping->members) {
    if (!member.duplicate && member.key.form == Form::scalar) out.push_back(member.key.text);
  }
  return out;
}

bool check_reference(const TextNode& word, std::string_view what,
                     const std::vector<std::string_view>& known, const std::string& path,
                     Faults& faults) {
  if (std::find(known.begin(), known.end(), word.text) != known.end()) return true;
  faults.add(word.place, path, "no " + std::string(what) + " is named '" + word.text + "'",
             suggest(word.text, known));
  return false;
}

}  // namespace sluice::schema
