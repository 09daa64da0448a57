#pragma once

// Compares what is known of Entra accounts with direct reads of them. Two tasks, one at a time:
//
// After a full read that replaced the change feed's cursor, everybody whom it did not return is
// read, some hundred a minute, until each is known to be live, deleted or gone: that a page lacks
// somebody says nothing. A new process that does not know whom the read returned asks for
// everybody.
//
// Otherwise a slice of all the accounts every few seconds, for ever. Whoever differs is read again
// after a round of the feed that began `patience` later; who differs still is a mismatch: something
// that the feed did not bring. It is counted, told and mended.
//
// One executor.

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/verification_loop.h"

namespace driftwarden::daemon {

struct TenantVerificationOptions {
  absl::Duration interval = absl::Seconds(2);   // between two slices
  absl::Duration patience = absl::Minutes(15);  // the feed has been seen to lag so far behind
  size_t slice = 20;                            // people: one $batch
};

class TenantVerificationLoop {
 public:
  // Everything must outlive it. `tenant` had better stand back behind other reads.
  TenantVerificationLoop(VerificationParts parts, monitor::SourceName source,
                         watchers::TenantReader& tenant, TenantVerificationOptions options);

  // Until cancelled, or until the engine is stopped.
  asio::awaitable<void> Run();
  // One slice of the task at hand. The first error of the tenant or the store.
  asio::awaitable<Status> VerifySlice();

 private:
  struct Account {
    monitor::PersonOrdinal person = 0;
    std::string id;
    monitor::EntraDeletion known = monitor::EntraDeletion::kLive;
  };
  // The people whom a full read did not return, as far as they were listed.
  struct Sweep {
    absl::Time round = absl::InfinitePast();
    std::string cursor;  // of the store's list
    bool listed = false;
    std::deque<Account> waiting;
    uint64_t asked = 0;
  };

  bool MayRead(const monitor::LinkState& state) const;
  asio::awaitable<Status> ConfirmSlice(absl::Time round);
  asio::awaitable<Status> ListUnreturned();
  asio::awaitable<Status> ReadWaiting();
  asio::awaitable<Status> CompareSlice();
  asio::awaitable<Status> CompareSuspects();
  asio::awaitable<Status> CompareSuspect(std::string id);
  asio::awaitable<StatusOr<store::Page<monitor::Person>>> List(std::string cursor, size_t limit);
  asio::awaitable<Status> Deliver(std::vector<monitor::Observation> observations);
  void Compare(const monitor::EntraHalf& known, const monitor::Observation& seen);

  VerificationParts parts_;
  const monitor::SourceName source_;
  watchers::TenantReader& tenant_;
  const TenantVerificationOptions options_;
  Sweep sweep_;
  std::string cursor_;                          // of the store's list
  std::map<std::string, absl::Time> suspects_;  // bounded; when each differed
  std::string last_error_;
};

// Whether the look shows what is not known of the account. When sessions were revoked is no part of
// it: no feed promises that.
bool Differs(const monitor::EntraHalf& known, const monitor::Observation& seen);

}  // namespace driftwarden::daemon
