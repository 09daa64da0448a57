#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "net/http.h"
#include "tests/fuzz/target.h"
#include "watchers/directory/root_dse.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden {
namespace {

bool IsFinite(absl::Time at) {
  return at != absl::InfinitePast() && at != absl::InfiniteFuture();
}

bool HasFourDigitYear(absl::Time at) {
  const int64_t year = absl::ToCivilYear(at, absl::UTCTimeZone()).year();
  return year >= 0 && year <= 9999;
}

// Written and read again it is the same, down to our microseconds, if its year has four digits: an
// offset may lead out of them.
void CheckTime(absl::Time at) {
  DW_HOLDS(IsFinite(at));
  if (!HasFourDigitYear(at)) return;
  const auto again = ParseRfc3339(FormatRfc3339(at));
  DW_HOLDS(again.has_value());
  DW_HOLDS(absl::ToUnixMicros(*again) == absl::ToUnixMicros(at));
}

void TryUnits(std::string_view input) {
  const auto duration = ParseDuration(input);
  if (duration.ok()) {
    DW_HOLDS(*duration >= absl::ZeroDuration() && *duration < absl::InfiniteDuration());
    const auto again = ParseDuration(FormatDurationText(*duration));
    DW_HOLDS(again.ok() && *again == *duration);
    (void)HumanDuration(*duration);
    (void)HumanDuration(-*duration);
  }
  const auto size = ParseByteSize(input);
  if (size.ok()) {
    const auto again = ParseByteSize(Cat(*size));
    DW_HOLDS(again.ok() && *again == *size);
  }
}

}  // namespace

DW_FUZZ_TARGET(times) {
  if (const auto at = ParseRfc3339(input)) CheckTime(*at);
  if (const auto at = directory::ParseGeneralizedTime(input)) CheckTime(*at);
  if (const auto at = net::ParseHttpDate(input)) {
    CheckTime(*at);
    const std::string written = net::FormatHttpDate(*at);
    if (written.size() == input.size()) DW_HOLDS(net::ParseHttpDate(written) == at);
  }
  const absl::Time now = absl::FromUnixSeconds(1'795'000'000);
  if (const auto wait = graph::ParseRetryAfter(input, now)) {
    DW_HOLDS(*wait >= absl::ZeroDuration() && *wait < absl::InfiniteDuration());
  }
  TryUnits(input);
}

}  // namespace driftwarden
