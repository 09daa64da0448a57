// Who expired in AD, at the end.

#include <algorithm>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

namespace {

// Until both sides were read, and a gap in reading is over.
constexpr absl::Duration kExpirySeen = absl::Minutes(2);
// From the moment when an expired account is to be revoked until it was.
constexpr absl::Duration kExpiryActedOn = absl::Minutes(4);
// Nothing is done about somebody who was switched on and off so often within the last while.
constexpr absl::Duration kFlapping = absl::Minutes(31);
constexpr int64_t kToggles = 3;
constexpr absl::Duration kBudgetWindow = absl::Minutes(11);
constexpr absl::Duration kStampsDiffer = absl::Seconds(2);

bool IsFlappingNow(Stage& stage, size_t forest, uint64_t person) {
  using simulator::AdChangeKind;
  const auto& changes = stage.world().truth().ad_changes;
  const auto toggles =
      std::count_if(changes.begin(), changes.end(), [&](const simulator::AdChange& change) {
        const bool toggle =
            change.kind == AdChangeKind::kEnabled || change.kind == AdChangeKind::kDisabled;
        return toggle && change.forest == forest && change.person == person &&
               change.at > stage.now() - kFlapping;
      });
  return toggles > kToggles;
}

bool IsToldAsExpired(const monitor::Person& stored) {
  if (!stored.episode) return false;
  const auto& kinds = stored.episode->kinds;
  return std::any_of(kinds.begin(), kinds.end(), [](const monitor::EpisodeKind& open) {
    return open.kind == monitor::DriftKind::kAccountExpiredLive && !open.cleared;
  });
}

// What has not been sent.
bool IsActedUpon(Stage& stage, size_t link, monitor::PersonOrdinal person) {
  using monitor::ActionState;
  const auto live = stage.store().LiveActions(stage.link(link).policy->link);
  return std::any_of(live->begin(), live->end(), [&](const monitor::Action& action) {
    const bool unsent =
        action.state == ActionState::kQueued || action.state == ActionState::kIntent;
    return unsent && action.person == person;
  });
}

// Budgets let nothing more out: of the last minutes, or of one episode.
bool IsBudgetSpent(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  const monitor::Budgets& budgets = setup.policy->remediation.budgets;
  int lately = 0;
  int theirs = 0;
  for (const simulator::Call& call : stage.world().truth().calls) {
    if (call.tenant != setup.tenant || call.client_request_id.empty()) continue;
    lately += call.at > stage.now() - kBudgetWindow ? 1 : 0;
    theirs += call.person == person ? 1 : 0;
  }
  return lately >= budgets.per_10m || theirs >= budgets.max_revokes_per_episode;
}

// What was revoked since then counts, whether or not the account was disabled meanwhile.
absl::Time DatePassed(Stage& stage, size_t forest, uint64_t person) {
  const simulator::Directory& directory = stage.world().directory(forest);
  absl::Time passed =
      simulator::ExpiryOf(directory.Read(person).account_expires) - directory.dc().clock_offset;
  for (const simulator::AdChange& change : stage.world().truth().ad_changes) {
    if (change.forest != forest || change.person != person) continue;
    if (change.kind == simulator::AdChangeKind::kExpirySet) passed = std::max(passed, change.at);
  }
  return passed;
}

std::string RevocationFault(Stage& stage, size_t link, uint64_t person, const EntraTruth& entra,
                            absl::Time expired) {
  const monitor::Policy& policy = *stage.link(link).policy;
  if (!policy.act_on_expired || !ActsFor(stage, link, person)) return "";
  const monitor::LinkState nothing_learned;
  const monitor::Thresholds thresholds =
      ThresholdsFor(TierOfPerson(stage, link, person), policy, nothing_learned);
  const absl::Time due = std::max(expired + thresholds.revoke_after, entra.since());
  if (stage.now() < due + kExpiryActedOn) return "";
  const absl::Time passed = DatePassed(stage, stage.link(link).forest, person);
  if (entra.RevokedSince(std::max(passed, entra.since()) - kStampsDiffer)) return "";
  if (IsBudgetSpent(stage, link, person)) return "";
  return Cat("expired at ", FormatRfc3339(expired), ", and was not revoked");
}

std::string ExpiryFault(Stage& stage, size_t link, uint64_t person, const monitor::Person& stored) {
  const size_t forest = stage.link(link).forest;
  const std::vector<Span> spans = ExpiredInAd(stage, forest, person);
  if (spans.empty() || IsFlappingNow(stage, forest, person)) return "";
  const EntraTruth entra = TruthOf(stage, link, person);
  const Span& last = spans.back();
  const bool expired = last.open() && entra.live();
  const absl::Time changed = std::max(last.open() ? last.from : last.to, entra.since());
  if (stage.now() - changed < kExpirySeen) return "";
  if (expired && !IsToldAsExpired(stored)) return "is expired, and that is not told";
  if (expired) return RevocationFault(stage, link, person, entra, last.from);
  if (IsToldAsExpired(stored)) return "is told of as expired, and is not";
  const bool enabled = !Departed(OutOfAd(stage, forest, person));
  if (enabled && IsActedUpon(stage, link, stored.ordinal)) {
    return "is not expired any more, and acted upon";
  }
  return "";
}

}  // namespace

std::vector<std::string> CheckExpired(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      const auto stored = StoredPerson(stage, link, person);
      if (!stored) continue;  // CheckStates tells
      const std::string fault = ExpiryFault(stage, link, person, *stored);
      if (!fault.empty()) faults.push_back(Cat(NameOf(stage, link, person), ": ", fault));
    }
  }
  return faults;
}

}  // namespace driftwarden::sim
