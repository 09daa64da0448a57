// What is told of a link as one count, because nobody is to be told of each: who drifted before the
// first look, and who is disabled in Entra with sessions that nobody revoked.

#include <algorithm>

#include "base/strings.h"
#include "monitor/causes.h"

namespace driftwarden::monitor {
namespace {

constexpr char kInheritedSentence[] =
    "inherited opens with the baseline when somebody who drifted before the first look is live in "
    "Entra; it clears when none of them is left, or when the baseline is accepted.";
constexpr char kNotRevokedSentence[] =
    "token_not_revoked outside `auto` opens one summary of a link, a warning when tier 0 is among "
    "its people, else info; they are counted once a day, and it clears when none is left.";

constexpr absl::Duration kCountedFor = absl::Hours(24);

std::string CountedPeople(uint64_t people) {
  return Cat(people, people == 1 ? " person" : " people");
}

std::vector<CauseFinding> FindInherited(const LinkSituation& s) {
  CauseFinding finding;
  finding.people = s.link.inherited_live;
  finding.opens = finding.people > 0 && !s.link.baseline_accepted;
  finding.holds = finding.opens;
  finding.since = *s.link.baseline_at;
  finding.detail = Cat(CountedPeople(finding.people), finding.people == 1 ? " is" : " are",
                       " live in Entra who drifted before the first look");
  return {finding};
}

std::vector<CauseFinding> FindNotRevoked(const LinkSituation& s) {
  uint64_t tier0 = 0;
  CauseFinding finding;
  for (const auto& [key, count] : s.link.open) {
    if (key.kind != DriftKind::kTokenNotRevoked || count <= 0) continue;
    if (RevokesByItself(s.policy, key.tier)) continue;
    finding.people += static_cast<uint64_t>(count);
    if (key.tier.value == kTier0) tier0 += static_cast<uint64_t>(count);
  }
  finding.opens = finding.people > 0;
  finding.holds = finding.opens;
  finding.since = s.now;
  finding.severity = tier0 > 0 ? Severity::kWarning : Severity::kInfo;
  finding.detail = Cat(CountedPeople(finding.people), finding.people == 1 ? " is" : " are",
                       " disabled in Entra without a revocation since",
                       tier0 > 0 ? Cat(", ", tier0, " of tier 0") : "");
  return {finding};
}

// Whoever would be told about for this alone. A containment that failed is told of each.
bool ExplainsNotRevoked(const LinkCause&, const Person& person, const LinkSituation& s) {
  const Episode& episode = *person.episode;
  if (episode.containment_failed || RevokesByItself(s.policy, episode.tier)) return false;
  bool open = false;
  for (const EpisodeKind& kind : episode.kinds) {
    if (kind.cleared || kind.severity < Severity::kWarning) continue;
    if (kind.kind != DriftKind::kTokenNotRevoked) return false;
    open = true;
  }
  return open;
}

}  // namespace

bool RevokesByItself(const Policy& policy, const TierName& tier) {
  const auto& actions = policy.remediation.actions;
  const bool sent =
      std::find(actions.begin(), actions.end(), ActionKind::kRevokeSessions) != actions.end();
  return sent && ModeFor(policy, tier, ActionKind::kRevokeSessions) == Mode::kAuto;
}

const CauseRule kInheritedCause = {
    CauseKind::kInherited,
    absl::InfiniteDuration(),
    kInheritedSentence,
    "people who drifted before the first look are live in Entra",
    "`driftwarden baseline show` counts them, `driftwarden drift list --state inherited` names "
    "them. Disable in Entra whoever has left; then, or at once, `driftwarden baseline accept` "
    "hands the rest over to ordinary paging and action.",
    nullptr,
    false,
    FindInherited,
    nullptr,
    true};

const CauseRule kNotRevokedCause = {
    CauseKind::kNotRevoked,
    absl::InfiniteDuration(),
    kNotRevokedSentence,
    "people are disabled in Entra whose sessions nobody revoked",
    "Nobody can sign in, but sessions from before would come back to life if the account were "
    "re-enabled. Revoke their sessions (`driftwarden drift list --kind token_not_revoked` names "
    "them), or let driftwarden do it: mode `auto` for `revoke_sessions`.",
    nullptr,
    false,
    FindNotRevoked,
    ExplainsNotRevoked,
    true,
    kCountedFor};

}  // namespace driftwarden::monitor
