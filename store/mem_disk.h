#pragma once

// A disk in memory, for tests and simulation. It outlives the stores opened on it, so that a crash
// is: drop the store, LoseUnsynced(), open again. Thread-safe.

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "store/kv.h"

namespace driftwarden::store {

class MemDisk {
 public:
  using Maps = std::array<std::map<std::string, std::string>, kFamilyCount>;

  // Power loss: writes after the last synced one are gone, but for the first `keep` of them (a log
  // loses its tail, never its middle).
  void LoseUnsynced(size_t keep = 0);
  size_t unsynced_writes() const;
  // From now on every write fails with this reason ("No space left on device"); empty: heals.
  void RefuseWrites(std::string reason);

  std::shared_ptr<const Maps> Read() const;
  Status Write(const KvBatch& batch, bool sync);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Maps> maps_ = std::make_shared<Maps>();  // copied when a snapshot holds it
  // One a write since the last sync: what its keys held before, newest last.
  std::vector<std::vector<KvChange>> undo_;
  std::string refusal_;
};

// The backend over it.
std::unique_ptr<Kv> NewMemKv(std::shared_ptr<MemDisk> disk);

}  // namespace driftwarden::store
