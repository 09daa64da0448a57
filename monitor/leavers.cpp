#include "monitor/leavers.h"

#include <utility>

#include "base/strings.h"
#include "monitor/apply.h"
#include "monitor/settle.h"

namespace driftwarden::monitor {
namespace {

EvidenceEntry About(const Person& person, std::string type, const ExpectedLeave& leave) {
  EvidenceEntry entry = EvidenceAbout(person, std::move(type));
  entry.fact = TimeBounds::Exactly(leave.effective);
  entry.details["effective"] = FormatRfc3339(leave.effective);
  entry.details["urgency"] = LeaveUrgencyText(leave.urgency);
  if (!leave.reference.empty()) entry.details["reference"] = leave.reference;
  return entry;
}

bool SameWord(const ExpectedLeave& a, const ExpectedLeave& b) {
  return a.identifier == b.identifier && a.effective == b.effective && a.urgency == b.urgency &&
         a.reference == b.reference && a.from_file == b.from_file;
}

// Whether a word changes anything, and what it is then.
LeaveOutcome OutcomeOf(const std::optional<ExpectedLeave>& known, const ExpectedLeave& word) {
  if (!known) return LeaveOutcome::kAccepted;
  const bool same_time = known->effective == word.effective;
  switch (known->end) {
    case LeaveEnd::kDeparted:  // a feed that is never tidied up: it was so, and is over
      return same_time ? LeaveOutcome::kGone : LeaveOutcome::kAccepted;
    case LeaveEnd::kWithdrawn:  // somebody took the row back; the file does not know better
      return same_time && word.from_file ? LeaveOutcome::kUnchanged : LeaveOutcome::kAccepted;
    case LeaveEnd::kExpected:
      break;
  }
  const bool outranked = word.from_file && !known->from_file;
  if (outranked || SameWord(*known, word)) return LeaveOutcome::kUnchanged;
  return LeaveOutcome::kUpdated;
}

}  // namespace

void EndPassedLeave(Transaction& tx, Person& person, const Verdict& verdict) {
  auto& leave = person.memory.leave;
  if (!leave || leave->end != LeaveEnd::kExpected) return;
  if (!verdict.departed || person.episode || IsOpenPhase(verdict.phase)) return;
  if (verdict.state == State::kExempt || verdict.state == State::kInherited) return;
  tx.Record(About(person, "leaver_departed", *leave));
  leave->end = LeaveEnd::kDeparted;
}

std::optional<ExpectedLeave> StrongerOf(const std::optional<ExpectedLeave>& a,
                                        const std::optional<ExpectedLeave>& b) {
  if (!a || !b) return a ? a : b;
  if (a->end != b->end) return a->end < b->end ? a : b;
  if (a->urgency != b->urgency) return a->urgency > b->urgency ? a : b;
  return a->effective <= b->effective ? a : b;
}

Changes ApplyExpectedLeavers(const Context& context, PeopleSet people,
                             const std::vector<LeaveWord>& words,
                             std::vector<LeaveOutcome>* outcomes) {
  Transaction tx(context, std::move(people));
  outcomes->clear();
  for (const LeaveWord& word : words) {
    const Person* known = tx.Find(word.person);
    if (known == nullptr) {
      outcomes->push_back(LeaveOutcome::kUnknown);
      continue;
    }
    LeaveOutcome outcome = OutcomeOf(known->memory.leave, word.leave);
    if (outcome == LeaveOutcome::kAccepted || outcome == LeaveOutcome::kUpdated) {
      Person& person = tx.Touch(word.person);
      EvidenceEntry entry = About(person, "leaver_expected", word.leave);
      entry.details["actor"] = word.leave.actor;
      if (outcome == LeaveOutcome::kUpdated) {
        entry.details["instead_of"] = FormatRfc3339(person.memory.leave->effective);
      }
      tx.Record(std::move(entry));
      person.memory.leave = word.leave;
      SettlePerson(tx, word.person, !tx.link().baseline_at);
      const Person* settled = tx.Find(word.person);
      const bool over = settled != nullptr && settled->memory.leave &&
                        settled->memory.leave->end == LeaveEnd::kDeparted;
      if (over) outcome = LeaveOutcome::kGone;
    }
    outcomes->push_back(outcome);
  }
  return tx.Finish();
}

Changes ApplyLeaverWithdrawal(const Context& context, PeopleSet people, PersonOrdinal ordinal,
                              const std::string& actor, bool forget) {
  Transaction tx(context, std::move(people));
  const Person* known = tx.Find(ordinal);
  if (known == nullptr || !known->memory.leave || known->memory.leave->end != LeaveEnd::kExpected) {
    return tx.Finish();
  }
  Person& person = tx.Touch(ordinal);
  EvidenceEntry entry = About(person, "leaver_withdrawn", *person.memory.leave);
  entry.details["actor"] = actor;
  tx.Record(std::move(entry));
  if (forget) {
    person.memory.leave.reset();
  } else {
    person.memory.leave->end = LeaveEnd::kWithdrawn;
  }
  SettlePerson(tx, ordinal, !tx.link().baseline_at);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
