#pragma once

// The names of things, each a type of its own so that one cannot stand for another.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace driftwarden::monitor {

template <typename Tag>
struct StrongString {
  std::string value;

  StrongString() = default;
  explicit StrongString(std::string v) : value(std::move(v)) {}
  bool empty() const { return value.empty(); }
  friend auto operator<=>(const StrongString&, const StrongString&) = default;
};

using SourceName = StrongString<struct SourceNameTag>;  // as configured, e.g. "corp", "contoso"
using LinkName = StrongString<struct LinkNameTag>;
using TierName = StrongString<struct TierNameTag>;      // "tier0", "standard", ...
using EpisodeId = StrongString<struct EpisodeIdTag>;    // "e17.LINK": opaque to everybody else
using BatchId = StrongString<struct BatchIdTag>;        // a UUID; Graph's client-request-id
using ActionId = StrongString<struct ActionIdTag>;      // a UUID; Graph's client-request-id
using IncidentId = StrongString<struct IncidentIdTag>;  // by default the episode's id

// Dense number of a person within a link, given at first sight and never used again.
using PersonOrdinal = uint64_t;

// "p42.LINK", the id of a person as printed; opaque to users.
std::string PersonIdText(const LinkName& link, PersonOrdinal ordinal);
struct PersonId {
  LinkName link;
  PersonOrdinal ordinal = 0;
};
std::optional<PersonId> ParsePersonId(std::string_view text);

// The link part of an "e17.LINK" id.
std::optional<LinkName> LinkOfEpisode(const EpisodeId& id);

// 16 raw bytes as LDAP gives them: the first three fields little-endian.
struct Guid {
  std::array<uint8_t, 16> bytes{};

  static std::optional<Guid> FromBytes(std::string_view raw);
  static std::optional<Guid> Parse(std::string_view text);  // 8-4-4-4-12, mixed-endian
  std::string ToString() const;                             // the same form, lower case
  std::string_view Raw() const;                             // valid as long as *this
  bool IsZero() const;
  friend auto operator<=>(const Guid&, const Guid&) = default;
};

// A security identifier in its binary form (MS-DTYP 2.4.2.2).
struct Sid {
  std::string bytes;

  static std::optional<Sid> FromBytes(std::string_view raw);  // checks revision and length
  static std::optional<Sid> Parse(std::string_view text);     // "S-1-5-21-..."
  std::string ToString() const;
  friend auto operator<=>(const Sid&, const Sid&) = default;
};

// The source anchor: base64 of the raw bytes of mS-DS-ConsistencyGuid, else of objectGUID; equal to
// Entra's onPremisesImmutableId. Case-sensitive.
using Anchor = StrongString<struct AnchorTag>;
Anchor AnchorOf(std::string_view raw_bytes);

}  // namespace driftwarden::monitor

template <typename Tag>
struct std::hash<driftwarden::monitor::StrongString<Tag>> {
  size_t operator()(const driftwarden::monitor::StrongString<Tag>& s) const {
    return std::hash<std::string>()(s.value);
  }
};
