#pragma once

// Between a source's loop and whoever listens beside it for notices of changes. One executor.

#include <boost/asio/awaitable.hpp>

#include "base/status.h"
#include "monitor/observation.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

class NoticePort {
 public:
  virtual ~NoticePort() = default;
  // Polls now. Thread-safe.
  virtual void Wake() = 0;
  // Observations outside of any round: to every link that follows the source already, as fast as
  // it takes them. The cursor stays, so the poll brings them again; what is lost is no loss.
  virtual asio::awaitable<Status> DeliverAside(monitor::ChangeBatch batch) = 0;
};

class RoundWitness {
 public:
  virtual ~RoundWitness() = default;
  // What a poll hands to the links, before they have it.
  virtual void OnDelivered(const monitor::ChangeBatch& batch) = 0;
};

}  // namespace driftwarden::watchers
