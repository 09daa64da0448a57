#include "base/async/scheduler.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace driftwarden {

asio::awaitable<Status> RealScheduler::SleepUntil(absl::Duration steady) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return CancelledError("stopping");
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  // A day at most: the timer's clock stops while the machine sleeps, ours does not.
  constexpr absl::Duration kStep = absl::Hours(24);
  while (true) {
    const absl::Duration left = steady - clock_.Steady();
    if (left <= absl::ZeroDuration()) co_return OkStatus();
    timer.expires_after(absl::ToChronoNanoseconds(std::min(left, kStep)));
    const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return CancelledError("stopping");
  }
}

}  // namespace driftwarden
