#include "net/gzip.h"

#include "tests/fuzz/target.h"

namespace driftwarden::net {
namespace {

constexpr size_t kLimit = size_t{1} << 20;

}  // namespace

DW_FUZZ_TARGET(gzip) {
  const auto plain = Gunzip(input, kLimit);
  DW_HOLDS(plain.ok() || absl::IsDataLoss(plain.status()));
  if (plain.ok()) {
    DW_HOLDS(plain->size() <= kLimit);
    const auto again = Gunzip(Gzip(*plain), kLimit);
    DW_HOLDS(again.ok() && *again == *plain);
    const auto less = Gunzip(input, plain->size() / 2);
    DW_HOLDS(plain->empty() || !less.ok());
  }
  (void)AcceptsGzip(input);
  // Whatever it is, it comes back.
  if (input.size() <= kLimit) {
    const auto packed = Gunzip(Gzip(input), kLimit);
    DW_HOLDS(packed.ok() && *packed == input);
  }
}

}  // namespace driftwarden::net
