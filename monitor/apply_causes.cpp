// Every command ends here: the link's counts are as they will be committed, so its causes are
// opened and ended in the same write.

#include <algorithm>

#include "base/strings.h"
#include "monitor/cause_counts.h"
#include "monitor/causes.h"
#include "monitor/guards.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {
namespace {

void RecordCause(Transaction& tx, const LinkCause& cause, const char* type) {
  EvidenceEntry entry;
  entry.type = type;
  entry.fact = TimeBounds::Exactly(cause.since);
  entry.details["cause"] = CauseIdOf(cause, tx.link().name).value;
  entry.details["kind"] = CauseKindText(cause.kind);
  if (!cause.subject.empty()) entry.details["subject"] = cause.subject;
  entry.details["people"] = Cat(cause.people);
  entry.details["detail"] = cause.detail;
  tx.Record(std::move(entry));
}

void Open(Transaction& tx, const CauseRule& rule, const CauseFinding& finding) {
  CauseBook& book = tx.link().causes;
  LinkCause cause;
  cause.number = book.next++;
  cause.kind = rule.kind;
  cause.subject = finding.subject;
  cause.since = finding.since;
  cause.until = finding.until;
  cause.opened = tx.now();
  cause.people = finding.people;
  cause.detail = finding.detail;
  cause.severity = finding.severity;
  if (rule.counted_for > absl::ZeroDuration()) cause.counted_at = tx.now();
  RecordCause(tx, cause, "cause_opened");
  if (rule.guard != nullptr) tx.TripGuard(rule.guard, cause.detail, {});
  book.causes.push_back(std::move(cause));
  tx.WakeAlerts();
}

void TakeNumbers(Transaction& tx, LinkCause& cause, const CauseFinding& finding) {
  if (finding.detail.empty()) return;  // nothing to tell at present
  const absl::Duration stands = CauseRuleOf(cause.kind).counted_for;
  const bool same = finding.severity == cause.severity;
  if (same && tx.now() < cause.counted_at + stands) return;
  if (!same) tx.WakeAlerts();
  cause.severity = finding.severity;
  if (stands > absl::ZeroDuration()) cause.counted_at = tx.now();
  const bool mass = cause.until != absl::InfinitePast();
  cause.people = mass ? std::max(cause.people, finding.people) : finding.people;
  cause.until = std::max(cause.until, finding.until);
  cause.detail = finding.detail;
}

absl::Duration LingerOf(const Transaction& tx, const CauseRule& rule) {
  const Policy& policy = tx.policy();
  return rule.lingers ? policy.StaleAfter(policy.entra_source) : absl::ZeroDuration();
}

void KeepOrEnd(Transaction& tx, LinkCause& cause, const CauseFinding* finding) {
  const CauseRule& rule = CauseRuleOf(cause.kind);
  const bool holds = finding != nullptr && finding->holds;
  if (holds || (finding != nullptr && !rule.counted)) TakeNumbers(tx, cause, *finding);
  if (holds) {
    cause.ends_at.reset();
    return;
  }
  const absl::Duration linger = LingerOf(tx, rule);
  if (!cause.ends_at)
    cause.ends_at = tx.now() + (finding == nullptr ? absl::ZeroDuration() : linger);
  if (*cause.ends_at > tx.now()) return;
  cause.ended_at = tx.now();
  RecordCause(tx, cause, "cause_cleared");
  tx.WakeAlerts();
}

void ForgetOldCounts(Transaction& tx) {
  if (!tx.clock_vouched()) return;  // they are few, however long that takes
  CauseBook& book = tx.link().causes;
  ForgetRecent(book.departures, tx.now(), kMassDisableWindow);
  ForgetRecent(book.scope_exits, tx.now(), CycleOf(tx.policy(), tx.link()));
}

}  // namespace

void UpdateCauses(Transaction& tx) {
  if (tx.clock_suspect()) return;  // no time has passed for certain
  CauseBook& book = tx.link().causes;
  LinkVerdict verdict = EvaluateLink({tx.link(), tx.policy(), tx.now(), tx.running_since()});
  for (LinkCause& cause : book.causes) {
    if (cause.ended_at) continue;
    const auto found =
        std::find_if(verdict.findings.begin(), verdict.findings.end(), [&](const auto& item) {
          return item.first == cause.kind && item.second.subject == cause.subject;
        });
    const bool named = found != verdict.findings.end();
    KeepOrEnd(tx, cause, named ? &found->second : nullptr);
    if (named) verdict.findings.erase(found);
  }
  for (const auto& [kind, finding] : verdict.findings) {
    if (finding.opens) Open(tx, CauseRuleOf(kind), finding);
  }
  std::erase_if(book.causes, [](const LinkCause& cause) {
    return cause.ended_at && cause.announced.empty();  // nobody heard of it
  });
  ForgetOldCounts(tx);
}

Changes ApplyCauses(const Context& context) {
  Transaction tx(context, {});
  return tx.Finish();
}

bool IsHeldByGuard(const Person& person, const LinkState& link, const std::string& guard) {
  const auto found = link.guards.find(guard);
  if (found == link.guards.end() || !found->second.tripped) return false;
  const bool disable = guard == kGuardMassDisable;
  if (!disable && guard != kGuardMassScopeExit) return true;
  const CauseKind kind = disable ? CauseKind::kMassDisable : CauseKind::kMassScopeExit;
  for (const LinkCause& cause : link.causes.causes) {
    if (cause.kind != kind || cause.ended_at) continue;
    // Everybody since it began, so that what comes behind the crowd is looked at too.
    if (disable) return !person.episode || person.episode->departed.hi >= cause.since;
    const auto& halves = person.facts.ad;
    return std::any_of(halves.begin(), halves.end(), [&](const AdHalf& half) {
      return half.scope == ScopeState::kLeft && half.scope_since.hi >= cause.since;
    });
  }
  return true;
}

}  // namespace driftwarden::monitor
