#pragma once

// The accounts of one domain, by the uSNChanged of one pinned domain controller. Wire source:
// Microsoft, "Polling for Changes Using USNChanged": highestCommittedUSN is read before the search
// and becomes the bound only with the state that the search produced.

#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_connection.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_options.h"
#include "watchers/ad_round.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

// See ChangeSource. A failed search drops the session; the next Poll opens another, on the same
// controller if that works.
class AdUsnSource final : public ChangeSource {
 public:
  // `sessions`, `clock` and `log` must outlive it.
  AdUsnSource(AdSourceOptions options, directory::SessionFactory& sessions, const Clock& clock,
              Logger& log);

  const monitor::SourceName& name() const override { return options_.name; }
  monitor::SourceKind kind() const override { return monitor::SourceKind::kActiveDirectory; }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId batch,
                               BatchSink& sink) override;

 private:
  // One of the two searches of a round.
  struct Query {
    std::string base;
    std::string condition;  // LDAP filters, to be joined by "and"
    bool tombstones = false;
  };
  // uSNChanged in [from, to]; without `to` everything above.
  struct Window {
    uint64_t from = 0;
    std::optional<uint64_t> to;
  };

  asio::awaitable<Status> ReadRound(uint64_t from, AdRound& round);
  asio::awaitable<Status> ReadTombstones(uint64_t from, AdRound& round);
  // Without the right to list them a search for tombstones may also succeed with nothing.
  void TellIfHidden(bool refused, bool everything);
  asio::awaitable<Status> ReadAll(Query query, uint64_t from, AdRound& round);
  asio::awaitable<Status> ReadWindow(Query query, Window window, AdRound& round);
  // Halves of a window that met a limit of the server; empty when it is one USN wide.
  std::vector<Window> Halves(const Window& window) const;
  directory::SearchRequest Request(const Query& query, const Window& window) const;
  std::vector<monitor::AdView> Observe(const Query& query, const directory::SearchPage& page);
  bool InScope(const directory::Entry& tombstone) const;
  std::string Base() const;

  const AdSourceOptions options_;
  const Clock& clock_;
  Logger& log_;
  AdConnection connection_;
  monitor::BatchId batch_;  // of the present round
  uint64_t next_number_ = 1;
  int quarantined_ = 0;             // of this round
  uint64_t tombstones_ = 0;         // entries of this round's second search
  bool tombstones_hidden_ = false;  // told once
};

}  // namespace driftwarden::watchers
