#pragma once

// Who may take a thread to connect and bind, which libldap does blocking. A controller that accepts
// and never answers would hold a thread for the whole network timeout, and many of them every
// thread there is: then nobody else could connect. So where threads are scarce, or the server kept
// us waiting before, it is knocked at first, and whoever is silent fails without a thread; half of
// the threads are only for those who answered. Where threads are idle nobody is knocked at.
//
// One executor, see LaneTurns.

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <set>
#include <string>

#include "base/async/lane_turns.h"
#include "base/status.h"
#include "base/time.h"
#include "watchers/directory/knock.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

namespace asio = boost::asio;

class ConnectGate {
 public:
  // Holds a thread for one attempt to open a session; ends when it is destroyed.
  class Pass {
   public:
    Pass(Pass&&) = default;
    ~Pass();

   private:
    friend class ConnectGate;
    // Of a pass that was moved from there is nothing to learn.
    struct Attempt {
      ConnectGate* gate;
      std::string server;
      absl::Duration begun;
    };
    Pass(Attempt attempt, LaneTurns::Turn turn);
    std::unique_ptr<Attempt> attempt_;
    LaneTurns::Turn turn_;
  };

  // Both must outlive it.
  ConnectGate(LaneTurns& turns, const Clock& clock);

  // Unavailable: the server cannot be reached or is silent, or no thread came free within the
  // network timeout. What the server says in other cases is found out by opening.
  asio::awaitable<StatusOr<Pass>> Enter(SessionOptions options);
  Lane& lane() { return turns_.lane(); }

 private:
  asio::awaitable<StatusOr<Pass>> EnterAfterKnock(SessionOptions options, ServerAddress address);
  asio::awaitable<StatusOr<std::vector<asio::ip::tcp::endpoint>>> Resolve(ServerAddress address,
                                                                          absl::Duration at_most);
  Pass Admit(const std::string& server, LaneTurns::Turn turn);
  void Learn(const std::string& server, absl::Duration took);

  LaneTurns& turns_;
  const Clock& clock_;
  std::set<std::string> slow_;  // servers that held their thread for long, last time
};

}  // namespace driftwarden::directory
