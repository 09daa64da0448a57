#pragma once

// One link's engine as the API sees it.

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/apply.h"
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
  // Until ResetGuard(monitor::kPaused). An empty reason is none.
  virtual asio::awaitable<Status> Pause(std::string actor, std::string reason) = 0;
  // `since` is filled in. InvalidArgument as CheckExemption says; NotFound: nobody of that number.
  virtual asio::awaitable<Status> AddExemption(monitor::PersonOrdinal person,
                                               monitor::Exemption exemption) = 0;
  // NotFound: they have none.
  virtual asio::awaitable<Status> RemoveExemption(monitor::PersonOrdinal person,
                                                  std::string actor) = 0;
  // `at` is filled in. InvalidArgument as CheckCompromiseMark says; FailedPrecondition: not enabled
  // on both sides; NotFound: nobody of that number.
  virtual asio::awaitable<Status> MarkCompromised(monitor::PersonOrdinal person,
                                                  monitor::CompromiseMark mark) = 0;
  // NotFound: they have no such mark.
  virtual asio::awaitable<Status> UnmarkCompromised(monitor::PersonOrdinal person,
                                                    std::string actor) = 0;
  // What came of each, in their order. FailedPrecondition: both sides are not read yet.
  virtual asio::awaitable<StatusOr<std::vector<monitor::LeaveOutcome>>> ExpectLeavers(
      std::vector<monitor::LeaveWord> words) = 0;
  // NotFound: they are not expected to leave. `forget`: as if it had never been told.
  virtual asio::awaitable<Status> WithdrawLeaver(monitor::PersonOrdinal person, std::string actor,
                                                 bool forget) = 0;
};

}  // namespace driftwarden::daemon
