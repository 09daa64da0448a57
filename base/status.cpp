#include "base/status.h"

#include "absl/strings/cord.h"
#include "base/strings.h"

namespace driftwarden {
namespace {
constexpr char kRetryAfterUrl[] = "driftwarden/retry-after";
}

Status MakeStatus(StatusCode code, std::string_view text) {
  return Status(code, ToAbsl(text));
}

Status ThrottledError(std::string_view text, absl::Duration retry_after) {
  Status status(StatusCode::kResourceExhausted, ToAbsl(text));
  status.SetPayload(kRetryAfterUrl, absl::Cord(absl::FormatDuration(retry_after)));
  return status;
}

std::optional<absl::Duration> RetryAfter(const Status& status) {
  const auto payload = status.GetPayload(kRetryAfterUrl);
  if (!payload.has_value()) return std::nullopt;
  absl::Duration wait;
  if (!absl::ParseDuration(std::string(*payload), &wait)) return std::nullopt;
  return wait;
}

std::string_view Message(const Status& status) {
  return ToStd(status.message());
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  Status out(status.code(), ToAbsl(Cat(context, ": ", Message(status))));
  status.ForEachPayload(
      [&out](absl::string_view url, const absl::Cord& payload) { out.SetPayload(url, payload); });
  return out;
}

}  // namespace driftwarden
