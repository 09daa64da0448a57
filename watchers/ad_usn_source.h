#pragma once

// The accounts of one domain, by the uSNChanged of one pinned domain controller. Wire source:
// Microsoft, "Polling for Changes Using USNChanged": highestCommittedUSN is read before the search
// and becomes the bound only with the state that the search produced.
//
// A full read walks windows of USNs, the newest first, and is resumed at the last finished one. It
// takes several polls where it is long; unless it is the source's first, each of them begins with
// what changed since the poll before, so that nothing new waits for it.

#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_connection.h"
#include "watchers/ad_cursor.h"
#include "watchers/ad_options.h"
#include "watchers/ad_round.h"
#include "watchers/ad_scan.h"
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

  // The session of the poll and what its entries mean, for other ways to follow the same source
  // between two polls.
  AdConnection& connection() { return connection_; }
  AdScan& scan() { return scan_; }
  // The next Poll reads everybody, for one of ResetReasonsOf, whatever its cursor says.
  void ReadAnew(std::string reason) { anew_ = std::move(reason); }

 private:
  // What a poll stands on.
  struct Place {
    AdCursor cursor;  // as it will be
    directory::ServerState state;
    TimeBounds begun;
    absl::Duration until;  // steady; no further window of a full read after it
  };

  asio::awaitable<Status> PollAt(Place& place, std::string full_read_reason, BatchSink& sink);
  // Why everybody has to be read; empty when the bound holds.
  asio::awaitable<StatusOr<std::string>> WhyFull(std::string text, std::optional<AdCursor> known,
                                                 directory::ServerState state);
  // The controller has what it had when it was read last.
  asio::awaitable<StatusOr<bool>> CanaryLives(AdCanary canary);
  asio::awaitable<Status> BeginFullRead(Place& place, std::string reason, BatchSink& sink);
  // A whole round: what changed since the bound.
  asio::awaitable<Status> ReadFresh(Place& place, BatchSink& sink);
  // Moves the bound to the state's highest USN, in steps where that is much.
  asio::awaitable<Status> ReadChanges(Place& place, AdRound& round);
  // Goes on with the full read.
  asio::awaitable<Status> ReadSnapshot(Place& place, BatchSink& sink);
  asio::awaitable<Status> ReadNextWindow(Place& place, AdRound& round);
  asio::awaitable<Status> EndSnapshot(Place& place, AdRound& round);
  void Widen();
  AdRound NewRound(const Place& place, AdRoundKind kind, BatchSink& sink);
  // Where the source's other sessions go, and how far what they see can be trusted.
  void Pin(const Place& place) const;
  void NoteNewest(AdCursor& cursor) const;
  void TellHalved(const Status& why, uint64_t from) const;

  const AdSourceOptions options_;
  const Clock& clock_;
  Logger& log_;
  AdConnection connection_;
  AdScan scan_;
  monitor::BatchId batch_;  // of the present round
  std::string anew_;        // why the next round is a full read; empty: it need not be
  uint64_t next_number_ = 1;
  uint64_t trusted_session_ = 0;  // whose controller was looked at for a disk put back
  uint64_t width_;                // of a full read's next window, in USNs
  int steady_windows_;            // read since one was too large
  // How far beyond its first USN the next window of changes goes; all the way unless that was too
  // much before.
  std::optional<uint64_t> catch_up_;
  // The full read that this process counts in, and whether it read all of it.
  absl::Time counted_ = absl::InfinitePast();
  bool from_its_begin_ = false;
};

}  // namespace driftwarden::watchers
