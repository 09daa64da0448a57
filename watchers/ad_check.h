#pragma once

// What a source can do with the account that it was given, proved on each of its domain
// controllers: bind, encryption, base, what is visible of people and of the deleted, change
// tracking, clock, and whether the account may more than it needs. Reads only.

#include <string>
#include <vector>

#include "base/time.h"
#include "watchers/ad_options.h"
#include "watchers/check_finding.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/session.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

// What the configuration wants beside USN polling.
struct AdCheckWishes {
  bool dirsync = false;
  bool notifications = true;
};

class AdCheck {
 public:
  // `sessions` and `clock` must outlive it.
  AdCheck(AdSourceOptions options, AdCheckWishes wishes, directory::SessionFactory& sessions,
          const Clock& clock);

  // Every finding, in the order in which a person would look. Stops trying controllers when one
  // refuses the bind: the same password tried everywhere would lock the account.
  asio::awaitable<std::vector<CheckFinding>> Run();

 private:
  using Level = CheckFinding::Level;

  asio::awaitable<std::vector<std::string>> Servers();
  // False: no other controller is to be tried.
  asio::awaitable<bool> CheckServer(std::string server);
  void CheckState(const directory::ServerState& state);
  asio::awaitable<void> CheckBase(directory::Session* session);
  asio::awaitable<void> CheckPeople(directory::Session* session);
  void CheckMetadata(const directory::Entry& person);
  asio::awaitable<void> CheckTombstones(directory::Session* session);
  asio::awaitable<void> CheckDirSync(directory::Session* session);
  asio::awaitable<void> CheckNotification(directory::Session* session);
  asio::awaitable<void> CheckRights(directory::Session* session);
  asio::awaitable<void> CheckOwnGroups(directory::Session* session);
  void CheckSecond();
  void Find(Level level, std::string_view topic, std::string what, std::string mend = "");
  std::string Base() const;

  const AdSourceOptions options_;
  const AdCheckWishes wishes_;
  directory::SessionFactory& sessions_;
  const Clock& clock_;
  std::string server_;  // being checked
  std::string naming_context_;
  std::string person_dn_;                // of somebody visible
  std::vector<monitor::Guid> writable_;  // controllers that answered and can be written to
  std::vector<CheckFinding> findings_;
};

}  // namespace driftwarden::watchers
