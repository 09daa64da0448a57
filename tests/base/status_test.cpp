#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "base/check.h"

namespace driftwarden {
namespace {

TEST(Status, AnnotateAddsContextAndKeepsTheRest) {
  const Status inner = ThrottledError("too many requests", absl::Seconds(7));
  const Status outer = Annotate(Annotate(inner, "delta page 3"), "contoso");
  EXPECT_EQ(outer.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Message(outer), "contoso: delta page 3: too many requests");
  EXPECT_EQ(RetryAfter(outer), absl::Seconds(7));
  EXPECT_TRUE(Annotate(OkStatus(), "contoso").ok());
}

TEST(Status, RetryAfterIsAbsentUnlessSaid) {
  EXPECT_FALSE(RetryAfter(UnavailableError("x")));
  EXPECT_FALSE(RetryAfter(OkStatus()));
}

TEST(Status, FactoriesGiveTheirCodes) {
  EXPECT_EQ(DeadlineError("x").code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(InvalidError("x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(PreconditionError("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(NotFoundError("x").code(), StatusCode::kNotFound);
  EXPECT_EQ(DataLossError("x").code(), StatusCode::kDataLoss);
  EXPECT_EQ(CancelledError("x").code(), StatusCode::kCancelled);
  EXPECT_EQ(InternalError("x").code(), StatusCode::kInternal);
  EXPECT_EQ(UnauthenticatedError("x").code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(PermissionError("x").code(), StatusCode::kPermissionDenied);
}

StatusOr<std::unique_ptr<int>> Half(int value) {
  if (value % 2 != 0) return InvalidError("odd");
  return std::make_unique<int>(value / 2);
}

Status Quarter(int value, int* out) {
  DW_ASSIGN_OR_RETURN(const std::unique_ptr<int> half, Half(value));
  DW_ASSIGN_OR_RETURN(auto quarter, Half(*half));
  *out = *quarter;
  return OkStatus();
}

Status QuarterIsAtMost(int value, int limit) {
  int quarter = 0;
  DW_RETURN_IF_ERROR(Quarter(value, &quarter));
  return quarter <= limit ? OkStatus() : PreconditionError("too large");
}

TEST(Status, MacrosPassOnTheFirstErrorAndMoveTheValue) {
  EXPECT_TRUE(QuarterIsAtMost(8, 2).ok());
  EXPECT_EQ(QuarterIsAtMost(9, 2).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(QuarterIsAtMost(6, 2).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(QuarterIsAtMost(12, 2).code(), StatusCode::kFailedPrecondition);
}

TEST(CheckDeathTest, ImpossibleStatesStopTheProgramAndSayWhich) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(DW_CHECK(1 + 1 == 3), "impossible state: 1 \\+ 1 == 3");
  DW_CHECK(1 + 1 == 2);
}

}  // namespace
}  // namespace driftwarden
