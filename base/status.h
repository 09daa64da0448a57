#pragma once

// Errors are values. Everything public in a module returns absl::Status or absl::StatusOr; this
// header adds what abseil 20220623 lacks on our side of the std/absl string_view divide.
//
// Codes are used narrowly: Unavailable = retry later; DeadlineExceeded = our own time limit;
// ResourceExhausted = throttled; Unauthenticated / PermissionDenied = a human must act;
// FailedPrecondition = the world is not as required; NotFound; InvalidArgument = input by a
// person; DataLoss = stored or received bytes make no sense; Cancelled = we are stopping;
// Internal = our bug.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace driftwarden {

using absl::Status;
using absl::StatusCode;
using absl::StatusOr;

Status MakeStatus(StatusCode code, std::string_view text);
inline Status OkStatus() {
  return absl::OkStatus();
}
inline Status UnavailableError(std::string_view t) {
  return MakeStatus(StatusCode::kUnavailable, t);
}
inline Status DeadlineError(std::string_view t) {
  return MakeStatus(StatusCode::kDeadlineExceeded, t);
}
inline Status InvalidError(std::string_view t) {
  return MakeStatus(StatusCode::kInvalidArgument, t);
}
inline Status PreconditionError(std::string_view t) {
  return MakeStatus(StatusCode::kFailedPrecondition, t);
}
inline Status NotFoundError(std::string_view t) {
  return MakeStatus(StatusCode::kNotFound, t);
}
inline Status DataLossError(std::string_view t) {
  return MakeStatus(StatusCode::kDataLoss, t);
}
inline Status CancelledError(std::string_view t) {
  return MakeStatus(StatusCode::kCancelled, t);
}
inline Status InternalError(std::string_view t) {
  return MakeStatus(StatusCode::kInternal, t);
}
inline Status UnauthenticatedError(std::string_view t) {
  return MakeStatus(StatusCode::kUnauthenticated, t);
}
inline Status PermissionError(std::string_view t) {
  return MakeStatus(StatusCode::kPermissionDenied, t);
}

// ResourceExhausted that carries how long the other side asked us to wait.
Status ThrottledError(std::string_view text, absl::Duration retry_after);
// The wait a throttled (or unavailable) answer asked for, if it did.
std::optional<absl::Duration> RetryAfter(const Status& status);

// The status' text; valid as long as `status`.
std::string_view Message(const Status& status);

// Adds context on the way up, once a layer: "context: text". Ok stays ok; payloads survive.
Status Annotate(const Status& status, std::string_view context);

}  // namespace driftwarden

#define DW_STATUS_CAT_(a, b) a##b
#define DW_STATUS_CAT(a, b) DW_STATUS_CAT_(a, b)

#define DW_RETURN_IF_ERROR(expr)               \
  do {                                         \
    ::driftwarden::Status dw_status_ = (expr); \
    if (!dw_status_.ok()) return dw_status_;   \
  } while (false)

#define DW_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                         \
  if (!tmp.ok()) return tmp.status();        \
  lhs = *std::move(tmp)
#define DW_ASSIGN_OR_RETURN(lhs, expr) \
  DW_ASSIGN_OR_RETURN_(DW_STATUS_CAT(dw_or_, __LINE__), lhs, expr)

// The coroutine twins bind the awaited value to a named local before testing it, which is also
// what keeps GCC 12 from miscompiling the expression (see docs/architecture.md).
#define DW_CO_RETURN_IF_ERROR(expr)                  \
  do {                                               \
    const ::driftwarden::Status dw_status_ = (expr); \
    if (!dw_status_.ok()) co_return dw_status_;      \
  } while (false)

#define DW_CO_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                            \
  if (!tmp.ok()) co_return tmp.status();        \
  lhs = *std::move(tmp)
#define DW_CO_ASSIGN_OR_RETURN(lhs, expr) \
  DW_CO_ASSIGN_OR_RETURN_(DW_STATUS_CAT(dw_or_, __LINE__), lhs, expr)
