#include "tests/sim/checks.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/strings.h"
#include "monitor/evidence.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using monitor::State;
using simulator::Call;

namespace {

// From the moment the directory is asked until the call arrives.
constexpr absl::Duration kReadToCall = absl::Seconds(11);
// Stamps of a directory are whole seconds.
constexpr absl::Duration kWholeSeconds = absl::Seconds(2);
// What the truth and the monitor may still see differently: polls, retries, a restart.
constexpr absl::Duration kNear = absl::Seconds(45);
// A regression is told after two looks a minute apart.
constexpr absl::Duration kRegressionTold = absl::Minutes(3);

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
      CheckBrakes(call, link);
      CheckClock(call, link);
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

// What the runner's own reads for this call said, whatever anybody else was told meanwhile.
void CallChecker::CheckDirectory(const Call& call, size_t link) {
  const std::pair<size_t, uint64_t> person(stage_.link(link).forest, call.person);
  const auto last = [&](bool second) {
    return stage_.reads().LastForCall(person, link, second, call.at - kReadToCall, call.at);
  };
  const auto fault = [&](const char* what) {
    faults.push_back(Cat(NameOf(stage_, link, call.person), ": a call, and ", what));
  };
  const testing::ReadBook::OfDirectory* const pinned = last(false);
  if (pinned == nullptr || !(pinned->out || IsOutByDate(*pinned, call, link))) {
    return fault("no directory had just said that they are out");
  }
  if (!pinned->out && IsTooEarly(*pinned, call, link)) fault("they have only just expired");
  const testing::ReadBook::OfDirectory* const second = last(true);
  if (second == nullptr || second->at < pinned->at || second->out || pinned->deleted) return;
  if (IsOutByDate(*second, call, link)) return;
  const bool newer = pinned->out ? second->version >= pinned->version
                                 : second->expires_version >= pinned->expires_version;
  if (newer) fault("a second controller had just said enabled");
}

bool CallChecker::IsOutByDate(const testing::ReadBook::OfDirectory& read, const Call& call,
                              size_t link) {
  const LinkSetup& setup = stage_.link(link);
  if (!setup.policy->act_on_expired) return false;
  const auto action =
      stage_.store().LoadAction(setup.policy->link, monitor::ActionId(call.client_request_id));
  if (!action.ok() || !action->has_value()) return false;  // CheckIntent tells
  if ((*action)->reason != monitor::ActionReason::kLag) return false;
  const simulator::Directory& directory = stage_.world().directory(setup.forest);
  return directory.DcTime(read.at) + read.clock_moved >= read.refused_from;
}

// Dates that have passed are as old as the write of them, at the most.
bool CallChecker::IsTooEarly(const testing::ReadBook::OfDirectory& read, const Call& call,
                             size_t link) {
  const LinkSetup& setup = stage_.link(link);
  const monitor::LinkState nothing_learned;
  const monitor::Thresholds thresholds =
      ThresholdsFor(TierOfPerson(stage_, link, call.person), *setup.policy, nothing_learned);
  const absl::Time now = stage_.world().directory(setup.forest).DcTime(call.at);
  return now + read.clock_moved + kWholeSeconds < read.refused_from + thresholds.revoke_after;
}

// By a clock that is wrong nothing is done, where that can be known: this process saw it step, or a
// directory's clock was read since.
void CallChecker::CheckClock(const Call& call, size_t link) {
  const absl::Duration off = absl::AbsDuration(stage_.clock().Wall() - stage_.now());
  const absl::Time known = stage_.clock_since() + kReadToCall;
  const bool told = off > monitor::kMaxSkewForAction + kClocksDiffer &&
                    stage_.reads().round_taken > stage_.clock_since() && call.at > known;
  if (!told && !stage_.clock_stepped_off()) return;
  faults.push_back(Cat(NameOf(stage_, link, call.person), ": a call while our clock is ",
                       absl::ToInt64Seconds(off), " s off"));
}

std::vector<std::string> CheckCallsKnown(Stage& stage) {
  std::vector<std::string> faults;
  std::set<std::string> seen;
  for (const Call& call : stage.world().truth().calls) {
    if (call.client_request_id.empty() || !seen.insert(call.client_request_id).second) continue;
    bool known = false;
    for (size_t link = 0; link < stage.links(); ++link) {
      const monitor::ActionId id(call.client_request_id);
      const auto action = stage.store().LoadAction(stage.link(link).policy->link, id);
      known |= action.ok() && action->has_value();
    }
    if (!known) faults.push_back(Cat("nothing is known of the call ", call.client_request_id));
  }
  return faults;
}

std::vector<std::string> CheckReads(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    for (const auto& [key, reads] : stage.reads().accounts) {
      const auto& [tenant, person] = key;
      if (tenant != stage.link(link).tenant) continue;
      const auto stored = StoredPerson(stage, link, person);
      if (!stored || !stored->facts.entra) continue;
      const monitor::EntraHalf& known = *stored->facts.entra;
      for (const testing::ReadBook::OfAccount& read : reads) {
        if (!read.live || read.at != known.last_direct_look) continue;
        const monitor::Tri said = read.enabled ? monitor::Tri::kYes : monitor::Tri::kNo;
        if (known.enabled == said && known.deletion == monitor::EntraDeletion::kLive) continue;
        faults.push_back(Cat(NameOf(stage, link, person), ": read directly at ",
                             FormatRfc3339(read.at.hi), " as ",
                             read.enabled ? "enabled" : "disabled", ", and something less counts"));
      }
    }
  }
  return faults;
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

namespace {

// Live again after the departure. It takes two looks a minute apart to say that somebody who was
// through with it is back; who never was through with it is late as everybody else.
std::vector<State> StatesOfReturned(Stage& stage, size_t link, uint64_t person,
                                    const EntraTruth& entra, absl::Time left) {
  const monitor::TierName tier = TierOfPerson(stage, link, person);
  std::vector<State> states = LagStates(stage, link, tier, stage.now() - left);
  states.push_back(State::kRegressed);
  if (entra.RevokedSince(left)) states.push_back(State::kContained);
  if (stage.now() - entra.since() < kRegressionTold) states.push_back(State::kConverged);
  return states;
}

}  // namespace

std::vector<State> ExpectedStates(Stage& stage, size_t link, uint64_t person) {
  const std::vector<Span> out = OutOfAd(stage, stage.link(link).forest, person);
  const EntraTruth entra = TruthOf(stage, link, person);
  if (!Departed(out)) {
    if (entra.live()) return {State::kAligned};
    return {State::kAligned, State::kReversed};
  }
  const absl::Time left = out.back().from;
  if (entra.gone()) return {State::kConverged};
  if (left == absl::InfinitePast() && entra.since() == left) return {State::kConverged};
  if (!entra.live()) {
    if (ActsFor(stage, link, person)) return {State::kConverged};
    // Revoked by somebody else, or gone for a moment in between: nobody can tell it needs a seal.
    const bool logs = stage.options().process.logs;
    const absl::Time counts = logs ? left : entra.since() - kNear;
    const bool maybe = entra.RevokedSince(counts) || entra.returns > 0;
    if (!maybe) return {State::kUnsealed};
    return {State::kUnsealed, State::kConverged};
  }
  if (entra.since() > left) return StatesOfReturned(stage, link, person, entra, left);
  const auto lag = LagStates(stage, link, TierOfPerson(stage, link, person), stage.now() - left);
  std::vector<State> states;
  if (entra.RevokedSince(left)) states.push_back(State::kContained);
  // What others did counts when the log of it was read; and a sign-in since then undoes it. One
  // that was on its way already because of the account's date is too close to tell which was first.
  const bool certain = !entra.our_revocations.empty() &&
                       entra.our_revocations.back() >= left + kClocksDiffer &&
                       !entra.SignedInSince(left);
  if (!certain) states.insert(states.end(), lag.begin(), lag.end());
  return states;
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
      if (live && TruthOf(stage, link, person).gone()) {
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

std::string Lines(const std::vector<std::string>& faults) {
  return JoinStrings(faults, "\n");
}

}  // namespace driftwarden::sim
