#pragma once

// Identifiers as Active Directory stores them: a GUID is 16 bytes whose first three fields are
// little-endian, a SID is revision, count, authority and little-endian sub-authorities
// (MS-DTYP 2.3.4.2 and 2.4.2.2).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace driftwarden::simulator {

// 16 raw bytes, version 4, a pure function of the two numbers.
std::string GuidFrom(uint64_t seed, uint64_t number);

// "00112233-4455-6677-8899-aabbccddeeff" for the bytes 33221100554477668899aabbccddeeff.
std::string GuidText(std::string_view raw);
std::optional<std::string> GuidFromText(std::string_view text);

std::string SidBytes(const std::vector<uint32_t>& sub_authorities);  // authority 5
std::string SidText(std::string_view raw);                           // "S-1-5-21-..."; "" on junk
std::optional<std::string> SidFromText(std::string_view text);       // raw; authority 5 only

// A 64-bit hash of a pair; splitmix64's finaliser.
uint64_t HashPair(uint64_t a, uint64_t b);

// A bijection of 48-bit numbers and its inverse: scatters indices over identifiers that can be
// turned back without a table.
uint64_t Scatter48(uint64_t seed, uint64_t value);
uint64_t Gather48(uint64_t seed, uint64_t value);

}  // namespace driftwarden::simulator
