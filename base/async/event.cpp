#include "base/async/event.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
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

void AsyncEvent::Reset() {
  set_ = false;
}

asio::awaitable<bool> AsyncEvent::Wait() {
  const auto before = co_await asio::this_coro::cancellation_state;
  if (before.cancelled() != asio::cancellation_type::none) co_return false;
  if (set_) co_return true;
  // Ends when Set() cancels the timer (a Reset() in between does not take the wake-up away) or
  // when this coroutine is cancelled.
  const auto [error] = co_await impl_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  static_cast<void>(error);
  const auto after = co_await asio::this_coro::cancellation_state;
  co_return after.cancelled() == asio::cancellation_type::none;
}

asio::awaitable<void> AsyncEvent::WaitRegardless() {
  if (set_) co_return;
  // An empty slot: the coroutine's own cancellation does not reach the timer.
  auto token =
      asio::as_tuple(asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
  const auto [error] = co_await impl_->timer.async_wait(std::move(token));
  static_cast<void>(error);
}

}  // namespace driftwarden
