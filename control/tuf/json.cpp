#include "control/tuf/json.h"

#include <utility>

#include "config/base/json.h"

namespace sluice::tuf {
namespace {

// Others read numbers as JavaScript does, exactly up to here.
constexpr std::int64_t kGreatestInteger = (std::int64_t{1} << 53) - 1;

/// Builds the value while it refuses what the header lists.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] Json take() { return std::move(root_); }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override {
    return value < -kGreatestInteger ? refuse_number(std::to_string(value)) : put(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return value > std::uint64_t{kGreatestInteger} ? refuse_number(std::to_string(value))
                                                   : put(value);
  }
  bool number_float(number_float_t, const string_t& text) override { return refuse_number(text); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    if (stack_.back()->contains(value)) return refuse("the key \"" + value + "\" is there twice");
    key_ = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("is not JSON at octet " + std::to_string(position));
  }

 private:
  bool refuse(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
    return false;
  }

  bool refuse_number(const std::string& text) {
    return refuse("the number " + text + " has a fraction or an exponent, or is too great");
  }

  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  bool put(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (stack_.size() >= kMaxJsonDepth) return refuse("is nested too deep");
    stack_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  Json root_ = Json::object();
  std::vector<Json*> stack_;
  std::string key_;
  std::string reason_;
};

void append_text(std::string& out, const std::string& text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

void append(std::string& out, const Json& value) {
  if (value.is_string()) return append_text(out, value.get_ref<const std::string&>());
  if (!value.is_structured()) {
    out += json_text(value);
    return;
  }
  const bool is_object = value.is_object();
  out.push_back(is_object ? '{' : '[');
  bool first = true;
  // nlohmann keeps the keys of an object in the order of their octets.
  for (const auto& item : value.items()) {
    if (!std::exchange(first, false)) out.push_back(',');
    if (is_object) {
      append_text(out, item.key());
      out.push_back(':');
    }
    append(out, item.value());
  }
  out.push_back(is_object ? '}' : ']');
}

const Json kEmptyObject = Json::object();
const Json kEmptyArray = Json::array();

}  // namespace

Result<Json> parse_strict(std::string_view bytes, std::string_view where) {
  StrictBuilder builder;
  if (!Json::sax_parse(bytes.begin(), bytes.end(), &builder)) {
    return fail(builder.reason(), std::string(where));
  }
  return builder.take();
}

std::string canonical(const Json& value) {
  std::string out;
  append(out, value);
  return out;
}

FieldReader::FieldReader(const Json& object, std::string where)
    : object_(&object), where_(std::move(where)) {
  if (!object.is_object()) {
    fault("is not an object");
    object_ = &kEmptyObject;
  }
}

void FieldReader::fault(std::string what) {
  if (!error_) error_ = Error{std::move(what), where_, {}};
}

const Json* FieldReader::find(const char* key, bool required) {
  const auto found = object_->find(key);
  if (found != object_->end()) return &*found;
  if (required) fault("has no field '" + std::string(key) + "'");
  return nullptr;
}

std::string FieldReader::text(const char* key) {
  const Json* value = find(key, true);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  fault("the field '" + std::string(key) + "' is not text");
  return {};
}

std::string FieldReader::text_or(const char* key, std::string fallback) {
  return find(key, false) == nullptr ? std::move(fallback) : text(key);
}

std::uint64_t FieldReader::number(const char* key) {
  const Json* value = find(key, true);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  fault("the field '" + std::string(key) + "' is not a whole number from 0");
  return 0;
}

std::optional<std::uint64_t> FieldReader::number_if_any(const char* key) {
  if (find(key, false) == nullptr) return std::nullopt;
  return number(key);
}

bool FieldReader::boolean(const char* key) {
  const Json* value = find(key, true);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  fault("the field '" + std::string(key) + "' is not true or false");
  return false;
}

std::vector<std::string> FieldReader::texts(const char* key) {
  std::vector<std::string> out;
  for (const Json& value : array(key)) {
    if (!value.is_string()) {
      fault("the field '" + std::string(key) + "' holds something that is not text");
      return {};
    }
    out.push_back(value.get<std::string>());
  }
  return out;
}

const Json& FieldReader::object(const char* key, bool required) {
  const Json* value = find(key, required);
  if (value == nullptr) return kEmptyObject;
  if (value->is_object()) return *value;
  fault("the field '" + std::string(key) + "' is not an object");
  return kEmptyObject;
}

const Json& FieldReader::array(const char* key) {
  const Json* value = find(key, true);
  if (value == nullptr) return kEmptyArray;
  if (value->is_array()) return *value;
  fault("the field '" + std::string(key) + "' is not an array");
  return kEmptyArray;
}

}  // namespace sluice::tuf
