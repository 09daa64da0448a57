#include "tests/sim/checks.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.h"
#include "monitor/evidence.h"

namespace driftwarden::sim {

using monitor::State;
using simulator::AdChangeKind;
using simulator::Call;
using simulator::EntraChangeKind;

namespace {

// From the moment the directory is asked until the call arrives.
constexpr absl::Duration kReadToCall = absl::Seconds(11);
// What the truth and the monitor may still see differently: polls, retries, a restart.
constexpr absl::Duration kNear = absl::Seconds(45);
// Budgets are counted from intents: the call may come so much later, after a death in between.
constexpr absl::Duration kIntentToCall = absl::Minutes(1);

std::string NameOf(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  return Cat(setup.policy->link.value, "/", stage.world().people(setup.forest).SamOf(person));
}

// When a person was out of the directory, as [from, to) intervals.
struct Out {
  absl::Time from;
  absl::Time to = absl::InfiniteFuture();
};
std::vector<Out> OutOfAd(Stage& stage, size_t forest, uint64_t person) {
  std::vector<Out> out;
  if (stage.world().people(forest).LeftBefore(person)) out.push_back({absl::InfinitePast()});
  for (const simulator::AdChange& change : stage.world().truth().ad_changes) {
    if (change.forest != forest || change.person != person) continue;
    const bool open = !out.empty() && out.back().to == absl::InfiniteFuture();
    const bool leaves =
        change.kind == AdChangeKind::kDisabled || change.kind == AdChangeKind::kDeleted;
    if (leaves && !open) out.push_back({change.at});
    if (change.kind == AdChangeKind::kEnabled && open) out.back().to = change.at;
  }
  return out;
}

struct EntraTruth {
  bool live = true;
  int returns = 0;  // how often the account came back to life
  bool gone = false;
  absl::Time since = absl::InfinitePast();    // of the present live, disabled or gone
  absl::Time revoked = absl::InfinitePast();  // the last applied call of ours
};
EntraTruth TruthOf(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  EntraTruth truth;
  truth.live = !stage.world().people(setup.forest).LeftBefore(person);
  bool enabled = truth.live;
  for (const simulator::EntraChange& change : stage.world().truth().entra_changes) {
    if (change.tenant != setup.tenant || change.person != person) continue;
    if (change.kind == EntraChangeKind::kRevoked) continue;
    if (change.kind == EntraChangeKind::kDisabled) enabled = false;
    if (change.kind == EntraChangeKind::kEnabled) enabled = true;
    if (change.kind == EntraChangeKind::kSoftDeleted || change.kind == EntraChangeKind::kPurged) {
      truth.gone = true;
    }
    if (change.kind == EntraChangeKind::kRestored) truth.gone = false;
    truth.returns += !truth.live && enabled && !truth.gone ? 1 : 0;
    truth.live = enabled && !truth.gone;
    truth.since = change.at;
  }
  for (const Call& call : stage.world().truth().calls) {
    const bool ours = call.tenant == setup.tenant && call.person == person && call.applied;
    if (ours && call.kind == simulator::CallKind::kRevoke) truth.revoked = call.at;
  }
  return truth;
}

std::vector<State> LagStates(Stage& stage, size_t link, const monitor::TierName& tier,
                             absl::Duration elapsed) {
  const monitor::LinkState nothing_learned;
  const monitor::Thresholds t = ThresholdsFor(tier, *stage.link(link).policy, nothing_learned);
  std::vector<State> states;
  if (elapsed < t.warn_after + kNear) states.push_back(State::kPending);
  if (elapsed > t.warn_after - kNear && elapsed < t.breach_after + kNear) {
    states.push_back(State::kLagging);
  }
  if (elapsed > t.breach_after - kNear) states.push_back(State::kBreached);
  return states;
}

monitor::TierName TierOfPerson(Stage& stage, size_t link, uint64_t person) {
  const bool tier0 = stage.world().people(stage.link(link).forest).IsTier0(person);
  return monitor::TierName(tier0 ? monitor::kTier0 : monitor::kStandard);
}

bool ActsFor(Stage& stage, size_t link, uint64_t person) {
  return ModeFor(*stage.link(link).policy, TierOfPerson(stage, link, person),
                 monitor::ActionKind::kRevokeSessions) == monitor::Mode::kAuto;
}

}  // namespace

void CallChecker::Look() {
  const auto& calls = stage_.world().truth().calls;
  for (; seen_ < calls.size(); ++seen_) {
    const Call& call = calls[seen_];
    if (call.kind != simulator::CallKind::kRevoke || call.client_request_id.empty()) continue;
    for (size_t link = 0; link < stage_.links(); ++link) {
      if (stage_.link(link).tenant != call.tenant) continue;
      CheckIntent(call, link);
      CheckDirectory(call, link);
      CheckBudgets(call, link);
    }
  }
}

void CallChecker::CheckIntent(const Call& call, size_t link) {
  const LinkSetup& setup = stage_.link(link);
  const std::string who = NameOf(stage_, link, call.person);
  const monitor::ActionId id(call.client_request_id);
  const auto action = stage_.store().LoadAction(setup.policy->link, id);
  if (!action.ok() || !action->has_value()) {
    faults.push_back(Cat(who, ": a call without an intent, ", id.value));
    return;
  }
  if (!(*action)->intent_at) faults.push_back(Cat(who, ": the action has no intent"));
  if ((*action)->entra_id != stage_.world().tenant(setup.tenant).EntraId(call.person)) {
    faults.push_back(Cat(who, ": the call hit somebody else"));
  }
  // At most one live intent for (episode, action, reason).
  const auto live = stage_.store().LiveActions(setup.policy->link);
  size_t same = 0;
  for (const monitor::Action& other : *live) {
    same += other.episode == (*action)->episode && other.reason == (*action)->reason ? 1 : 0;
  }
  if (same > 1) faults.push_back(Cat(who, ": two live intents for one reason"));
}

void CallChecker::CheckDirectory(const Call& call, size_t link) {
  const absl::Time from = call.at - kReadToCall;
  for (const Out& out : OutOfAd(stage_, stage_.link(link).forest, call.person)) {
    if (out.from <= call.at && out.to > from) return;
  }
  faults.push_back(
      Cat(NameOf(stage_, link, call.person), ": a call for somebody whom AD did not say is out"));
}

void CallChecker::CheckBudgets(const Call& call, size_t link) {
  const monitor::Budgets& budgets = stage_.link(link).policy->remediation.budgets;
  int in_10m = 0;
  int in_hour = 0;
  for (const Call& other : stage_.world().truth().calls) {
    if (other.tenant != call.tenant || other.client_request_id.empty() || other.at > call.at) {
      continue;
    }
    in_10m += other.at > call.at - absl::Minutes(10) + kIntentToCall ? 1 : 0;
    in_hour += other.at > call.at - absl::Hours(1) + kIntentToCall ? 1 : 0;
  }
  if (in_10m > budgets.per_10m || in_hour > budgets.per_hour) {
    faults.push_back(Cat(NameOf(stage_, link, call.person), ": over budget, ", in_10m,
                         " in 10 minutes, ", in_hour, " in an hour"));
  }
}

std::vector<std::string> CheckEvidence(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    const monitor::LinkName& name = stage.link(link).policy->link;
    uint64_t seq = 0;
    Sha256Digest hash{};
    while (true) {
      const auto entries = stage.store().Evidence(name, seq + 1, 500);
      if (!entries.ok()) return {std::string(Message(entries.status()))};
      if (entries->empty()) break;
      for (const monitor::EvidenceEntry& entry : *entries) {
        const Status good = monitor::VerifyEvidence(entry, seq, hash);
        if (!good.ok()) return {std::string(Message(good))};
        seq = entry.seq;
        hash = entry.hash;
      }
    }
    const auto state = stage.store().LoadLink(name);
    if (!state.ok() || !state->has_value()) {
      if (seq > 0) faults.push_back(Cat(name.value, ": evidence without a link"));
      continue;
    }
    if ((*state)->evidence_seq != seq || (*state)->evidence_hash != hash) {
      faults.push_back(Cat(name.value, ": the head is not the chain's end"));
    }
  }
  return faults;
}

std::vector<std::string> CheckStore(Stage& stage) {
  const auto faults = stage.store().Check();
  if (!faults.ok()) return {std::string(Message(faults.status()))};
  return *faults;
}

std::optional<monitor::Person> StoredPerson(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  store::PeopleKeys keys;
  keys.guids.push_back(
      *monitor::Guid::FromBytes(stage.world().people(setup.forest).GuidOf(person)));
  const auto people = stage.store().LoadPeople(setup.policy->link, keys);
  if (!people.ok() || people->by_guid.empty()) return std::nullopt;
  return people->by_ordinal.at(people->by_guid.begin()->second);
}

size_t CallsFor(Stage& stage, size_t link, uint64_t person) {
  const auto& calls = stage.world().truth().calls;
  return static_cast<size_t>(std::count_if(calls.begin(), calls.end(), [&](const Call& call) {
    return call.tenant == stage.link(link).tenant && call.person == person;
  }));
}

std::vector<State> ExpectedStates(Stage& stage, size_t link, uint64_t person) {
  const LinkSetup& setup = stage.link(link);
  const std::vector<Out> out = OutOfAd(stage, setup.forest, person);
  const EntraTruth entra = TruthOf(stage, link, person);
  const bool departed = !out.empty() && out.back().to == absl::InfiniteFuture();
  if (!departed) {
    if (entra.live) return {State::kAligned};
    return {State::kAligned, State::kReversed};
  }
  if (entra.gone || out.back().from == absl::InfinitePast()) return {State::kConverged};
  if (!entra.live) {
    if (ActsFor(stage, link, person)) return {State::kConverged};
    return {State::kUnsealed, State::kConverged};
  }
  if (entra.since > out.back().from) {  // turned on again after the departure
    return {State::kRegressed, State::kContained, State::kConverged,
            State::kPending,   State::kLagging,   State::kBreached};
  }
  if (entra.revoked >= out.back().from) return {State::kContained};
  return LagStates(stage, link, TierOfPerson(stage, link, person), stage.now() - out.back().from);
}

std::vector<std::string> CheckStates(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      const auto stored = StoredPerson(stage, link, person);
      const std::string who = NameOf(stage, link, person);
      if (!stored) {
        faults.push_back(Cat(who, ": unknown"));
        continue;
      }
      const auto& entra = stored->facts.entra;
      const bool live = entra && entra->deletion == monitor::EntraDeletion::kLive;
      if (live && TruthOf(stage, link, person).gone) {
        faults.push_back(Cat(who, ": is gone from the tenant, and known as live"));
      }
      const std::vector<State> expected = ExpectedStates(stage, link, person);
      if (std::find(expected.begin(), expected.end(), stored->state) != expected.end()) continue;
      std::string wanted;
      for (const State state : expected) wanted += Cat(StateText(state), " ");
      faults.push_back(Cat(who, ": is ", StateText(stored->state), ", must be ", wanted));
    }
  }
  return faults;
}

std::vector<std::string> CheckSeals(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      const auto stored = StoredPerson(stage, link, person);
      if (!stored || stored->state != State::kConverged) continue;
      const std::vector<Out> out = OutOfAd(stage, stage.link(link).forest, person);
      const EntraTruth entra = TruthOf(stage, link, person);
      const bool before_our_time = !out.empty() && out.back().from == absl::InfinitePast();
      // An account that came back for a moment between two looks was not seen to do so.
      if (entra.gone || before_our_time || entra.returns > 0) continue;
      if (entra.revoked >= entra.since) continue;
      faults.push_back(Cat(NameOf(stage, link, person), ": converged without a seal"));
    }
  }
  return faults;
}

std::string Lines(const std::vector<std::string>& faults) {
  return JoinStrings(faults, "\n");
}

}  // namespace driftwarden::sim
