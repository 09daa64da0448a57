#pragma once

// Everything of one domain whose uSNChanged lies in a window, as observations: accounts, then
// tombstones.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_connection.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_options.h"
#include "watchers/ad_round.h"

namespace driftwarden::watchers {

// uSNChanged in [from, to]; without `to` everything above.
struct AdWindow {
  uint64_t from = 0;
  std::optional<uint64_t> to;
};

// One strand, one call at a time.
class AdScan {
 public:
  // Pages that a window should have. At three times as many it is too large.
  static constexpr int kPages = 10;

  // Everything must outlive it.
  AdScan(const AdSourceOptions& options, AdConnection& connection, const Clock& clock, Logger& log);

  // Hands on what the window holds. ResourceExhausted: it holds more than the server gives, or than
  // we take in one go; what was handed on comes again with smaller windows.
  asio::awaitable<Status> Read(AdWindow window, AdRound& round);

  // Of the last Read.
  size_t found() const { return found_; }
  // Of all since StartPoll.
  const std::optional<AdCanary>& newest() const { return newest_; }
  void StartPoll(const monitor::BatchId& batch);  // in the log
  // A full read is at its end: when it gave no tombstone they may be hidden, which is a finding.
  void TellIfHidden();

  // Where accounts are looked for. Known once the connection was open.
  std::string Base() const;
  // Whether a scan would find the object, alive or a tombstone, where it is now.
  bool InScope(const directory::Entry& entry) const;
  // As a scan takes them; see directory::ObserveAccount. Observe passes over what is unreadable and
  // says so in the log.
  StatusOr<std::optional<monitor::AdView>> ObserveEntry(const directory::Entry& entry) const;
  std::vector<monitor::AdView> Observe(const std::vector<directory::Entry>& entries);

 private:
  // One of the two searches of a window.
  struct Query {
    std::string base;
    std::string condition;  // LDAP filters, to be joined by "and"
    bool tombstones = false;
  };

  void TellHidden();
  asio::awaitable<Status> Search(Query query, AdWindow window, AdRound& round);
  Status Endless() const;
  directory::SearchRequest Request(const Query& query, const AdWindow& window) const;

  const AdSourceOptions& options_;
  AdConnection& connection_;
  const Clock& clock_;
  Logger& log_;
  monitor::BatchId batch_;
  size_t found_ = 0;
  std::optional<AdCanary> newest_;
  uint64_t tombstones_ = 0;  // entries, since this began
  int quarantined_ = 0;      // since StartPoll
};

}  // namespace driftwarden::watchers
