#include "watchers/graph/json_dom.h"

namespace driftwarden::graph::dom {

StatusOr<json::object> Parse(std::string_view body, std::string_view what) {
  json::error_code error;
  json::value value = json::parse(json::string_view(body.data(), body.size()), error);
  if (error || !value.is_object()) {
    return DataLossError(Cat("the tenant's answer is no usable ", what, ": ",
                             error ? error.message() : std::string("no object")));
  }
  return std::move(value.as_object());
}

const json::object* Object(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* Array(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

std::string Text(const json::object& in, const char* key, size_t limit) {
  const json::value* value = in.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return "";
  return Printable(std::string_view(text->data(), text->size()), limit);
}

std::string Id(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || text->size() > kIdLimit) return "";
  for (const char c : *text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f) return "";
  }
  return ToLowerAscii(std::string_view(text->data(), text->size()));
}

std::optional<bool> Flag(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  const bool* flag = value == nullptr ? nullptr : value->if_bool();
  return flag == nullptr ? std::nullopt : std::optional<bool>(*flag);
}

std::optional<absl::Time> Time(const json::object& in, const char* key) {
  const std::string text = Text(in, key);
  return text.empty() ? std::nullopt : ParseRfc3339(text);
}

Status ReadNextLink(const json::object& document, std::string_view what, std::string* out) {
  const json::value* next = document.if_contains("@odata.nextLink");
  if (next == nullptr) return OkStatus();
  const json::string* link = next->if_string();
  if (link == nullptr || link->size() > kLinkLimit) {
    return DataLossError(Cat(what, ": unreadable @odata.nextLink"));
  }
  out->assign(link->data(), link->size());
  return OkStatus();
}

}  // namespace driftwarden::graph::dom
