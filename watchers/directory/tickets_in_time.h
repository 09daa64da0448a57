#pragma once

// A time limit for Kerberos. libkrb5 knows none: a KDC that accepts a connection and then says
// nothing holds its caller for a quarter of a minute a server and a try, or longer.

#include <string>

#include "absl/time/time.h"
#include "base/status.h"
#include "watchers/directory/kerberos.h"

namespace driftwarden::directory {

// GetTicketsBlocking on a thread of its own, awaited for `limit` at most. After that
// DeadlineExceeded: the thread is left alone until libkrb5 gives up, which it does, and throws away
// what it got. While a source has such a thread it is given no other one: Unavailable. When 16
// sources have one, the next waits on its own thread, as long as libkrb5 takes. Thread-safe.
StatusOr<Tickets> GetTicketsInTime(const Peer& peer, const BindOptions& bind,
                                   const std::string& host, absl::Duration limit);

// Threads of this process that are left alone now.
size_t AbandonedTickets();

}  // namespace driftwarden::directory
