#include "base/units.h"

#include <array>

#include "base/strings.h"

namespace driftwarden {
namespace {
struct Unit {
  std::string_view name;
  int64_t millis;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
// A hundred years: whoever writes more has mistyped, and what it is added to is no time any more.
constexpr int64_t kMostMillis = int64_t{36'500} * 86'400'000;
}  // namespace

StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits != std::string_view::npos && digits != 0) {
    const auto count = ParseInt64(text.substr(0, digits));
    for (const Unit& unit : kUnits) {
      if (text.substr(digits) != unit.name) continue;
      if (count && *count <= kMostMillis / unit.millis) {
        return absl::Milliseconds(*count * unit.millis);
      }
      return InvalidError(
          Cat("\"", Printable(text, 60), "\" is too long; write 36500d (a hundred years) at most"));
    }
  }
  return InvalidError(Cat("\"", Printable(text, 60),
                          "\" is not a duration; write a whole number and ms, s, m, h or d, "
                          "such as 30s"));
}

StatusOr<uint64_t> ParseByteSize(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int>, 4> kSizes = {
      {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  const size_t digits = text.find_first_not_of("0123456789");
  const std::string_view suffix =
      digits == std::string_view::npos ? std::string_view() : text.substr(digits);
  const auto count = ParseUint64(text.substr(0, digits));
  for (const auto& [name, shift] : kSizes) {
    if (count && suffix == name && *count < (uint64_t{1} << (63 - shift))) return *count << shift;
  }
  return InvalidError(Cat("\"", Printable(text, 60),
                          "\" is not a size; write a whole number and KiB, MiB or GiB, such as "
                          "256MiB"));
}

std::string HumanDuration(absl::Duration d) {
  if (d == absl::InfiniteDuration()) return "for ever";
  if (d < absl::ZeroDuration()) return Cat("-", HumanDuration(-d));
  if (d < absl::Seconds(1)) return Cat(absl::ToInt64Milliseconds(d), " ms");
  if (d < absl::Minutes(2)) return Cat(absl::ToInt64Seconds(d), " s");
  const int64_t minutes = absl::ToInt64Minutes(d);
  if (minutes < 60) return Cat(minutes, " min");
  if (minutes < 48 * 60) {
    return minutes % 60 == 0 ? Cat(minutes / 60, " h")
                             : Cat(minutes / 60, " h ", minutes % 60, " min");
  }
  return Cat(minutes / (24 * 60), " d ", minutes / 60 % 24, " h");
}

std::string FormatDurationText(absl::Duration d) {
  const int64_t millis = absl::ToInt64Milliseconds(d);
  for (size_t i = kUnits.size(); i-- > 0;) {
    if (millis % kUnits[i].millis == 0 && (millis != 0 || kUnits[i].name == "s")) {
      return Cat(millis / kUnits[i].millis, kUnits[i].name);
    }
  }
  return "0s";
}

}  // namespace driftwarden
