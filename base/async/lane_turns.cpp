#include "base/async/lane_turns.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/check.h"

namespace driftwarden {

LaneTurns::Turn::Turn(Turn&& other) noexcept
    : turns_(std::exchange(other.turns_, nullptr)), claim_(other.claim_) {}

LaneTurns::Turn::~Turn() {
  if (turns_ != nullptr) turns_->End(claim_);
}

LaneTurns::LaneTurns(Lane& lane, size_t threads)
    : lane_(lane), threads_(std::max<size_t>(threads, 2)) {}

LaneTurns::~LaneTurns() {
  DW_CHECK(waiting_.empty());
}

bool LaneTurns::Fits(Claim claim) const {
  if (taken_ >= threads_) return false;
  return claim == Claim::kProven || unproven_ < threads_ / 2;
}

void LaneTurns::Begin(Claim claim) {
  ++taken_;
  if (claim == Claim::kUnproven) ++unproven_;
}

void LaneTurns::End(Claim claim) {
  --taken_;
  if (claim == Claim::kUnproven) --unproven_;
  // Counted for the one who waits, so that nobody else takes it before it runs.
  for (auto next = waiting_.begin(); next != waiting_.end() && taken_ < threads_;) {
    Waiter& waiter = **next;
    if (!Fits(waiter.claim)) {
      ++next;
      continue;
    }
    next = waiting_.erase(next);
    Begin(waiter.claim);
    waiter.granted = true;
    waiter.timer.cancel();
  }
}

std::optional<LaneTurns::Turn> LaneTurns::TakeFree() {
  const bool awaited = std::any_of(waiting_.begin(), waiting_.end(), [](const Waiter* waiter) {
    return waiter->claim == Claim::kUnproven;
  });
  if (awaited || !Fits(Claim::kUnproven)) return std::nullopt;
  Begin(Claim::kUnproven);
  return Turn(*this, Claim::kUnproven);
}

asio::awaitable<StatusOr<LaneTurns::Turn>> LaneTurns::Take(Claim claim, absl::Duration at_most) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto before = co_await asio::this_coro::cancellation_state;
  if (before.cancelled() != asio::cancellation_type::none) co_return CancelledError("stopping");
  // Whoever fits now finds only such waiters as do not.
  if (Fits(claim)) {
    Begin(claim);
    co_return Turn(*this, claim);
  }
  const auto executor = co_await asio::this_coro::executor;
  Waiter waiter(executor, claim);
  waiter.timer.expires_after(absl::ToChronoNanoseconds(at_most));
  waiting_.push_back(&waiter);
  const auto [error] = co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  static_cast<void>(error);
  if (!waiter.granted) waiting_.remove(&waiter);
  const auto after = co_await asio::this_coro::cancellation_state;
  if (after.cancelled() != asio::cancellation_type::none) {
    if (waiter.granted) End(claim);
    co_return CancelledError("stopping");
  }
  if (!waiter.granted) co_return DeadlineError("all threads are waiting for others");
  co_return Turn(*this, claim);
}

}  // namespace driftwarden
