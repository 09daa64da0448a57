#include "monitor/causes.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "monitor/cause_counts.h"

namespace driftwarden::monitor {
namespace {

// Whom no cause may hide.
bool IsTold(const Person& person) {
  const Episode& episode = *person.episode;
  if (episode.tier.value == kTier0 || person.tier.value == kTier0) return true;
  return std::any_of(episode.kinds.begin(), episode.kinds.end(), [](const EpisodeKind& kind) {
    return !kind.cleared && kind.kind == DriftKind::kSignInAfterDisable &&
           kind.severity == Severity::kCritical;
  });
}

// Nothing but an account that the engine has not carried yet, or should not.
bool CanExplain(CauseKind cause, DriftKind kind) {
  switch (kind) {
    case DriftKind::kDisableLag:
    case DriftKind::kDeletedLive:
    case DriftKind::kNeverSynced:
      return true;
    case DriftKind::kScopeExit:
      return cause == CauseKind::kMassScopeExit;
    default:
      return false;
  }
}

// Everything that the person would be told about is of a kind that the cause can explain.
bool CanExplain(CauseKind cause, const Episode& episode) {
  return std::all_of(episode.kinds.begin(), episode.kinds.end(), [cause](const EpisodeKind& kind) {
    return kind.cleared || kind.severity < Severity::kWarning || CanExplain(cause, kind.kind);
  });
}

}  // namespace

std::string_view CauseKindText(CauseKind kind) {
  switch (kind) {
    case CauseKind::kSourceStale:
      return "source_stale";
    case CauseKind::kEngineStalled:
      return "engine_stalled";
    case CauseKind::kExportBlocked:
      return "export_blocked";
    case CauseKind::kMassDisable:
      return "mass_disable";
    case CauseKind::kMassScopeExit:
      return "mass_scope_exit";
    case CauseKind::kCollapsed:
      return "collapsed";
    case CauseKind::kInherited:
      return "inherited";
    case CauseKind::kNotRevoked:
      return "token_not_revoked";
  }
  return "unknown";
}

std::span<const CauseRule* const> AllCauseRules() {
  static constexpr const CauseRule* kRules[] = {
      &kSourceStaleCause,   &kEngineStalledCause, &kExportBlockedCause, &kMassDisableCause,
      &kMassScopeExitCause, &kCollapsedCause,     &kInheritedCause,     &kNotRevokedCause};
  return kRules;
}

const CauseRule& CauseRuleOf(CauseKind kind) {
  for (const CauseRule* rule : AllCauseRules()) {
    if (rule->kind == kind) return *rule;
  }
  DW_CHECK(false);
  return kCollapsedCause;
}

LinkVerdict EvaluateLink(const LinkSituation& situation) {
  LinkVerdict verdict;
  if (!situation.link.baseline_at) return verdict;  // nobody is judged yet
  for (const CauseRule* rule : AllCauseRules()) {
    for (CauseFinding& finding : rule->find(situation)) {
      verdict.findings.emplace_back(rule->kind, std::move(finding));
    }
  }
  return verdict;
}

absl::Time CausesDueAt(const LinkSituation& situation) {
  absl::Time due = absl::InfiniteFuture();
  const auto& causes = situation.link.causes.causes;
  for (const LinkCause& cause : causes) {
    if (cause.ends_at && !cause.ended_at) due = std::min(due, *cause.ends_at);
  }
  for (const auto& [kind, finding] : EvaluateLink(situation).findings) {
    const bool open = std::any_of(causes.begin(), causes.end(), [&](const LinkCause& cause) {
      return cause.kind == kind && cause.subject == finding.subject && !cause.ended_at;
    });
    if (open) continue;
    if (finding.opens || finding.review_at > situation.now) due = std::min(due, finding.review_at);
  }
  return due;
}

const LinkCause* ExplainedBy(const Person& person, const LinkSituation& situation) {
  if (!person.episode) return nullptr;
  const LinkCause* first = nullptr;
  for (const LinkCause& cause : situation.link.causes.causes) {
    if (cause.ended_at || cause.kind == CauseKind::kCollapsed) continue;
    if (first != nullptr && first->kind <= cause.kind) continue;
    const CauseRule& rule = CauseRuleOf(cause.kind);
    if (rule.explains == nullptr) continue;
    // A count of its own says itself whom it stands for.
    if (!rule.counted && (IsTold(person) || !CanExplain(cause.kind, *person.episode))) continue;
    if (rule.explains(cause, person, situation)) first = &cause;
  }
  return first;
}

const LinkCause* CollapsedInto(const Person& person, const LinkState& link) {
  if (!person.episode || IsTold(person)) return nullptr;
  const std::string_view kind = DriftKindText(LeadingKind(*person.episode));
  for (const LinkCause& cause : link.causes.causes) {
    if (!cause.ended_at && cause.kind == CauseKind::kCollapsed && cause.subject == kind) {
      return &cause;
    }
  }
  return nullptr;
}

IncidentId CauseIdOf(const LinkCause& cause, const LinkName& link) {
  return IncidentId(Cat("c", cause.number, ".", link.value));
}

Severity SeverityOf(const LinkCause& cause, absl::Time now) {
  const bool late = now - cause.opened >= CauseRuleOf(cause.kind).critical_after;
  return late ? Severity::kCritical : cause.severity;
}

Incident CauseIncident(const LinkCause& cause, const LinkName& link, Severity severity) {
  Incident incident;
  incident.id = CauseIdOf(cause, link);
  incident.alertname = "DriftwardenCause";
  const bool collapsed = cause.kind == CauseKind::kCollapsed;
  incident.labels = {{"alertname", incident.alertname},
                     {"link", link.value},
                     {"kind", collapsed ? cause.subject : std::string(CauseKindText(cause.kind))},
                     {"tier", "all"},
                     {"severity", std::string(SeverityText(severity))},
                     {"episode", incident.id.value}};  // two sources may be stale at a time
  incident.starts_at = cause.opened;
  incident.ended_at = cause.ended_at;
  incident.announced = cause.announced;
  return incident;
}

uint64_t OwedPeople(const LinkState& link) {
  return static_cast<uint64_t>(
      WaitingBetween(link.causes.waiting, link.causes.carried, absl::InfiniteFuture()));
}

std::string EngineSays(const LinkState& link) {
  std::string text;
  if (!link.tenant.jobs) return text;
  for (const SyncJob& job : *link.tenant.jobs) {
    if (job.code != kJobInQuarantine) continue;
    text += Cat(text.empty() ? "" : "; ", "job ", job.id, " stands in quarantine",
                job.quarantine_reason.empty() ? "" : ": ", job.quarantine_reason);
  }
  return text;
}

}  // namespace driftwarden::monitor
