#pragma once

// Text encodings of bytes and SHA-256 (OpenSSL behind a façade).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace driftwarden {

std::string HexEncode(std::string_view bytes);                   // lower case
std::optional<std::string> HexDecode(std::string_view text);     // nothing on junk
std::string Base64Encode(std::string_view bytes);                // RFC 4648, padded
std::optional<std::string> Base64Decode(std::string_view text);  // padded; nothing on junk
// RFC 4648 section 5 without padding, as JSON web tokens have it.
std::string Base64UrlEncode(std::string_view bytes);
std::optional<std::string> Base64UrlDecode(std::string_view text);  // nothing on junk

using Sha256Digest = std::array<uint8_t, 32>;
Sha256Digest Sha256(std::string_view bytes);
std::string_view DigestBytes(const Sha256Digest& digest);  // valid as long as `digest`

}  // namespace driftwarden
