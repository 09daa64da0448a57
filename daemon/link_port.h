#pragma once

// One link's engine as the API sees it.

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "base/status.h"
#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::daemon {

namespace asio = boost::asio;

// Safe to call from any thread and executor. The writes resume when they are committed.
class LinkPort {
 public:
  virtual ~LinkPort() = default;
  virtual const monitor::LinkName& link() const = 0;
  virtual std::shared_ptr<const monitor::LinkState> State() const = 0;
  virtual std::shared_ptr<const monitor::Policy> CurrentPolicy() const = 0;
  virtual asio::awaitable<Status> AcceptBaseline(std::string actor) = 0;
  virtual asio::awaitable<Status> ResetGuard(std::string guard, std::string actor,
                                             std::string reason) = 0;
};

}  // namespace driftwarden::daemon
