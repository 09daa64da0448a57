#include "base/strings.h"

#include <charconv>
#include <cstdio>

namespace driftwarden {
namespace internal {
void Append(std::string& out, double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}
}  // namespace internal

namespace {
char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

template <typename T>
std::optional<T> ParseWhole(std::string_view s) {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || end != s.data() + s.size() || s.empty()) return std::nullopt;
  return value;
}
}  // namespace

std::string ToLowerAscii(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = Lower(c);
  return out;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

bool EndsWithIgnoreCase(std::string_view s, std::string_view suffix) {
  return s.size() >= suffix.size() && EqualsIgnoreCase(s.substr(s.size() - suffix.size()), suffix);
}

std::string_view TrimAscii(std::string_view s) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t first = s.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string> SplitString(std::string_view s, char separator) {
  std::vector<std::string> out;
  while (true) {
    const size_t at = s.find(separator);
    out.emplace_back(s.substr(0, at));
    if (at == std::string_view::npos) return out;
    s.remove_prefix(at + 1);
  }
}

std::string JoinStrings(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) out.append(separator);
    out.append(parts[i]);
  }
  return out;
}

std::optional<uint64_t> ParseUint64(std::string_view s) {
  return ParseWhole<uint64_t>(s);
}
std::optional<int64_t> ParseInt64(std::string_view s) {
  return ParseWhole<int64_t>(s);
}

std::string Printable(std::string_view s, size_t limit) {
  std::string out;
  const bool cut = s.size() > limit;
  const bool utf8 = IsUtf8(s);
  // A cut inside a character would turn good text into bad.
  while (utf8 && cut && limit > 0 && (static_cast<unsigned char>(s[limit]) & 0xc0) == 0x80) --limit;
  for (const char c : s.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\x%02x", byte);
      out.append(buffer);
    } else {
      out.push_back(c);
    }
  }
  if (cut) out.append(" […]");
  return out;
}

bool IsUtf8(std::string_view s) {
  size_t i = 0;
  while (i < s.size()) {
    const auto lead = static_cast<unsigned char>(s[i]);
    size_t length = 1;
    uint32_t code = lead;
    if (lead >= 0x80) {
      if ((lead & 0xe0) == 0xc0)
        length = 2, code = lead & 0x1f;
      else if ((lead & 0xf0) == 0xe0)
        length = 3, code = lead & 0x0f;
      else if ((lead & 0xf8) == 0xf0)
        length = 4, code = lead & 0x07;
      else
        return false;
    }
    if (i + length > s.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(s[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = (code << 6) | (next & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += length;
  }
  return true;
}

}  // namespace driftwarden
