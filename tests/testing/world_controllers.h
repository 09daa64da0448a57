#pragma once

// The domain controllers of a simulated forest that the monitor reaches. Changes are made at one
// that nobody reads, the simulator's Directory; each of these follows it into a database, USNs and
// an invocation id of its own: later when it lags, once more when it was restored from a backup.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "simulator/world.h"

namespace driftwarden::testing {

class Controller {
 public:
  // `origin` must outlive it.
  Controller(const simulator::Directory& origin, uint64_t number);

  // Everything that the origin wrote has come by now, unless this one lags.
  void Follow(absl::Time now);
  void LagUntil(absl::Time until) { lags_until_ = until; }
  void StopUntil(absl::Time until) { down_until_ = until; }
  bool IsUp(absl::Time now) const { return now >= down_until_; }
  bool Lags(absl::Time now) const { return now < lags_until_; }
  // The database as it is now is what Restore puts back, under another invocation id.
  void BackUp();
  void Restore(absl::Time now);

  const std::string& name() const { return name_; }
  const std::string& invocation_id() const { return invocation_id_; }  // raw
  int64_t highest_usn() const { return database_.highest_usn; }
  simulator::AdUser Read(uint64_t person) const;
  // By their uSNChanged here, oldest first; both ends belong to it.
  std::vector<uint64_t> ChangedIn(int64_t lo, int64_t hi) const;

 private:
  struct Database {
    int64_t followed = 0;  // the origin's USN until which this has everything
    int64_t highest_usn = 0;
    std::unordered_map<uint64_t, simulator::AdUser> changed;
    std::map<int64_t, uint64_t> by_usn;  // everybody
  };

  const simulator::Directory& origin_;
  const uint64_t number_;
  const std::string name_;
  std::string invocation_id_;
  Database database_;
  Database backup_;
  // As everybody was before anything changed, by person.
  std::vector<simulator::AdUser> base_;
  absl::Time lags_until_ = absl::InfinitePast();
  absl::Time down_until_ = absl::InfinitePast();
};

// Those of every forest.
class Controllers {
 public:
  static constexpr size_t kOfForest = 2;

  // Before anything changes in `world`, which must outlive it.
  explicit Controllers(simulator::World& world);
  Controller& At(size_t forest, size_t number) { return forests_[forest][number]; }
  // That one if it is up, else another; nothing: none is.
  Controller* UpOne(size_t forest, size_t wanted, absl::Time now);
  size_t NumberOf(size_t forest, const Controller& controller) const;
  // All are up and have everything.
  void Mend(absl::Time now);

 private:
  std::vector<std::vector<Controller>> forests_;
};

}  // namespace driftwarden::testing
