// anchor_conflict opens when one anchor stands on two Entra accounts, or anchor and SID disagree
// for two cycles, so that nobody can tell whose the account is. It clears when they agree, or the
// departure is over.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kConflictSentence[] =
    "anchor_conflict opens when one anchor stands on two Entra accounts, or anchor and SID "
    "disagree for two cycles, so that nobody can tell whose the account is. It clears when "
    "they agree, or the departure is over.";

bool Differs(const Situation& s) {
  const Facts& facts = s.person->facts;
  return facts.Linked() && (facts.conflicts_with || facts.sid_mismatch_since);
}

std::optional<OpenDrift> OpenConflict(const Situation& s) {
  if (!Differs(s) || s.phase == State::kConverged) return std::nullopt;
  if (GradeOf(s.person->facts) != IdentityGrade::kConflict) return std::nullopt;
  const absl::Time since = s.OpenSince(DriftKind::kAnchorConflict)
                               .value_or(s.person->facts.sid_mismatch_since.value_or(s.now));
  return OpenDrift{DriftKind::kAnchorConflict, s.WarnOrCritical(), since};
}

}  // namespace

const Rule kAnchorConflictRule = {DriftKind::kAnchorConflict, kConflictSentence,
                                  "warning / critical; a warning while `quarantined`", OpenConflict,
                                  Differs};

}  // namespace driftwarden::monitor
