#include "monitor/own_calls.h"

#include <algorithm>

#include "base/strings.h"
#include "monitor/attribution.h"

namespace driftwarden::monitor {
namespace {

// A record is dated when the tenant has done it, which is seconds after the call began.
constexpr absl::Duration kRecordedWithin = absl::Seconds(30);
// From an intent to its call, with reads that have to be repeated and a restart between.
constexpr absl::Duration kIntentToCall = absl::Minutes(15);

bool CanHaveMade(const Action& action, const AuditRecord& record, absl::Duration slack,
                 absl::Time now) {
  if (!record.correlation_id.empty() && action.id.value == record.correlation_id) return true;
  const bool begun = action.intent_at || action.cleared_at || action.attempts > 0;
  if (!begun || action.kind != ActionKind::kRevokeSessions) return false;
  const absl::Time end = action.finished_at.value_or(now);
  return record.at >= action.requested_at - slack && record.at <= end + slack;
}

bool IsIntentNear(const CallStamp& call, const AuditRecord& record, absl::Duration slack) {
  return record.at >= call.at - slack && record.at <= call.at + kIntentToCall + slack;
}

// Generous: what is in doubt was ours.
bool MayBeOurs(Transaction& tx, const AuditRecord& record, const Person* owner) {
  const absl::Duration slack = LogSkew(tx.policy(), tx.link()) + kRecordedWithin;
  if (record.change != AccountChange::kSessionsRevoked) return false;  // nothing else is called
  const auto& calls = tx.link().calls;
  const bool near = std::any_of(calls.begin(), calls.end(), [&](const CallStamp& call) {
    return (owner == nullptr || call.person == owner->ordinal) && IsIntentNear(call, record, slack);
  });
  if (near || owner == nullptr) return near;
  const auto& last = owner->facts.last_revocation;
  if (last && record.at >= last->called.lo - slack && record.at <= last->called.hi + slack) {
    return true;
  }
  const std::vector<Action>& actions = tx.ActionsOf(owner->ordinal);
  return std::any_of(actions.begin(), actions.end(), [&](const Action& action) {
    return CanHaveMade(action, record, slack, tx.now());
  });
}

}  // namespace

void WatchOwnCalls(Transaction& tx, const AuditRecord& record, const Person* owner) {
  const bool disabled = record.change == AccountChange::kDisabled;
  if (!disabled && record.change != AccountChange::kSessionsRevoked) return;
  if (!tx.link().baseline_at) return;
  if (ActorOf(record, tx.policy(), tx.link()) != ActorKind::kDriftwarden) return;
  const GuardState& guard = tx.link().guards[kGuardOwnCalls];
  // What was done before, by an earlier data directory or before somebody looked, is no news.
  const absl::Time since = std::max(*tx.link().baseline_at, guard.since);
  if (guard.tripped || record.at - LogSkew(tx.policy(), tx.link()) <= since) return;
  if (MayBeOurs(tx, record, owner)) return;
  EvidenceEntry entry;
  if (owner != nullptr) entry = EvidenceAbout(*owner, "");
  entry.source = tx.policy().entra_source.value;
  entry.fact = TimeBounds::Exactly(record.at);
  entry.details["record"] = record.id;
  tx.TripGuard(kGuardOwnCalls,
               Cat("the Entra account ", record.entra_id,
                   disabled ? " was disabled" : " had its sessions revoked", " at ",
                   FormatRfc3339(record.at),
                   " in the name of our own application, and no intent of ours stands behind it"),
               std::move(entry));
}

}  // namespace driftwarden::monitor
