#pragma once

// A link in memory for tests of the core: holds what a store would hold, loads what an engine would
// load, commits Changes, and checks after every commit what must never break. The directory and the
// tenant are plain maps that the test edits; looks at them become observations.

#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "monitor/apply.h"
#include "monitor/evidence.h"

namespace driftwarden::monitor {

inline absl::Time T0() {
  return absl::FromUnixSeconds(1'800'000'000);
}

class World {
 public:
  explicit World(std::string name = "corp-contoso", uint64_t seed = 1);

  // The directory and the tenant. `i` numbers people; anchors, SIDs and ids follow from it.
  static AdView Ad(int i);
  static EntraView Entra(int i);
  AdView& ad(int i) { return ad_.at(i); }
  EntraView& entra(int i) { return entra_.at(i); }
  void AddPerson(int i);  // enabled on both sides
  void SetAd(int i, bool enabled, uint32_t writes = 1);
  void DeleteAd(int i);
  void DropEntra(int i) { entra_.erase(i); }
  void SetEntra(int i, bool enabled) { entra_.at(i).account_enabled = enabled; }

  // Reads everything on both sides: the baseline.
  void ReadAll();
  // One round of a source that brings these people's accounts, as they are now.
  void AdRound(const std::vector<int>& people);
  void EntraRound(const std::vector<int>& people);
  ChangeBatch AdBatch(const std::vector<int>& people, bool snapshot = false);
  ChangeBatch EntraBatch(const std::vector<int>& people, bool snapshot = false);
  void Apply(const ChangeBatch& batch);
  void ApplyDirect(const std::vector<Observation>& observations);
  // What an engine does after every command: direct reads of those who want them.
  void ReadWanted();
  // Direct reads of both sides of one person.
  void ReadDirect(int i);
  void Observe(AdView view, LookKind kind = LookKind::kDirect);
  void Observe(EntraView view, LookKind kind = LookKind::kDirect);

  // Lets time pass in steps with empty rounds of both sources, and reviews what falls due.
  void Advance(absl::Duration d, absl::Duration step = absl::Seconds(15));
  void Review(const std::vector<PersonOrdinal>& people);
  void ReviewDue();

  // The runner's part: gates after re-reads of the accounts as they are, the call, the read-back.
  bool RunGates(const ActionId& action);
  void RunCall(const ActionId& action, Status status = OkStatus(), bool sent = true);
  void RunVerify(const ActionId& action, bool verified = true);
  // All three, for every intent there is.
  void RunActions();
  // Delivers what is firing or ended.
  void Deliver();

  const Person& person(int i) const;  // by Entra id, else by objectGUID
  Person* Find(int i);
  std::vector<Action> ActionsOf(int i) const;
  const Action* Live(int i) const;  // the live action, null when there is none
  const Incident* IncidentOf(int i) const;
  size_t EvidenceOf(const std::string& type) const;
  Verdict Judge(int i) const;

  PeopleSet Load(const TouchedKeys& keys, const std::vector<PersonOrdinal>& ordinals = {}) const;
  PeopleSet LoadPeople(const std::vector<PersonOrdinal>& ordinals) const {
    return Load({}, ordinals);
  }
  void Commit(const Changes& changes);
  Context context() {
    Context context{link, policy, now, rng, clock_suspect};
    context.clock_vouched = clock_vouched;
    return context;
  }
  // Counters equal a recount, evidence verifies, one live action for each purpose.
  void Check();

  LinkState link;
  Policy policy;
  absl::Time now = T0();
  SeededRng rng;
  bool clock_suspect = false;
  bool clock_vouched = true;
  std::map<SourceName, absl::Duration> offsets;  // of sources' clocks, as every round measures them
  bool second_dc = false;                        // there is one, and it has heard of everything
  bool check = true;
  std::string base_dn = "dc=corp";  // that AD is read below
  std::map<PersonOrdinal, Person> people;
  std::map<ActionId, Action> actions;
  std::map<IncidentId, Incident> incidents;
  std::vector<EvidenceEntry> evidence;
  std::vector<Episode> closed;
  Tally tally;  // of all commits
  std::vector<PersonOrdinal> reads_wanted;

 private:
  Look LookNow(const SourceName& source, LookKind kind) const;
  ChangeBatch Batch(const SourceName& source, SourceKind kind, bool snapshot);

  std::map<int, AdView> ad_;
  std::map<int, EntraView> entra_;
  uint64_t batches_ = 0;
  size_t verified_ = 0;  // evidence entries that were checked, and the head they gave
  uint64_t verified_seq_ = 0;
  Sha256Digest verified_hash_{};
};

extern const SourceName kAd;
extern const SourceName kTenant;

}  // namespace driftwarden::monitor
