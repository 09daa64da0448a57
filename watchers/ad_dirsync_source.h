#pragma once

// The accounts of one domain by the DirSync control, whose cookie any of the domain's controllers
// takes: another controller is read on from where the one before stopped. Wire source: Microsoft,
// "Polling for Changes Using the DirSync Control", MS-ADTS 3.1.1.3.4.1.3.
//
// A row has only what changed, so the accounts are read anew by objectGUID; a deletion stands in
// the row itself. Everybody is read by AdUsnSource, which is also what remains where the controller
// refuses DirSync.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "watchers/ad_dirsync_cursor.h"
#include "watchers/ad_observer.h"
#include "watchers/ad_round.h"
#include "watchers/ad_usn_source.h"
#include "watchers/change_source.h"

namespace driftwarden::watchers {

class AdDirSyncSource final : public ChangeSource {
 public:
  // Everything must outlive it. `usn` is the same source by USN and owns the session; nobody else
  // polls it.
  AdDirSyncSource(AdSourceOptions options, AdUsnSource& usn, const Clock& clock, Logger& log,
                  AdObserver& observer);

  const monitor::SourceName& name() const override { return options_.name; }
  monitor::SourceKind kind() const override { return monitor::SourceKind::kActiveDirectory; }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId batch,
                               BatchSink& sink) override;

 private:
  static constexpr size_t kGuidsASearch = 100;
  static constexpr int32_t kAnswerBytes = 1 << 20;

  using Guids = std::vector<monitor::Guid>;
  // The rows of one answer.
  struct Rows {
    Guids live;
    std::map<monitor::Guid, directory::Entry> deleted;
    TimeBounds at;
  };

  // A first cookie, and then what USNs tell since they were read last.
  asio::awaitable<Status> Start(DirSyncCursor from, BatchSink& sink);
  // By USN, from and to cursors that keep the cookie.
  asio::awaitable<Status> ByUsn(DirSyncCursor from, BatchSink& sink);
  asio::awaitable<Status> FallBack(Status why, std::string usn, BatchSink& sink);
  asio::awaitable<Status> Follow(DirSyncCursor from, TimeBounds begun, BatchSink& sink);
  struct Walked {
    Status status;
    bool by_server = false;  // the DirSync search itself was refused
  };
  asio::awaitable<Walked> Walk(std::string* cookie, AdRound* round);
  asio::awaitable<Status> ReadRows(Rows rows, AdRound& round);
  // Whether the same search with fewer objects, of which there were `count`, is to be tried now.
  bool TryFewer(const Status& read, size_t count);
  asio::awaitable<Status> ReadLive(Guids guids, AdRound& round);
  asio::awaitable<Status> ReadDeleted(Rows rows, AdRound& round);
  asio::awaitable<StatusOr<std::vector<directory::Entry>>> SearchAll(
      directory::SearchRequest request);
  // USNs say that the controller's database was put back.
  bool Restored(const std::string& usn) const;
  // A full read goes on, or what USNs tell of the controller is to be looked at.
  bool NeedsUsn(const std::string& usn) const;
  // The USN cursor as of the controller that is read now, whether it was read before or not, and
  // its word for whoever reads beside the poll.
  AdCursor TurnedTo(AdCursor cursor, absl::Time now) const;
  Rows RowsOf(directory::SearchPage page) const;
  void NoteTracking(AdTracking tracking);

  const AdSourceOptions options_;
  AdUsnSource& usn_;
  const Clock& clock_;
  Logger& log_;
  AdObserver& observer_;
  monitor::BatchId batch_;  // of the present round
  uint64_t next_number_ = 1;
  uint64_t checked_session_ = 0;              // on which USNs were looked at
  std::optional<absl::Duration> refused_at_;  // steady
  // Smaller after the server said that it was too much, and larger again step by step.
  size_t guids_a_search_ = kGuidsASearch;
  int32_t answer_bytes_ = kAnswerBytes;
  std::optional<AdTracking> told_;
};

}  // namespace driftwarden::watchers
