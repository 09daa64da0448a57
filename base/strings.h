#pragma once

// The only bridge between std::string_view (ours) and absl::string_view (a type of its own in
// Debian 12's abseil), and the few string functions we need on top of both.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"

namespace driftwarden {

inline absl::string_view ToAbsl(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string_view ToStd(absl::string_view s) {
  return {s.data(), s.size()};
}

namespace internal {
inline void Append(std::string& out, std::string_view s) {
  out.append(s);
}
inline void Append(std::string& out, const std::string& s) {
  out.append(s);
}
inline void Append(std::string& out, const char* s) {
  out.append(s);
}
inline void Append(std::string& out, char c) {
  out.push_back(c);
}
void Append(std::string& out, double value);
template <typename T>
requires(std::is_integral_v<T> && !std::is_same_v<T, char>) void Append(std::string& out, T value) {
  if constexpr (std::is_same_v<T, bool>) {
    out.append(value ? "true" : "false");
  } else {
    out.append(std::to_string(value));
  }
}
}  // namespace internal

// Concatenates strings, characters, integers, booleans and doubles.
template <typename... Args>
std::string Cat(const Args&... args) {
  std::string out;
  (internal::Append(out, args), ...);
  return out;
}

// ASCII only; directory names are compared by the server, not by us.
std::string ToLowerAscii(std::string_view s);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool EndsWithIgnoreCase(std::string_view s, std::string_view suffix);
std::string_view TrimAscii(std::string_view s);
std::vector<std::string> SplitString(std::string_view s, char separator);
std::string JoinStrings(const std::vector<std::string>& parts, std::string_view separator);

// Whole-string decimal parse; nothing on junk, sign (for the unsigned one) or overflow.
std::optional<uint64_t> ParseUint64(std::string_view s);
std::optional<int64_t> ParseInt64(std::string_view s);

// Makes text from outside safe to print on one line: control bytes become \xNN, and more than
// `limit` bytes are cut with a mark.
std::string Printable(std::string_view s, size_t limit = 400);

// True when `s` is well-formed UTF-8.
bool IsUtf8(std::string_view s);

}  // namespace driftwarden
