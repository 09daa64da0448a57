#pragma once

// A directory and its tenant as the watchers would describe them, and the people the core makes of
// them.

#include <vector>

#include "base/rng.h"
#include "monitor/apply.h"

namespace driftwarden::bench {

absl::Time Start();
monitor::Policy SomePolicy();

// One batch with the accounts of people `first` to `first + count`, everybody enabled or disabled.
// `change` rises with every change of the same people.
monitor::ChangeBatch AdBatch(int first, int count, bool enabled, uint32_t change);
monitor::ChangeBatch EntraBatch(int first, int count, bool enabled, uint32_t change);

// A link in memory, without a store.
class LinkInMemory {
 public:
  LinkInMemory();
  // What the core makes of a batch; nothing is remembered.
  monitor::Changes Apply(const monitor::ChangeBatch& batch, monitor::PeopleSet people);
  // Applies and remembers.
  void Take(const monitor::ChangeBatch& batch);
  // What an engine loads for a batch.
  monitor::PeopleSet Load(const monitor::ChangeBatch& batch) const;
  // Everybody with both halves, enabled.
  void ReadBaseline(int count);

  const std::map<monitor::PersonOrdinal, monitor::Person>& people() const {
    return people_.by_ordinal;
  }
  const monitor::LinkState& link() const { return link_; }
  absl::Time now = Start();

 private:
  void Remember(const monitor::Changes& changes);

  monitor::Policy policy_ = SomePolicy();
  monitor::LinkState link_;
  monitor::PeopleSet people_;
  SeededRng rng_{1};
};

}  // namespace driftwarden::bench
