#pragma once

// What the watchers stand on: a source of changes on one side, the links' engines on the other.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/observation.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

// Takes one batch; resumes when it is committed (by every link that reads the source), which is the
// only backpressure there is. Cancelled when stopping.
class BatchSink {
 public:
  virtual ~BatchSink() = default;
  virtual asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) = 0;
};

// One configured source. Used from one strand; one Poll at a time.
class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  virtual const monitor::SourceName& name() const = 0;
  virtual monitor::SourceKind kind() const = 0;
  // Runs one complete round from `cursor` (empty: the first read) and delivers it in bounded
  // batches, the last with completes_round and the new cursor. A failed round leaves the cursor
  // where it was; what was delivered before is applied again later, which is harmless. A cursor
  // that no longer holds (token expired, invocation id changed, USN went back) starts a full read
  // within the same call, with in_snapshot and snapshot_reason set. `batch` names the round in the
  // log and in what the source is asked; the sink puts it on every batch.
  virtual asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId batch,
                                       BatchSink& sink) = 0;
};

// Direct reads, never queued behind a poll.
class DirectoryReader {
 public:
  virtual ~DirectoryReader() = default;
  // One account by objectGUID, tombstones included. NotFound: neither object nor tombstone is
  // visible, which proves nothing.
  virtual asio::awaitable<StatusOr<monitor::Observation>> ReadAccount(monitor::Guid guid) = 0;
  // The same by another writable domain controller than the one that ReadAccount asks. Unavailable:
  // there is none, or none answered within kSecondOpinionLimit. What it shows may be older than
  // what is known: it is to be weighed by its stamps and is no observation for the model.
  virtual asio::awaitable<StatusOr<monitor::Observation>> ReadAccountElsewhere(
      monitor::Guid guid) = 0;
  // Some tens of accounts in one question; who is not visible is not in the answer, nor who cannot
  // be read or is no person.
  virtual asio::awaitable<StatusOr<std::vector<monitor::Observation>>> ReadAccounts(
      std::vector<monitor::Guid> guids) {
    std::vector<monitor::Observation> found;
    for (const monitor::Guid& guid : guids) {
      auto read = co_await ReadAccount(guid);
      const StatusCode code = read.status().code();
      const bool answered = code == StatusCode::kNotFound ||
                            code == StatusCode::kFailedPrecondition ||
                            code == StatusCode::kDataLoss;
      if (read.ok()) {
        found.push_back(*std::move(read));
      } else if (!answered) {
        co_return read.status();
      }
    }
    co_return found;
  }
};

constexpr absl::Duration kSecondOpinionLimit = absl::Seconds(2);

class TenantReader {
 public:
  virtual ~TenantReader() = default;
  // One account by Entra id. A 404 is looked up in the deleted items: then the observation says
  // kSoft; in neither place, after a pause and a second 404, kHard. For an action: `intent` is the
  // client-request-id.
  virtual asio::awaitable<StatusOr<monitor::Observation>> ReadUser(std::string id,
                                                                   monitor::ActionId intent) = 0;
  // The same for many in few requests; one result an id, in the order asked. For a round of direct
  // reads: `batch` is the client-request-id.
  virtual asio::awaitable<std::vector<StatusOr<monitor::Observation>>> ReadUsers(
      std::vector<std::string> ids, monitor::BatchId batch) = 0;
};

}  // namespace driftwarden::watchers
