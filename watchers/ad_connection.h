#pragma once

// One session with one of a source's domain controllers. The first configured one that works is
// kept for as long as it works: another one's USNs mean something else, and it may lag behind.
// One strand, one call at a time.

#include <memory>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_options.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/session.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

class AdConnection {
 public:
  // `sessions`, `clock` and `log` must outlive it.
  AdConnection(AdSourceOptions options, directory::SessionFactory& sessions, const Clock& clock,
               Logger& log);

  // The controller to try first, until one works. Ignored when it is not configured.
  void Prefer(const std::string& server);
  // What the controller says of itself now. Opens a session when there is none or when it was lost.
  // A refused bind ends the search for a controller at once: the same password tried everywhere
  // would lock the account.
  asio::awaitable<StatusOr<directory::ServerState>> Refresh();
  // The same, but does not ask a session that stands.
  asio::awaitable<Status> Ensure();
  void Drop() { session_.reset(); }

  bool open() const { return session_ != nullptr; }
  directory::Session& session() { return *session_; }             // when open()
  const directory::ServerState& state() const { return state_; }  // as read last
  const std::string& server() const { return server_; }

 private:
  // Another session in place of one that would not be opened this way today. The old one stays
  // where that fails: a mistake in a new password must not blind us at once.
  asio::awaitable<void> Renew();
  asio::awaitable<Status> Connect();
  asio::awaitable<Status> TryServer(std::string server);

  const AdSourceOptions options_;
  directory::SessionFactory& sessions_;
  const Clock& clock_;
  Logger& log_;
  std::unique_ptr<directory::Session> session_;
  directory::ServerState state_;
  std::string server_;  // the one that worked last; empty before
};

}  // namespace driftwarden::watchers
