#pragma once

// Range retrieval (MS-ADTS 3.1.1.3.1.3.3): of an attribute with more values than a server gives at
// once it sends a part, named "member;range=0-1499", and the client asks for the rest by
// "member;range=1500-*".

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/ldap_filter.h"

namespace driftwarden::simulator {

struct ValueRange {
  size_t from = 0;
  std::optional<size_t> to;  // the last one wanted; none: to the end
};
using ValueRanges = std::map<std::string, ValueRange>;  // by lower-case attribute

// Takes the ranges off the names that a search asks for.
ValueRanges TakeRanges(std::vector<std::string>& attributes);
// Cuts an entry's attributes to what is asked for, and to `limit` values each; 0: no limit.
void ApplyRanges(const ValueRanges& ranges, size_t limit, LdapEntry& entry);

}  // namespace driftwarden::simulator
