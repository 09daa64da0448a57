#include "base/unsent.h"

#include "absl/strings/cord.h"

namespace driftwarden {
namespace {
constexpr char kUnsentUrl[] = "driftwarden/unsent";
}

Status Unsent(Status status) {
  status.SetPayload(kUnsentUrl, absl::Cord());
  return status;
}

bool WasUnsent(const Status& status) {
  return status.GetPayload(kUnsentUrl).has_value();
}

}  // namespace driftwarden
