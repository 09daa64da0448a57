#include "net/http.h"

#include "base/strings.h"

namespace driftwarden::net {
namespace {

constexpr char kHttpDate[] = "%a, %d %b %Y %H:%M:%S GMT";

bool IsTokenByte(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

const std::string* FindHeader(const std::vector<HttpHeader>& headers, std::string_view name) {
  for (const HttpHeader& header : headers) {
    if (EqualsIgnoreCase(header.name, name)) return &header.value;
  }
  return nullptr;
}

std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  // absl would also take "infinite-future" and spaces around.
  constexpr size_t kLength = std::string_view("Sun, 06 Nov 1994 08:49:37 GMT").size();
  if (text.size() != kLength || text[3] != ',' || !text.ends_with(" GMT")) return std::nullopt;
  absl::Time at;
  std::string error;
  if (!absl::ParseTime(kHttpDate, ToAbsl(text), absl::UTCTimeZone(), &at, &error)) {
    return std::nullopt;
  }
  return at;
}

std::string FormatHttpDate(absl::Time at) {
  return absl::FormatTime(kHttpDate, at, absl::UTCTimeZone());
}

bool IsSafeHeader(const HttpHeader& header) {
  if (header.name.empty()) return false;
  for (const char c : header.name) {
    if (!IsTokenByte(c)) return false;
  }
  for (const char c : header.value) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

}  // namespace driftwarden::net
