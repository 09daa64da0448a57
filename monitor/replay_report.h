#pragma once

// Many people's outcomes under several policies, side by side: what choosing thresholds needs.
// Holds counts and at most so many names a list, however many people there were. Not thread-safe.

#include <map>
#include <string>
#include <vector>

#include "monitor/replay.h"

namespace driftwarden::monitor {

struct ReplayedPerson {
  std::string id;  // for people, as printed elsewhere
  std::string upn;
  TierName tier;
  ReplayOutcome recorded;
  std::vector<ReplayOutcome> outcomes;     // one a policy
  std::vector<absl::Duration> warn_after;  // of this person under each
};

struct ReplayRow {
  struct Entry {
    std::string id;
    std::string upn;
    TierName tier;
    std::optional<ReplayPage> page;  // the first
    std::optional<absl::Time> revoked;
    bool as_recorded = false;  // paged and revoked as it was
  };
  struct NearMiss {
    std::string id;
    std::string upn;
    TierName tier;
    absl::Duration lag;
    absl::Duration short_of;                                          // a warning
    std::optional<std::pair<absl::Duration, absl::Duration>> bounds;  // of the lag
  };
  std::string name;
  uint64_t people_paged = 0;
  uint64_t people_critical = 0;
  uint64_t pages = 0;
  uint64_t people_revoked = 0;  // because the sync lagged
  uint64_t people_sealed = 0;
  uint64_t alerts_sent = 0;     // of what was recorded
  uint64_t as_recorded = 0;     // people whose pages and revocations are those of the record
  uint64_t most_in_10_min = 0;  // revocations of both reasons; budgets do not hold them here
  uint64_t most_in_an_hour = 0;
  std::map<TierName, uint64_t> paged_by_tier;
  std::vector<Entry> people;      // paged or revoked; at most so many
  std::vector<Entry> spared;      // paged or revoked in the record and not here; at most so many
  std::vector<NearMiss> closest;  // not paged; the closest first
};

class ReplayReport {
 public:
  // `names`: of the policies, as outcomes are given. At most `most_listed` names in each list.
  ReplayReport(const std::vector<std::string>& names, size_t most_listed);

  void Add(const ReplayedPerson& person);
  void AddNotEvaluated(const std::string& reason) { ++not_evaluated_[reason]; }

  // "recorded" first, then the policies.
  std::vector<ReplayRow> Rows() const;
  uint64_t evaluated() const { return evaluated_; }
  const std::map<std::string, uint64_t>& not_evaluated() const { return not_evaluated_; }

 private:
  struct Sums {
    ReplayRow row;
    std::vector<absl::Time> calls;
  };
  void Count(Sums& sums, const ReplayedPerson& person, const ReplayOutcome& outcome);

  size_t most_listed_;
  uint64_t evaluated_ = 0;
  std::map<std::string, uint64_t> not_evaluated_;
  std::vector<Sums> sums_;
};

}  // namespace driftwarden::monitor
