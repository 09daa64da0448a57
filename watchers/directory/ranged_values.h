#pragma once

// Attributes with more values than a controller gives at once (MaxValRange, 1500 by default) come
// in parts: "member;range=0-1499", and the rest for the asking, until "member;range=3000-*"
// (MS-ADTS 3.1.1.3.1.3.3).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "watchers/directory/session.h"

namespace driftwarden::directory {

struct RangedName {
  std::string attribute;         // without the range
  uint64_t first = 0;            // of the values that it has
  std::optional<uint64_t> last;  // none: there are no more
};
// Nothing for a name without a range, or one that makes no sense. Total.
std::optional<RangedName> ParseRangedName(std::string_view lower_name);

// A session that reads such attributes to their end and gives them under their plain name. One that
// cannot be read whole, as it has too many values or its object went away meanwhile, is left out,
// so that it counts as unknown. Parts that do not fit together are DataLoss. Errors otherwise as of
// `inner`.
std::unique_ptr<Session> CompletingRanges(std::unique_ptr<Session> inner);

}  // namespace driftwarden::directory
