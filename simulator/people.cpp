#include "simulator/people.h"

#include <array>
#include <cstdio>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

constexpr std::array<std::string_view, 40> kGivenNames = {
    "Ada",   "Alan",  "Amara", "Anders", "Aiko",  "Beatriz", "Carlos", "Chen",  "Clara", "Daniel",
    "Dilek", "Elena", "Emil",  "Fatima", "Felix", "Grace",   "Hanna",  "Igor",  "Ines",  "Jamal",
    "Jana",  "Kofi",  "Lars",  "Leila",  "Lucia", "Marek",   "Maya",   "Mina",  "Nadia", "Noah",
    "Olga",  "Omar",  "Priya", "Rafael", "Rosa",  "Sanjay",  "Sofia",  "Tariq", "Yuki",  "Zoë"};
constexpr std::array<std::string_view, 40> kSurnames = {
    "Abel",    "Adeyemi",  "Bauer",     "Byron",  "Castillo", "Costa",  "Dubois", "Eriksen",
    "Fischer", "García",   "Haddad",    "Hopper", "Ivanova",  "Jensen", "Kaya",   "Keller",
    "Kim",     "Kowalski", "Lindqvist", "Lopez",  "Mensah",   "Meyer",  "Moreau", "Nakamura",
    "Novak",   "O'Brien",  "Okafor",    "Olsen",  "Patel",    "Petrov", "Quist",  "Rahman",
    "Rossi",   "Sato",     "Schmidt",   "Silva",  "Turing",   "Vargas", "Weber",  "Zhang"};
constexpr std::array<std::string_view, 5> kUnits = {"Staff", "Sales", "Engineering", "Operations",
                                                    "Contractors"};
constexpr uint32_t kFirstRid = 1104;

std::string BaseDn(std::string_view domain) {
  std::vector<std::string> parts;
  for (const auto& label : SplitString(domain, '.')) parts.push_back(Cat("DC=", label));
  return JoinStrings(parts, ",");
}

std::string DomainSid(uint64_t seed) {
  return SidBytes({21, static_cast<uint32_t>(HashPair(seed, 11)),
                   static_cast<uint32_t>(HashPair(seed, 12)),
                   static_cast<uint32_t>(HashPair(seed, 13))});
}

}  // namespace

People::People(PeopleOptions options)
    : options_(std::move(options)),
      base_dn_(BaseDn(options_.domain)),
      domain_sid_(DomainSid(options_.seed)) {}

bool People::IsTier0(uint64_t index) const {
  return options_.tier0_every != 0 && index % options_.tier0_every == 7 % options_.tier0_every;
}

bool People::LeftBefore(uint64_t index) const {
  return options_.leavers_every != 0 &&
         index % options_.leavers_every == 3 % options_.leavers_every;
}

std::string People::SamOf(uint64_t index) const {
  char text[32];
  std::snprintf(text, sizeof text, "u%07llu", static_cast<unsigned long long>(index));
  return text;
}

std::string People::GuidOf(uint64_t index) const {
  return GuidFrom(options_.seed, index);
}

Person People::At(uint64_t index) const {
  Person p;
  p.index = index;
  p.sam = SamOf(index);
  p.upn = Cat(p.sam, '@', options_.domain);
  const uint64_t hash = HashPair(options_.seed, index ^ 0x70656f706c65ULL);
  p.given_name = std::string(kGivenNames[hash % kGivenNames.size()]);
  p.surname = std::string(kSurnames[(hash >> 16) % kSurnames.size()]);
  p.display_name = Cat(p.given_name, ' ', p.surname);
  p.cn = Cat(p.display_name, " (", p.sam, ')');
  p.tier0 = IsTier0(index);
  p.left_before = LeftBefore(index);
  p.parent_dn = p.tier0 ? Cat("OU=Tier0,", base_dn_)
                        : Cat("OU=", kUnits[(hash >> 32) % kUnits.size()], ",OU=People,", base_dn_);
  p.dn = Cat("CN=", p.cn, ',', p.parent_dn);
  p.object_guid = GuidOf(index);
  p.object_sid = domain_sid_;
  p.object_sid[1] = 5;
  const uint32_t rid = kFirstRid + static_cast<uint32_t>(index);
  for (int i = 0; i < 4; ++i) p.object_sid.push_back(static_cast<char>(rid >> (8 * i)));
  p.immutable_id = Base64Encode(p.object_guid);
  return p;
}

std::optional<uint64_t> People::Existing(uint64_t index) const {
  if (index >= options_.count) return std::nullopt;
  return index;
}

std::optional<uint64_t> People::BySam(std::string_view sam) const {
  if (sam.size() < 8 || (sam[0] != 'u' && sam[0] != 'U')) return std::nullopt;
  const auto index = ParseUint64(sam.substr(1));
  if (!index || SamOf(*index).size() != sam.size()) return std::nullopt;
  return Existing(*index);
}

std::optional<uint64_t> People::ByUpn(std::string_view upn) const {
  const size_t at = upn.find('@');
  if (at == std::string_view::npos || !EqualsIgnoreCase(upn.substr(at + 1), options_.domain)) {
    return std::nullopt;
  }
  return BySam(upn.substr(0, at));
}

std::optional<uint64_t> People::ByGuid(std::string_view raw) const {
  if (raw.size() != 16) return std::nullopt;
  uint64_t scattered = 0;
  for (int i = 5; i >= 0; --i) scattered = scattered << 8 | static_cast<uint8_t>(raw[i]);
  const auto index = Existing(Gather48(options_.seed, scattered));
  if (!index || GuidOf(*index) != raw) return std::nullopt;
  return index;
}

std::optional<uint64_t> People::BySid(std::string_view raw) const {
  if (raw.size() != 28) return std::nullopt;
  uint32_t rid = 0;
  for (int i = 3; i >= 0; --i) rid = rid << 8 | static_cast<uint8_t>(raw[24 + i]);
  if (rid < kFirstRid) return std::nullopt;
  const auto index = Existing(rid - kFirstRid);
  if (!index || At(*index).object_sid != raw) return std::nullopt;
  return index;
}

std::optional<uint64_t> People::ByDn(std::string_view dn) const {
  const size_t open = dn.find('(');
  const size_t close = dn.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  const auto index = BySam(dn.substr(open + 1, close - open - 1));
  if (!index || !EqualsIgnoreCase(At(*index).dn, dn)) return std::nullopt;
  return index;
}

}  // namespace driftwarden::simulator
