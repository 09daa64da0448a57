#pragma once

// One session with one of a source's domain controllers. One is pinned and kept for as long as it
// works: another one's USNs mean something else, and it may lag behind. Configured controllers are
// tried in their order; where there are none, DNS is asked for those of the domain.
//
// Away from the controller that is preferred, it is looked at every minute; when it has answered
// for some minutes the session goes back to it. Found ones have no order worth a change.
//
// One strand, one call at a time.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_options.h"
#include "watchers/directory/dc_locator.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/session.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

// How a source with these options reaches the controllers that DNS named.
std::vector<std::string> AddressesOf(const std::vector<directory::DcRecord>& records,
                                     const AdSourceOptions& options);

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
  // The same on the session that stands, and on no other. When open().
  asio::awaitable<StatusOr<directory::ServerState>> Reread();
  void Drop() { session_.reset(); }

  bool open() const { return session_ != nullptr; }
  directory::Session& session() { return *session_; }             // when open()
  const directory::ServerState& state() const { return state_; }  // as read last
  const std::string& server() const { return server_; }
  // Of a look in this session, see monitor::Look: the source's poller may be elsewhere.
  absl::Time OneCopySince() const;
  uint64_t sessions_opened() const { return sessions_opened_; }

 private:
  struct Opened {
    std::string server;
    std::unique_ptr<directory::Session> session;
    directory::ServerState state;
  };

  // Another session in place of one that would not be opened this way today. The old one stays
  // where that fails: a mistake in a new password must not blind us at once.
  asio::awaitable<void> Renew();
  asio::awaitable<Status> Connect();
  // The controllers to try, the pinned one first.
  asio::awaitable<StatusOr<std::vector<std::string>>> Candidates();
  asio::awaitable<StatusOr<std::vector<std::string>>> FindServers();
  asio::awaitable<StatusOr<Opened>> Open(std::string server, absl::Duration network_timeout);
  void Take(Opened opened);
  // Away from the preferred controller: looks whether it is back.
  asio::awaitable<void> LookForPreferred();
  void Follow();

  const AdSourceOptions options_;
  directory::SessionFactory& sessions_;
  const Clock& clock_;
  Logger& log_;
  std::unique_ptr<directory::Session> session_;
  directory::ServerState state_;
  std::string server_;  // the one that worked last; empty before
  uint64_t sessions_opened_ = 0;
  std::vector<std::string> found_;  // by DNS, last time
  // Steady: when to look for the preferred controller next, and since when it answers.
  absl::Duration look_at_ = absl::InfiniteDuration();
  std::optional<absl::Duration> answers_since_;
  absl::Duration followed_ = -absl::InfiniteDuration();  // steady: when the pin was tried in vain
};

}  // namespace driftwarden::watchers
