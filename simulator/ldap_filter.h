#pragma once

// LDAP search filters (RFC 4511 4.5.1.7, RFC 4515 as text) and entries they are evaluated on. An
// assertion on an attribute that an entry lacks is false, as Active Directory shows it.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace driftwarden::simulator {

struct LdapEntry {
  struct Attribute {
    std::string name;  // as written in the schema
    std::vector<std::string> values;
  };
  std::string dn;
  std::map<std::string, Attribute> attributes;  // by lower-case name

  void Add(std::string_view name, std::string value);
  const std::vector<std::string>* Find(std::string_view lower_name) const;
};

struct LdapFilter {
  enum class Kind {
    kAnd,
    kOr,
    kNot,
    kEqual,
    kPresent,
    kGreaterOrEqual,
    kLessOrEqual,
    kSubstrings,
    kBitsAll,  // 1.2.840.113556.1.4.803
    kBitsAny,  // 1.2.840.113556.1.4.804
    kNever,    // a rule or type we do not know
  };
  Kind kind = Kind::kNever;
  std::string attribute;  // lower case
  std::string value;
  std::vector<std::string> pieces;  // kSubstrings: initial, any..., final; empty ones match all
  std::vector<LdapFilter> children;
};

inline constexpr std::string_view kRuleBitsAll = "1.2.840.113556.1.4.803";
inline constexpr std::string_view kRuleBitsAny = "1.2.840.113556.1.4.804";

bool Matches(const LdapFilter& filter, const LdapEntry& entry);

// "(&(objectClass=user)(uSNChanged>=5))". InvalidArgument with the place.
StatusOr<LdapFilter> ParseLdapFilter(std::string_view text);

}  // namespace driftwarden::simulator
