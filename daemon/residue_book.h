#pragma once

// What remains of one link's people, in the store. Beside the engine: it commits nothing that a
// verdict is made of, so that a fault here costs the report alone.

#include <memory>
#include <string>
#include <vector>

#include "base/async/lane.h"
#include "base/time.h"
#include "daemon/residue_feed.h"
#include "store/state_store.h"

namespace driftwarden::daemon {

// Everything must outlive the book.
struct ResidueBookParts {
  store::StateStore& store;
  Lane& read_lane;
  Lane& write_lane;
  const Clock& clock;
};

// One executor.
class ResidueBook final : public ResidueFeed {
 public:
  ResidueBook(ResidueBookParts parts, monitor::LinkName link, uint64_t lease_epoch)
      : parts_(parts), link_(std::move(link)), lease_epoch_(lease_epoch) {}

  // The store's errors.
  asio::awaitable<StatusOr<std::vector<ResidueTarget>>> Next(size_t limit) override;
  // Somebody who was merged into another person meanwhile is passed over.
  asio::awaitable<Status> Deliver(monitor::Residue residue) override;

 private:
  StatusOr<std::vector<ResidueTarget>> FindDue(size_t limit);
  Status AddDue(const std::vector<monitor::Episode>& episodes, size_t limit,
                std::vector<ResidueTarget>* due);

  const ResidueBookParts parts_;
  const monitor::LinkName link_;
  const uint64_t lease_epoch_;
  std::string cursor_;  // of the list of episodes; empty: the newest
};

}  // namespace driftwarden::daemon
