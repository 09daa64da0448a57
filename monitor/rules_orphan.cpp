// orphan_synced opens when an Entra account is marked as synced from a domain that is read
// completely, and no AD object stands behind it. It clears when an AD object is found, or when the
// Entra account is deleted or no longer synced.

#include <algorithm>

#include "monitor/rules.h"
#include "monitor/unmanaged.h"

namespace driftwarden::monitor {
namespace {

constexpr char kOrphanSentence[] =
    "orphan_synced opens when an Entra account is marked as synced, its on-premises domain is one "
    "that is read completely, and two sync cycles after it was first seen, or after its AD account "
    "was deleted, no AD object stands behind it, in scope or not. Of a deleted AD account only a "
    "disabled one is an orphan. It clears when an AD object is found, or when the Entra account is "
    "deleted or no longer synced.";

bool OrphanHolds(const Situation& s) {
  return LooksOrphaned(s.person->facts, *s.link, *s.policy);
}

// What was found once is not taken back because a base is no longer read.
bool StaysOrphaned(const Facts& facts) {
  return facts.entra && !facts.EntraGone() && facts.entra->sync_enabled != Tri::kNo &&
         !HasAdObject(facts) && (facts.ad.empty() || !facts.EntraLive());
}

std::optional<OpenDrift> OpenOrphan(const Situation& s) {
  const Facts& facts = s.person->facts;
  // A departure that is not over has kinds of its own.
  if (s.departed && s.phase != State::kConverged) return std::nullopt;
  const auto already = s.OpenSince(DriftKind::kOrphanSynced);
  if (already) {
    if (!StaysOrphaned(facts)) return std::nullopt;
    return OpenDrift{DriftKind::kOrphanSynced, Severity::kInfo, *already};
  }
  if (s.clock_suspect || !IsOrphaned(facts, *s.link, *s.policy, s.now)) return std::nullopt;
  // Of a tombstone the account has been one since it was out of Entra as well.
  absl::Time since = s.departed ? std::max(s.departure.hi, s.EntraOutSince()) : s.entra->first_seen;
  if (since == absl::InfinitePast()) since = s.now;
  return OpenDrift{DriftKind::kOrphanSynced, Severity::kInfo, since};
}

}  // namespace

const Rule kOrphanSyncedRule = {DriftKind::kOrphanSynced, kOrphanSentence, "info", OpenOrphan,
                                OrphanHolds};

}  // namespace driftwarden::monitor
