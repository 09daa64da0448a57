#include "tests/sim/truth_queries.h"

#include <algorithm>

#include "base/strings.h"

namespace driftwarden::sim {

using simulator::AdChangeKind;
using simulator::Call;
using simulator::EntraChange;
using simulator::EntraChangeKind;

namespace {

void TakeChange(EntraTruth& truth, const EntraChange& change) {
  if (change.kind == EntraChangeKind::kRevoked) {
    if (change.actor != simulator::Actor::kApi) truth.other_revocations.push_back(change.at);
    return;
  }
  EntraSpan next = truth.spans.back();
  next.from = change.at;
  if (change.kind == EntraChangeKind::kDisabled) next.enabled = false;
  if (change.kind == EntraChangeKind::kEnabled) next.enabled = true;
  if (change.kind == EntraChangeKind::kRestored) next.gone = false;
  if (change.kind == EntraChangeKind::kSoftDeleted || change.kind == EntraChangeKind::kPurged) {
    next.gone = true;
  }
  truth.returns += !truth.live() && next.live() ? 1 : 0;
  truth.spans.back().to = change.at;
  truth.spans.push_back(next);
}

bool AnyWithin(const std::vector<absl::Time>& times, absl::Time from, absl::Time to) {
  return std::any_of(times.begin(), times.end(),
                     [&](absl::Time at) { return at >= from && at <= to; });
}

}  // namespace

bool EntraTruth::RevokedSince(absl::Time from, absl::Time to) const {
  return AnyWithin(our_revocations, from, to) || AnyWithin(other_revocations, from, to);
}

bool EntraTruth::SignedInSince(absl::Time from) const {
  return AnyWithin(sign_ins, from, absl::InfiniteFuture());
}

std::vector<Span> OutOfAd(Stage& stage, size_t forest, uint64_t person) {
  std::vector<Span> out;
  if (stage.world().people(forest).LeftBefore(person)) out.push_back(Span());
  for (const simulator::AdChange& change : stage.world().truth().ad_changes) {
    if (change.forest != forest || change.person != person) continue;
    const bool leaves =
        change.kind == AdChangeKind::kDisabled || change.kind == AdChangeKind::kDeleted;
    if (leaves && !Departed(out)) out.push_back({change.at});
    if (change.kind == AdChangeKind::kEnabled && Departed(out)) out.back().to = change.at;
  }
  return out;
}

std::vector<Span> ExpiredInAd(Stage& stage, size_t forest, uint64_t person, absl::Duration late) {
  const simulator::Directory& directory = stage.world().directory(forest);
  const absl::Duration ahead = directory.dc().clock_offset;
  std::vector<Span> expired;
  Span next;
  bool enabled = !stage.world().people(forest).LeftBefore(person);
  absl::Time date = absl::InfiniteFuture();
  const auto take = [&](absl::Time since, absl::Time until) {
    next.from = std::max(date - ahead, since);
    next.to = until;
    if (enabled && next.from < std::min(until, stage.now())) expired.push_back(next);
  };
  absl::Time since = absl::InfinitePast();
  for (const simulator::AdChange& change : stage.world().truth().ad_changes) {
    if (change.forest != forest || change.person != person) continue;
    if (change.kind == AdChangeKind::kEdited) continue;
    take(since, change.at + late);
    since = change.at;
    date = simulator::ExpiryOf(change.account_expires);
    if (change.kind == AdChangeKind::kExpirySet) continue;
    enabled = change.kind == AdChangeKind::kEnabled;
  }
  take(since, absl::InfiniteFuture());
  return expired;
}

bool Departed(const std::vector<Span>& out) {
  return !out.empty() && out.back().open();
}

EntraTruth TruthOf(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  const simulator::Truth& happened = stage.world().truth();
  EntraTruth truth;
  EntraSpan first;
  first.enabled = !stage.world().people(setup.forest).LeftBefore(person);
  truth.spans.push_back(first);
  for (const EntraChange& change : happened.entra_changes) {
    if (change.tenant == setup.tenant && change.person == person) TakeChange(truth, change);
  }
  for (const Call& call : happened.calls) {
    const bool ours = call.tenant == setup.tenant && call.person == person && call.applied;
    if (ours && call.kind == simulator::CallKind::kRevoke) truth.our_revocations.push_back(call.at);
  }
  for (const simulator::SignIn& sign_in : happened.sign_ins) {
    const bool theirs = sign_in.tenant == setup.tenant && sign_in.person == person;
    if (theirs && sign_in.success) truth.sign_ins.push_back(sign_in.at);
  }
  return truth;
}

std::string NameOf(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  return Cat(setup.policy->link.value, "/", stage.world().people(setup.forest).SamOf(person));
}

monitor::TierName TierOfPerson(Stage& stage, size_t link, uint64_t person) {
  const bool tier0 = stage.world().people(stage.link(link).forest).IsTier0(person);
  return monitor::TierName(tier0 ? monitor::kTier0 : monitor::kStandard);
}

bool ActsFor(Stage& stage, size_t link, uint64_t person) {
  return ModeFor(*stage.link(link).policy, TierOfPerson(stage, link, person),
                 monitor::ActionKind::kRevokeSessions) == monitor::Mode::kAuto;
}

}  // namespace driftwarden::sim
