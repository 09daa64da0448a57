#pragma once

// Whose turn it is. One command of a link runs at a time, from its load to its commit; the others
// wait here, the more urgent first, and nobody is overtaken for ever. One executor.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <list>
#include <memory>

#include "base/async/event.h"
#include "base/status.h"

namespace driftwarden::daemon {

namespace asio = boost::asio;

enum class Urgency : uint8_t { kOperator, kOutcome, kDeadline, kDirectRead, kBatch };

class EngineQueue {
 public:
  // At most `capacity` wait, not counting batches: each source has one at a time, and waiting for
  // us is what slows it down. Who was overtaken `patience` times goes next, every other turn.
  EngineQueue(asio::any_io_executor executor, size_t capacity, int patience);
  EngineQueue(const EngineQueue&) = delete;
  EngineQueue& operator=(const EngineQueue&) = delete;

  // Ok: it is the caller's turn until Leave(). Unavailable: too many wait. Cancelled: closed.
  asio::awaitable<Status> Enter(Urgency urgency);
  void Leave();
  // Turns away everybody who waits and comes. The turn in progress goes on.
  void Close();
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    Urgency urgency;
    int overtaken = 0;
    bool admitted = false;
    AsyncEvent decided;
    Waiter(Urgency u, const asio::any_io_executor& executor) : urgency(u), decided(executor) {}
  };

  asio::any_io_executor executor_;
  const size_t capacity_;
  const int patience_;
  std::list<std::shared_ptr<Waiter>> waiting_;  // in order of arrival
  bool busy_ = false;
  bool due_went_ = false;  // the turn in progress is of one who was overtaken too often
  bool closed_ = false;
};

}  // namespace driftwarden::daemon
