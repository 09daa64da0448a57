#pragma once

// Reading of small documents through a DOM, where a field of the wrong type is as good as none. For
// tenant_json.cpp, log_json.cpp and residue_json.cpp only.

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "base/time.h"
#include "watchers/graph/tenant_json.h"

namespace driftwarden::graph::dom {

namespace json = boost::json;

constexpr size_t kTextLimit = 200;
constexpr size_t kIdLimit = 256;
constexpr size_t kLinkLimit = 32768;

// DataLoss: no object.
StatusOr<json::object> Parse(std::string_view body, std::string_view what);

// Null: absent, or of another type.
const json::object* Object(const json::object& in, const char* key);
const json::array* Array(const json::object& in, const char* key);
// Printable and cut. Empty when it is absent, null or of another type.
std::string Text(const json::object& in, const char* key, size_t limit = kTextLimit);
// In lower case. Empty when it is not fit to be one.
std::string Id(const json::object& in, const char* key);
std::optional<bool> Flag(const json::object& in, const char* key);
std::optional<absl::Time> Time(const json::object& in, const char* key);
// Fills `out` with @odata.nextLink, if there is one.
Status ReadNextLink(const json::object& document, std::string_view what, std::string* out);

// Walks "value", at most `most` items of it; `take(item, page)` is false for an item to be left
// out.
template <typename Page, typename Take>
StatusOr<Page> DecodePage(std::string_view body, std::string_view what, size_t most, Take take) {
  DW_ASSIGN_OR_RETURN(const json::object document, Parse(body, what));
  const json::array* items = Array(document, "value");
  if (items == nullptr) return DataLossError(Cat(what, ": no \"value\""));
  if (items->size() > most) {
    return DataLossError(Cat(what, ": ", items->size(), " items in one page"));
  }
  Page page;
  for (const json::value& item : *items) {
    const json::object* object = item.if_object();
    if (object == nullptr || !take(*object, page)) ++page.left_out;
  }
  DW_RETURN_IF_ERROR(ReadNextLink(document, what, &page.next_link));
  return page;
}

}  // namespace driftwarden::graph::dom
