#include "watchers/directory/dc_locator.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

// RFC 2782: drawn one after the other, each in proportion to its weight; those of weight 0, which
// come first, have a small chance too.
void DrawByWeight(std::vector<DcRecord>& records, size_t begin, size_t end, Rng& rng) {
  for (size_t at = begin; at + 1 < end; ++at) {
    uint64_t sum = 0;
    for (size_t i = at; i < end; ++i) sum += records[i].weight;
    const uint64_t drawn = rng.Below(sum + 1);
    uint64_t passed = 0;
    size_t chosen = at;
    while (chosen + 1 < end && (passed += records[chosen].weight) < drawn) ++chosen;
    const auto first = records.begin() + static_cast<std::ptrdiff_t>(at);
    const auto taken = records.begin() + static_cast<std::ptrdiff_t>(chosen);
    std::rotate(first, taken, taken + 1);
  }
}

}  // namespace

std::vector<DcRecord> InOrder(std::vector<DcRecord> records, Rng& rng) {
  const auto key = [](const DcRecord& r) { return std::tie(r.priority, r.weight, r.host, r.port); };
  std::sort(records.begin(), records.end(),
            [&key](const DcRecord& a, const DcRecord& b) { return key(a) < key(b); });
  records.erase(std::unique(records.begin(), records.end()), records.end());
  size_t begin = 0;
  while (begin < records.size()) {
    size_t end = begin + 1;
    while (end < records.size() && records[end].priority == records[begin].priority) ++end;
    DrawByWeight(records, begin, end, rng);
    begin = end;
  }
  return records;
}

}  // namespace driftwarden::directory
