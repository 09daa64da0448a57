#pragma once

// The simulated world: forests, the tenants they feed, a sync engine between each pair, people who
// sign in, and the record of what really happened. Pure: no clock, no threads, no I/O. Time is
// passed to whatever acts and may only grow; the same options and calls give the same world.
//
//   World world(options);
//   world.directory().Disable("u0000007", now);
//   world.AdvanceTo(now + absl::Minutes(31));     // the sync engine's cycles run on the way
//   world.tenant().Now(7).enabled;                // false

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "simulator/actors.h"
#include "simulator/directory.h"
#include "simulator/people.h"
#include "simulator/sync_engine.h"
#include "simulator/tenant.h"
#include "simulator/truth.h"

namespace driftwarden::simulator {

struct ForestOptions {
  PeopleOptions people;        // its seed is mixed with the world's
  DirectoryOptions directory;  // its start is the world's
};

struct WorldOptions {
  uint64_t seed = 1;
  absl::Time start = absl::FromUnixSeconds(1795219200);  // 2026-11-21T00:00:00Z
  std::vector<ForestOptions> forests = {ForestOptions{}};
  std::vector<TenantOptions> tenants = {TenantOptions{}};
  SyncOptions sync;  // of each tenant's engine
  ActorOptions actors;
};

class World {
 public:
  explicit World(WorldOptions options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Lets everything happen that is due up to `now`, in order. Going back does nothing.
  void AdvanceTo(absl::Time now);
  // When something happens next of itself; InfiniteFuture: nothing will.
  absl::Time NextEventAt();
  absl::Time now() const { return now_; }
  const WorldOptions& options() const { return options_; }

  size_t forests() const { return forests_.size(); }
  size_t tenants() const { return sites_.size(); }
  const People& people(size_t forest = 0) const { return forests_[forest]->people; }
  Directory& directory(size_t forest = 0) { return *forests_[forest]->directory; }
  Tenant& tenant(size_t i = 0) { return *sites_[i]->tenant; }
  SyncEngine& sync(size_t i = 0) { return *sites_[i]->sync; }
  Actors& actors() { return *actors_; }
  const Truth& truth() const { return truth_; }
  // Graph was asked something.
  void NoteAsked(const std::string& client_request_id, absl::Time now);

  // The person tries to sign in to the tenant. NotFound: nobody is called that.
  StatusOr<bool> SignIn(std::string_view sam, absl::Time now, size_t tenant = 0);

 private:
  struct Forest {
    explicit Forest(PeopleOptions options) : people(std::move(options)) {}
    const People people;
    std::unique_ptr<Directory> directory;
  };
  struct Site {
    std::unique_ptr<Tenant> tenant;
    std::unique_ptr<SyncEngine> sync;
  };

  const WorldOptions options_;
  absl::Time now_;
  bool advancing_ = false;  // what an event does must not start other events
  Truth truth_;
  std::vector<std::unique_ptr<Forest>> forests_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::unique_ptr<Actors> actors_;
};

}  // namespace driftwarden::simulator
