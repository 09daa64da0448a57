#include "tests/fuzz/target.h"
#include "watchers/directory/filter.h"

namespace driftwarden::directory {

// A filter that is taken can be asked about any entry and says of what it asked.
DW_FUZZ_TARGET(scope_filter) {
  size_t at = 0;
  const auto filter = Filter::Parse(input, &at);
  DW_HOLDS(at <= input.size());
  if (!filter.ok()) {
    DW_HOLDS(absl::IsInvalidArgument(filter.status()));
    return;
  }
  Entry entry;
  entry.dn = std::string(input.substr(0, 40));
  const bool without = filter->Matches(entry);
  for (const std::string& name : filter->attributes()) {
    entry.attributes[name] = {std::string(input), "514"};
  }
  DW_HOLDS(filter->Matches(entry) == filter->Matches(entry));
  const auto negated = Filter::Parse(std::string("(!") + std::string(input) + ")", &at);
  if (negated.ok()) DW_HOLDS(negated->Matches(Entry{entry.dn, {}}) != without);
}

}  // namespace driftwarden::directory
