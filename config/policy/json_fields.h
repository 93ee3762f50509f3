// One JSON object of the policy document, field by field. Not for use outside of this folder.
//
// Thread safety: one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/base/json.h"
#include "config/base/result.h"
#include "config/policy/taxonomy.h"

namespace sluice::policy {

/// Reads one JSON object with every fault turned into one Error; the first fault wins.
class Fields {
 public:
  Fields(const nlohmann::json& object, std::string where)
      : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) refuse("is not an object");
  }

  [[nodiscard]] bool good() const { return !error_; }
  [[nodiscard]] Error error() const { return *error_; }

  void refuse(std::string what, std::string advice = "compile the generation again") {
    if (!error_) error_ = Error{std::move(what), where_, std::move(advice)};
  }

  /// What every version writes: without it, the rest would mean something else.
  void need(std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (!error_ && !object_.contains(key)) refuse(std::string("has no ") + key);
    }
  }

  /// good() where all has been asked for that there is. What nobody asked for is of a newer
  /// version, and may refuse something: it is not left out.
  [[nodiscard]] bool whole() {
    if (error_) return false;
    for (const auto& [key, value] : object_.items()) {
      if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
      refuse("has the key '" + key + "', which this version does not know",
             "install the version that made it, or compile the generation again");
    }
    return good();
  }

  std::string string(const char* key) {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_string()) {
      refuse(std::string(key) + " is not a string");
      return {};
    }
    return value->get<std::string>();
  }

  std::uint64_t number(const char* key, std::uint64_t otherwise, std::uint64_t most) {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most) {
      refuse(std::string(key) + " is not a number up to " + std::to_string(most));
      return otherwise;
    }
    return value->get<std::uint64_t>();
  }

  bool boolean(const char* key, bool otherwise = false) {
    const nlohmann::json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(std::string(key) + " is not true or false");
    return value->is_boolean() && value->get<bool>();
  }

  /// Seconds of Unix time.
  std::int64_t moment(const char* key) {
    return static_cast<std::int64_t>(number(key, 0, kLatestMoment));
  }

  std::vector<std::int64_t> moments(const char* key) {
    std::vector<std::int64_t> out;
    for (const nlohmann::json& item : list(key)) {
      const bool later = item.is_number_unsigned() && item.get<std::uint64_t>() <= kLatestMoment &&
                         (out.empty() || item.get<std::int64_t>() > out.back());
      if (!later) {
        refuse(std::string(key) + " does not hold ascending moments");
        break;
      }
      out.push_back(item.get<std::int64_t>());
    }
    return out;
  }

  const nlohmann::json& list(const char* key) {
    static const nlohmann::json kNone = nlohmann::json::array();
    const nlohmann::json* value = find(key);
    if (value == nullptr) return kNone;
    if (!value->is_array()) {
      refuse(std::string(key) + " is not a list");
      return kNone;
    }
    return *value;
  }

  /// The value that a word is the text of, `otherwise` where there is none.
  template <class T>
  T word(const char* key, T otherwise, std::initializer_list<T> others) {
    const std::string given = string(key);
    if (given.empty() || text(otherwise) == given) return otherwise;
    for (const T value : others) {
      if (text(value) == given) return value;
    }
    refuse(std::string(key) + " is '" + given + "', which this version does not know",
           "install the version that made it, or compile the generation again");
    return otherwise;
  }

  /// An object of its own, or null.
  const nlohmann::json* object(const char* key) { return find(key); }

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
    for (const nlohmann::json& item : list(key)) {
      if (!item.is_string()) {
        refuse(std::string(key) + " holds something that is not a string");
        break;
      }
      out.push_back(item.get<std::string>());
    }
    return out;
  }

 private:
  static constexpr std::uint64_t kLatestMoment = 253402300799;  // the end of the year 9999

  const nlohmann::json* find(const char* key) {
    if (error_) return nullptr;
    asked_.emplace_back(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  const nlohmann::json& object_;
  std::string where_;
  std::vector<std::string_view> asked_;
  std::optional<Error> error_;
};

}  // namespace sluice::policy
