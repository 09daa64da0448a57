#pragma once

// A link whose people stand in a real store, and what an engine does with a batch: load whom it
// touches, judge them, commit. Errors: those of the store.

#include <memory>
#include <string>

#include "bench/people.h"
#include "store/kv.h"
#include "store/state_store.h"

namespace driftwarden::bench {

class StoredLink {
 public:
  // The link as the store has it, or a new one.
  static StatusOr<std::unique_ptr<StoredLink>> Open(std::unique_ptr<store::StateStore> store);

  // Loads, applies, commits.
  Status Deliver(const monitor::ChangeBatch& batch);
  // A round that brought nothing, which an engine does not write.
  void Hear(const monitor::ChangeBatch& empty);
  // Judges whoever is due, at most `limit`, and finds who is next.
  Status ReviewDue(size_t limit = 1000);
  // Both sides of `count` people, read for the first time and enabled. The core judges the first
  // page of them, the others are like them; `kv` is the one under the store, of this link alone.
  Status ReadBaseline(int count, store::Kv& kv);

  absl::Time now = Start();
  // `change` of the next batch: later than everything that is stored.
  uint32_t NextChange() const;
  const monitor::LinkState& link() const { return link_; }
  store::StateStore& store() { return *store_; }

 private:
  explicit StoredLink(std::unique_ptr<store::StateStore> store) : store_(std::move(store)) {}
  Status Commit(const monitor::Changes& changes);
  Status ReadFirst(int count);

  const std::unique_ptr<store::StateStore> store_;
  uint64_t lease_ = 0;
  monitor::LinkState link_;
  monitor::Policy policy_ = SomePolicy();
  SeededRng rng_{1};
};

}  // namespace driftwarden::bench
