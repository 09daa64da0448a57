#include "base/async/event.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace driftwarden {

struct AsyncEvent::Impl {
  asio::steady_timer timer;  // never expires; cancelled to wake the waiters
  explicit Impl(const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()) {}
};

AsyncEvent::AsyncEvent(const asio::any_io_executor& executor)
    : impl_(std::make_unique<Impl>(executor)) {}

AsyncEvent::~AsyncEvent() = default;

void AsyncEvent::Set() {
  set_ = true;
  impl_->timer.cancel();
}

void AsyncEvent::Reset() { set_ = false; }

asio::awaitable<bool> AsyncEvent::Wait() {
  while (!set_) {
    const auto [error] = co_await impl_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return false;
    if (!error) co_return set_;
    // Cancelled by Set(): a Reset() in between does not take the wake-up away.
    co_return true;
  }
  co_return true;
}

}  // namespace driftwarden
