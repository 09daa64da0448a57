#include "monitor/facts.h"

#include <algorithm>

namespace driftwarden::monitor {
namespace {

// Higher decides: an account that is enabled (or may be) keeps the person in, as it does in the
// sync engine; of several that are out, the last one to leave tells when the person left.
int Rank(const AdHalf& half) {
  if (Departed(half)) return IsMailboxStub(half) ? 0 : 1;
  return half.disabled == Tri::kNo ? 3 : 2;
}

bool DecidesBefore(const AdHalf& a, const AdHalf& b) {
  // The sync engine does not see what left its scope.
  if (a.scope != b.scope) return a.scope < b.scope;
  if (Rank(a) != Rank(b)) return Rank(a) > Rank(b);
  if (Departed(a)) {
    // When one of them left is known, the other was out when it was first looked at.
    if (a.baseline_departed != b.baseline_departed) return b.baseline_departed;
    const absl::Time left_a = DepartedSince(a).hi;
    const absl::Time left_b = DepartedSince(b).hi;
    if (left_a != left_b) return left_a > left_b;
  }
  return a.object_guid < b.object_guid;
}

}  // namespace

bool IsMailboxStub(const AdHalf& half) {
  // msExchRecipientTypeDetails: linked, shared, room, equipment, team, linked room mailbox, and the
  // remote forms in Exchange Online.
  constexpr uint64_t kStubs = 0x2 | 0x4 | 0x10 | 0x20 | (uint64_t{1} << 33) | (uint64_t{1} << 34) |
                              (uint64_t{1} << 35) | (uint64_t{1} << 36) | (uint64_t{1} << 37) |
                              (uint64_t{1} << 40);
  return (half.recipient_type & kStubs) != 0;
}

bool Departed(const AdHalf& half) {
  return half.deleted || half.disabled == Tri::kYes;
}

TimeBounds DepartedSince(const AdHalf& half) {
  if (half.disabled == Tri::kYes) return half.disabled_since;
  return half.deleted_since;
}

absl::Time DepartureSeen(const AdHalf& half) {
  if (half.disabled == Tri::kYes) return half.disabled_seen;
  return half.deleted_seen;
}

const AdHalf* Facts::DecidingAd() const {
  const AdHalf* best = nullptr;
  for (const AdHalf& half : ad) {
    if (half.scope == ScopeState::kNever) continue;
    if (best == nullptr || DecidesBefore(half, *best)) best = &half;
  }
  return best;
}

bool Facts::EntraLive() const {
  return entra && entra->deletion == EntraDeletion::kLive && entra->enabled == Tri::kYes;
}

bool Facts::EntraGone() const {
  return entra && entra->deletion != EntraDeletion::kLive;
}

Anchor AnchorOf(const AdHalf& half) {
  if (!half.consistency_guid.empty()) return AnchorOf(half.consistency_guid);
  return AnchorOf(half.object_guid.Raw());
}

std::vector<Anchor> AnchorsOf(const Facts& facts) {
  std::vector<Anchor> anchors;
  // A deleted cloud account on its own claims nothing: its anchor may live on in another one.
  if (facts.ad.empty() && facts.EntraGone()) return anchors;
  if (!facts.anchor.empty()) anchors.push_back(facts.anchor);
  for (const AdHalf& half : facts.ad) anchors.push_back(AnchorOf(half));
  if (facts.entra && !facts.entra->immutable_id.empty()) {
    anchors.push_back(facts.entra->immutable_id);
  }
  std::sort(anchors.begin(), anchors.end());
  anchors.erase(std::unique(anchors.begin(), anchors.end()), anchors.end());
  return anchors;
}

bool SidAgrees(const Facts& facts) {
  if (!facts.entra || facts.entra->on_premises_sid.bytes.empty()) return false;
  const Sid& theirs = facts.entra->on_premises_sid;
  return std::any_of(facts.ad.begin(), facts.ad.end(), [&](const AdHalf& half) {
    const auto& earlier = half.sid_history;
    return half.sid == theirs || std::find(earlier.begin(), earlier.end(), theirs) != earlier.end();
  });
}

IdentityGrade GradeOf(const Facts& facts) {
  if (facts.conflicts_with) return IdentityGrade::kConflict;
  const AdHalf* ad = facts.DecidingAd();
  if (ad == nullptr || !facts.entra) return IdentityGrade::kNone;
  const bool anchor_agrees = AnchorOf(*ad) == facts.entra->immutable_id;
  const bool both_sids = !ad->sid.bytes.empty() && !facts.entra->on_premises_sid.bytes.empty();
  const bool sid_agrees = both_sids && SidAgrees(facts);
  if (!anchor_agrees) return sid_agrees ? IdentityGrade::kAnchor : IdentityGrade::kConflict;
  if (sid_agrees) return IdentityGrade::kStrong;
  if (both_sids && facts.sid_mismatch_confirmed) return IdentityGrade::kConflict;
  return IdentityGrade::kAnchor;
}

}  // namespace driftwarden::monitor
