#include "monitor/ids.h"

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::monitor {
namespace {

// "LINK" of "<letter><digits>.LINK"; the digits go to `number`.
std::optional<std::string_view> SplitId(char letter, std::string_view text, uint64_t& number) {
  if (text.empty() || text.front() != letter) return std::nullopt;
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot + 1 == text.size()) return std::nullopt;
  const auto parsed = ParseUint64(text.substr(1, dot - 1));
  if (!parsed) return std::nullopt;
  number = *parsed;
  return text.substr(dot + 1);
}

// The position in the text form of each raw byte: the first three fields are little-endian.
constexpr int kGuidOrder[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

}  // namespace

std::string PersonIdText(const LinkName& link, PersonOrdinal ordinal) {
  return Cat("p", ordinal, ".", link.value);
}

std::optional<PersonId> ParsePersonId(std::string_view text) {
  PersonId id;
  const auto link = SplitId('p', text, id.ordinal);
  if (!link) return std::nullopt;
  id.link = LinkName(std::string(*link));
  return id;
}

std::optional<LinkName> LinkOfEpisode(const EpisodeId& id) {
  uint64_t number = 0;
  const auto link = SplitId('e', id.value, number);
  if (!link) return std::nullopt;
  return LinkName(std::string(*link));
}

std::optional<Guid> Guid::FromBytes(std::string_view raw) {
  Guid guid;
  if (raw.size() != guid.bytes.size()) return std::nullopt;
  for (size_t i = 0; i < raw.size(); ++i) guid.bytes[i] = static_cast<uint8_t>(raw[i]);
  return guid;
}

std::optional<Guid> Guid::Parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) hex.push_back(text[i]);
  }
  const auto decoded = HexDecode(hex);
  if (!decoded || decoded->size() != 16) return std::nullopt;
  Guid guid;
  for (size_t i = 0; i < 16; ++i) {
    guid.bytes[static_cast<size_t>(kGuidOrder[i])] = static_cast<uint8_t>((*decoded)[i]);
  }
  return guid;
}

std::string Guid::ToString() const {
  std::string ordered;
  for (const int at : kGuidOrder) {
    ordered.push_back(static_cast<char>(bytes[static_cast<size_t>(at)]));
  }
  const std::string hex = HexEncode(ordered);
  return Cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
             hex.substr(16, 4), "-", hex.substr(20));
}

std::string_view Guid::Raw() const {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool Guid::IsZero() const {
  for (const uint8_t byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

std::optional<Sid> Sid::FromBytes(std::string_view raw) {
  if (raw.size() < 8 || raw[0] != 1) return std::nullopt;
  const auto count = static_cast<uint8_t>(raw[1]);
  if (count > 15 || raw.size() != 8 + 4 * static_cast<size_t>(count)) return std::nullopt;
  return Sid{std::string(raw)};
}

std::optional<Sid> Sid::Parse(std::string_view text) {
  const std::vector<std::string> parts = SplitString(text, '-');
  if (parts.size() < 3 || parts.size() > 18) return std::nullopt;
  if (!EqualsIgnoreCase(parts[0], "S") || parts[1] != "1") return std::nullopt;
  const auto authority = ParseUint64(parts[2]);
  if (!authority || *authority >> 48 != 0) return std::nullopt;
  std::string raw;
  raw.push_back(1);
  raw.push_back(static_cast<char>(parts.size() - 3));
  for (int shift = 40; shift >= 0; shift -= 8) {
    raw.push_back(static_cast<char>((*authority >> shift) & 0xff));
  }
  for (size_t i = 3; i < parts.size(); ++i) {
    const auto sub = ParseUint64(parts[i]);
    if (!sub || *sub >> 32 != 0) return std::nullopt;
    for (int shift = 0; shift < 32; shift += 8) {
      raw.push_back(static_cast<char>((*sub >> shift) & 0xff));
    }
  }
  return Sid{std::move(raw)};
}

std::string Sid::ToString() const {
  if (!FromBytes(bytes)) return "";
  const auto at = [this](size_t i) {
    return static_cast<uint64_t>(static_cast<uint8_t>(bytes[i]));
  };
  uint64_t authority = 0;
  for (size_t i = 2; i < 8; ++i) authority = authority << 8 | at(i);
  std::string text = Cat("S-1-", authority);
  for (size_t i = 8; i + 3 < bytes.size(); i += 4) {
    const uint64_t sub = at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
    text += Cat("-", sub);
  }
  return text;
}

Anchor AnchorOf(std::string_view raw_bytes) {
  return Anchor(Base64Encode(raw_bytes));
}

}  // namespace driftwarden::monitor
