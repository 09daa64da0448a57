#include "watchers/directory/tickets_in_time.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::directory {
namespace {

// Who waits for libkrb5 and who no longer does. Never destroyed: a thread may outlive main.
struct Registry {
  std::mutex mutex;
  std::map<std::string, size_t> abandoned;  // threads, by source
};
Registry& TheRegistry() {
  static Registry* const registry = new Registry;
  return *registry;
}

struct Errand {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<StatusOr<Tickets>> result;
  bool abandoned = false;
};

void Run(const std::shared_ptr<Errand>& errand, const Peer& peer, const BindOptions& bind,
         const std::string& host) {
  StatusOr<Tickets> tickets = GetTicketsBlocking(peer, bind, host);
  const std::lock_guard lock(errand->mutex);
  if (!errand->abandoned) {
    errand->result.emplace(std::move(tickets));
    errand->done.notify_one();
    return;
  }
  Registry& registry = TheRegistry();
  const std::lock_guard guard(registry.mutex);
  if (--registry.abandoned[peer.source] == 0) registry.abandoned.erase(peer.source);
}

// Of all sources, so that threads do not grow with domains.
constexpr size_t kMostAbandoned = 16;

constexpr const char* kMend =
    "; check that port 88 of the controllers answers (a firewall or a proxy may accept for it), "
    "and "
    "the realm's kdc lines in krb5.conf";

}  // namespace

StatusOr<Tickets> GetTicketsInTime(const Peer& peer, const BindOptions& bind,
                                   const std::string& host, absl::Duration limit) {
  Registry& registry = TheRegistry();
  bool threads_left = true;
  {
    const std::lock_guard lock(registry.mutex);
    threads_left = registry.abandoned.size() < kMostAbandoned;
    if (registry.abandoned.count(peer.source) > 0) {
      return UnavailableError(Cat(peer.source, ": no Kerberos ticket for ",
                                  Printable(bind.Account()),
                                  ": the KDC has not answered the last request yet", kMend));
    }
  }
  if (!threads_left) return GetTicketsBlocking(peer, bind, host);
  auto errand = std::make_shared<Errand>();
  try {
    std::thread([errand, peer, bind, host] { Run(errand, peer, bind, host); }).detach();
  } catch (const std::system_error& error) {
    return UnavailableError(Cat(peer.source, ": no thread for Kerberos: ", error.what()));
  }
  std::unique_lock lock(errand->mutex);
  const bool in_time = errand->done.wait_for(lock, absl::ToChronoNanoseconds(limit),
                                             [&] { return errand->result.has_value(); });
  if (in_time) return *std::move(errand->result);
  errand->abandoned = true;
  const std::lock_guard guard(registry.mutex);
  ++registry.abandoned[peer.source];
  return DeadlineError(Cat(peer.source, ": no Kerberos ticket for ", Printable(bind.Account()),
                           ": the KDC gave no answer in ", HumanDuration(limit), kMend));
}

size_t AbandonedTickets() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  size_t count = 0;
  for (const auto& [source, threads] : registry.abandoned) count += threads;
  return count;
}

}  // namespace driftwarden::directory
