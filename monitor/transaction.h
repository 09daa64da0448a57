#pragma once

// One command in the making: the link and the people it loaded, what was changed so far, and the
// counters kept exact along the way. Internal to the core.

#include <map>
#include <set>
#include <string>
#include <utility>

#include "monitor/apply.h"

namespace driftwarden::monitor {

class Transaction {
 public:
  Transaction(const Context& context, PeopleSet people);

  LinkState& link() { return changes_.link; }
  const Policy& policy() const { return context_.policy; }
  absl::Time now() const { return context_.now; }
  bool clock_suspect() const { return context_.clock_suspect; }
  // A clock that nobody vouches for may be ahead: by it nothing is forgotten.
  bool clock_vouched() const { return context_.clock_vouched && !context_.clock_suspect; }
  absl::Time running_since() const { return context_.running_since; }
  Rng& rng() { return context_.rng; }
  Tally& tally() { return changes_.tally; }
  const PeopleSet& people() const { return people_; }
  const LinkState& link_before() const { return context_.link; }  // as the command found it

  // Null when it is not loaded or was removed. Read only: Touch() before changing it.
  const Person* Find(PersonOrdinal ordinal) const;
  // The person, to be changed; its share in the counters is taken out until the end.
  Person& Touch(PersonOrdinal ordinal);
  Person& Create();
  void Remove(PersonOrdinal ordinal);
  const std::set<PersonOrdinal>& touched() const { return touched_; }

  // Lookups, kept current with what this command changed.
  const Person* FindByGuid(const Guid& guid) const;
  const Person* FindByEntraId(const std::string& id) const;
  // The person this anchor leads to; of two that claim it, the one with an AD account.
  const Person* FindByAnchor(const Anchor& anchor) const;
  void IndexPerson(const Person& person);

  std::vector<Action>& ActionsOf(PersonOrdinal person) { return people_.actions[person]; }
  Action* FindAction(const ActionId& id);  // null when it is not loaded
  void MarkChanged(const Action& action);

  Incident* IncidentOf(PersonOrdinal person);  // null when there is none
  void PutIncident(PersonOrdinal person, const Incident& incident);
  void RemoveIncident(PersonOrdinal person);
  void MoveIncident(PersonOrdinal from, PersonOrdinal to);

  // Stands in every entry recorded from now on.
  void CausedBy(Cause cause) { changes_.cause = std::move(cause); }
  // Chains the entry; `at`, link, cause and hashes are filled in.
  void Record(EvidenceEntry entry);
  // Latches a guard, and records why in the entry, whose type is filled in.
  void TripGuard(const std::string& guard, std::string why, EvidenceEntry entry);
  void CloseEpisode(Episode episode) { changes_.closed_episodes.push_back(std::move(episode)); }
  void WantReads(PersonOrdinal person) { reads_wanted_.insert(person); }
  // An exemption of theirs ended in this command.
  void Release(PersonOrdinal person) { released_.insert(person); }
  bool WasReleased(PersonOrdinal person) const { return released_.contains(person); }
  void Returned(PersonOrdinal person) { changes_.returned.push_back(person); }
  void SetMustSync() { changes_.must_sync = true; }
  void WakeActions() { changes_.wake_actions = true; }
  void WakeAlerts() { changes_.wake_alerts = true; }

  Changes Finish();

 private:
  void EnterEpoch();
  // What was dated while our clock was ahead; see set_back.h.
  void SetDatesBack();
  void Count(const Person& person, int64_t sign);

  const Context& context_;
  PeopleSet people_;
  Changes changes_;
  std::map<PersonOrdinal, Person> before_;  // touched people as they were; new ones are absent
  std::set<PersonOrdinal> touched_;
  std::set<ActionId> changed_actions_;
  std::set<PersonOrdinal> changed_incidents_;
  std::set<PersonOrdinal> reads_wanted_;
  std::set<PersonOrdinal> released_;
};

// Opens and ends the link's causes by its counts. Part of Finish().
void UpdateCauses(Transaction& tx);

// An evidence entry about a person, to be completed by the caller.
EvidenceEntry EvidenceAbout(const Person& person, std::string type);
EvidenceEntry EvidenceAbout(const Action& action, std::string type);

}  // namespace driftwarden::monitor
