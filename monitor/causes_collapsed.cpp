// collapsed opens when more than `collapse_after` people have the same kind of drift, warning or
// worse, and no cause is known; it clears at three quarters of that. Tier 0 is never counted, nor a
// critical sign-in.

#include "base/strings.h"
#include "monitor/causes.h"

namespace driftwarden::monitor {
namespace {

constexpr char kCollapsedCauseSentence[] =
    "collapsed opens when more than `collapse_after` people have the same kind of drift, warning "
    "or "
    "worse; it clears when no more than three quarters of that many have.";

bool Counts(const OpenCountKey& key) {
  if (key.tier.value == kTier0 || key.severity < Severity::kWarning) return false;
  return key.kind != DriftKind::kSignInAfterDisable || key.severity < Severity::kCritical;
}

std::vector<CauseFinding> FindCollapsedCause(const LinkSituation& s) {
  std::vector<CauseFinding> findings;
  std::map<DriftKind, uint64_t> people;
  for (const auto& [key, count] : s.link.open) {
    if (Counts(key) && count > 0) people[key.kind] += static_cast<uint64_t>(count);
  }
  for (const auto& [kind, count] : people) {
    CauseFinding finding;
    finding.subject = DriftKindText(kind);
    finding.opens = count > static_cast<uint64_t>(s.policy.collapse_after);
    finding.holds = count > CollapseEndsAt(s.policy);
    finding.since = s.now;
    finding.people = count;
    finding.detail = Cat("more than ", s.policy.collapse_after, " people with ", finding.subject,
                         ", warning or worse");
    findings.push_back(std::move(finding));
  }
  return findings;
}

bool CollapsedCauseExplains(const LinkCause& cause, const Person& person, const LinkSituation&) {
  return person.episode && DriftKindText(LeadingKind(*person.episode)) == cause.subject;
}

}  // namespace

uint64_t CollapseEndsAt(const Policy& policy) {
  return static_cast<uint64_t>(policy.collapse_after) * 3 / 4;
}

const CauseRule kCollapsedCause = {
    CauseKind::kCollapsed,
    absl::InfiniteDuration(),
    kCollapsedCauseSentence,
    "very many people have the same kind of drift",
    "Look for what they have in common: `driftwarden drift list` and `driftwarden status`.",
    nullptr,
    false,
    FindCollapsedCause,
    CollapsedCauseExplains};

}  // namespace driftwarden::monitor
