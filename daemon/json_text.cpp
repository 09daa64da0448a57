#include "daemon/json_text.h"

#include "base/strings.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

void Pretty(const json::value& value, size_t depth, std::string* out) {
  const std::string pad(depth * 2, ' ');
  if (value.is_object() && !value.as_object().empty()) {
    *out += "{\n";
    size_t left = value.as_object().size();
    for (const auto& entry : value.as_object()) {
      *out += Cat(pad, "  ", json::serialize(json::value(entry.key())), ": ");
      Pretty(entry.value(), depth + 1, out);
      *out += --left != 0 ? ",\n" : "\n";
    }
    *out += Cat(pad, "}");
  } else if (value.is_array() && !value.as_array().empty()) {
    *out += "[\n";
    size_t left = value.as_array().size();
    for (const json::value& item : value.as_array()) {
      *out += Cat(pad, "  ");
      Pretty(item, depth + 1, out);
      *out += --left != 0 ? ",\n" : "\n";
    }
    *out += Cat(pad, "]");
  } else {
    *out += json::serialize(value);
  }
}

}  // namespace

const json::value& Field(const json::value& object, std::string_view key) {
  static const json::value kNull;
  if (!object.is_object()) return kNull;
  const json::value* found = object.as_object().if_contains(key);
  return found != nullptr ? *found : kNull;
}

std::string TextOf(const json::value& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return std::string(value.as_string());
  return json::serialize(value);
}

std::string TextAt(const json::value& object, std::string_view key) {
  return TextOf(Field(object, key));
}

int64_t NumberAt(const json::value& object, std::string_view key) {
  const json::value& value = Field(object, key);
  if (value.is_int64()) return value.as_int64();
  return value.is_uint64() ? static_cast<int64_t>(value.as_uint64()) : 0;
}

bool FlagAt(const json::value& object, std::string_view key) {
  const json::value& value = Field(object, key);
  return value.is_bool() && value.as_bool();
}

const json::array& ListAt(const json::value& object, std::string_view key) {
  static const json::array kNone;
  const json::value& value = Field(object, key);
  return value.is_array() ? value.as_array() : kNone;
}

std::string PrettyJson(const json::value& value) {
  std::string out;
  Pretty(value, 0, &out);
  out.push_back('\n');
  return out;
}

}  // namespace driftwarden::daemon
