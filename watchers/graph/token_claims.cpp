#include "watchers/graph/token_claims.h"

#include <boost/json.hpp>

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;

constexpr size_t kMaxClaims = 256 << 10;
constexpr size_t kMaxText = 120;

}  // namespace

std::optional<std::vector<std::string>> PermissionsIn(const Secret& token) {
  const std::string_view text = token.Reveal();
  const size_t first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos || second - first > kMaxClaims) return std::nullopt;
  const auto claims = Base64UrlDecode(text.substr(first + 1, second - first - 1));
  if (!claims) return std::nullopt;
  json::error_code error;
  const json::value document = json::parse(*claims, error);
  if (error || !document.is_object()) return std::nullopt;
  const json::value* roles = document.as_object().if_contains("roles");
  if (roles == nullptr || !roles->is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const json::value& role : roles->as_array()) {
    if (role.is_string()) out.push_back(Printable(std::string(role.as_string()), kMaxText));
  }
  return out;
}

}  // namespace driftwarden::graph
