#include "simulator/guid.h"

#include <array>

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

constexpr uint64_t kMask48 = (1ULL << 48) - 1;
constexpr uint64_t kOdd = 0x9fb21c651e99ULL;
// Where each byte of the text stands in the raw form.
constexpr std::array<int, 16> kTextOrder = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

// Newton's iteration doubles the number of right bits each round; 48 bits need five.
constexpr uint64_t InverseOdd(uint64_t odd) {
  uint64_t inverse = odd;
  for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;
  return inverse & kMask48;
}

}  // namespace

uint64_t HashPair(uint64_t a, uint64_t b) {
  uint64_t z = a * 0x9e3779b97f4a7c15ULL + b + 0x2545f4914f6cdd1dULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t Scatter48(uint64_t seed, uint64_t value) {
  uint64_t z = (value + HashPair(seed, 1)) & kMask48;
  z ^= z >> 24;  // its own inverse, as twice 24 is 48
  z = (z * kOdd) & kMask48;
  z ^= z >> 24;
  return (z + HashPair(seed, 2)) & kMask48;
}

uint64_t Gather48(uint64_t seed, uint64_t value) {
  uint64_t z = (value - HashPair(seed, 2)) & kMask48;
  z ^= z >> 24;
  z = (z * InverseOdd(kOdd)) & kMask48;
  z ^= z >> 24;
  return (z - HashPair(seed, 1)) & kMask48;
}

std::string GuidFrom(uint64_t seed, uint64_t number) {
  const uint64_t scattered = Scatter48(seed, number);
  const uint64_t check = HashPair(seed ^ 0x6a09e667f3bcc908ULL, number);
  std::string raw(16, '\0');
  for (int i = 0; i < 6; ++i) raw[i] = static_cast<char>(scattered >> (8 * i));
  for (int i = 0; i < 8; ++i) raw[6 + i] = static_cast<char>(check >> (8 * i));
  raw[14] = static_cast<char>(check * 31 >> 8);
  raw[15] = static_cast<char>(check * 31 >> 16);
  raw[7] = static_cast<char>((raw[7] & 0x0f) | 0x40);  // version 4, in the text's third group
  raw[8] = static_cast<char>((raw[8] & 0x3f) | 0x80);
  return raw;
}

std::string GuidText(std::string_view raw) {
  if (raw.size() != 16) return "";
  std::string ordered(16, '\0');
  for (size_t i = 0; i < 16; ++i) ordered[i] = raw[kTextOrder[i]];
  const std::string hex = HexEncode(ordered);
  return Cat(hex.substr(0, 8), '-', hex.substr(8, 4), '-', hex.substr(12, 4), '-',
             hex.substr(16, 4), '-', hex.substr(20));
}

std::optional<std::string> GuidFromText(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string hex;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) hex.push_back(text[i]);
  }
  const auto ordered = HexDecode(ToLowerAscii(hex));
  if (!ordered || ordered->size() != 16) return std::nullopt;
  std::string raw(16, '\0');
  for (size_t i = 0; i < 16; ++i) raw[kTextOrder[i]] = (*ordered)[i];
  return raw;
}

std::string SidBytes(const std::vector<uint32_t>& sub_authorities) {
  std::string raw = {1, static_cast<char>(sub_authorities.size()), 0, 0, 0, 0, 0, 5};
  for (const uint32_t part : sub_authorities) {
    for (int i = 0; i < 4; ++i) raw.push_back(static_cast<char>(part >> (8 * i)));
  }
  return raw;
}

std::optional<std::string> SidFromText(std::string_view text) {
  constexpr std::string_view kStart = "S-1-5-";
  constexpr size_t kMost = 15;
  if (!text.starts_with(kStart)) return std::nullopt;
  std::vector<uint32_t> parts;
  for (const std::string& part : SplitString(text.substr(kStart.size()), '-')) {
    const auto number = ParseUint64(part);
    if (!number || *number > UINT32_MAX || parts.size() == kMost) return std::nullopt;
    parts.push_back(static_cast<uint32_t>(*number));
  }
  return SidBytes(parts);
}

std::string SidText(std::string_view raw) {
  if (raw.size() < 8 || raw.size() != 8 + 4 * static_cast<size_t>(static_cast<uint8_t>(raw[1]))) {
    return "";
  }
  std::string text = Cat("S-", static_cast<int>(raw[0]), "-", static_cast<int>(raw[7]));
  for (size_t at = 8; at < raw.size(); at += 4) {
    uint32_t part = 0;
    for (int i = 3; i >= 0; --i) part = part << 8 | static_cast<uint8_t>(raw[at + i]);
    text += Cat('-', part);
  }
  return text;
}

}  // namespace driftwarden::simulator
