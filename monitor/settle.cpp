#include "monitor/settle.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "monitor/compromise.h"
#include "monitor/episode.h"
#include "monitor/evaluate.h"
#include "monitor/exemption.h"
#include "monitor/guards.h"
#include "monitor/join.h"
#include "monitor/leavers.h"
#include "monitor/unmanaged.h"

namespace driftwarden::monitor {
namespace {

// What waits until our clock is vouched for asks so often.
constexpr absl::Duration kVouchedSoon = absl::Seconds(30);
constexpr size_t kMostToggles = 16;  // that nobody vouches to be so old

bool BothSidsDiffer(const Facts& facts) {
  const AdHalf* ad = facts.DecidingAd();
  if (ad == nullptr || !facts.entra) return false;
  const Sid& theirs = facts.entra->on_premises_sid;
  return !ad->sid.bytes.empty() && !theirs.bytes.empty() && !SidAgrees(facts);
}

void UpdateIdentity(Transaction& tx, Person& person) {
  Facts& facts = person.facts;
  const AdHalf* ad = facts.DecidingAd();
  if (ad != nullptr) {
    facts.anchor = AnchorOf(*ad);
  } else if (facts.entra) {
    facts.anchor = facts.entra->immutable_id;
  } else if (!facts.ad.empty()) {
    facts.anchor = AnchorOf(facts.ad.front());
  }
  if (!BothSidsDiffer(facts)) {
    facts.sid_mismatch_since.reset();
    facts.sid_mismatch_confirmed = false;
    return;
  }
  // One side may still be on its way: only what lasts for two cycles is a conflict.
  if (!facts.sid_mismatch_since) facts.sid_mismatch_since = tx.now();
  const absl::Duration wait = 2 * CycleOf(tx.policy(), tx.link());
  facts.sid_mismatch_confirmed = tx.now() >= *facts.sid_mismatch_since + wait;
}

bool EntraOut(const Facts& facts) {
  return facts.EntraGone() || (facts.entra && facts.entra->enabled == Tri::kNo);
}

// During a first complete read: whoever is out of AD was so before us.
void MarkBaseline(Person& person) {
  for (AdHalf& half : person.facts.ad) half.baseline_departed = Departed(half);
  if (person.facts.entra) person.facts.entra->baseline_seen = true;
  const AdHalf* ad = person.facts.DecidingAd();
  const bool departed = ad != nullptr && Departed(*ad);
  Memory& memory = person.memory;
  memory.inherited = departed && person.facts.EntraLive();
  memory.before_our_time = departed && EntraOut(person.facts);
  memory.departure_handled = departed;
  if (!memory.before_our_time) memory.last_converged.reset();
}

// Whether an account belongs to a base is known only when that base is: it was an orphan before us
// though it could not be told at the first look.
bool IsLateOrphan(Transaction& tx, const Person& person) {
  const LinkState& link = tx.link();
  if (!person.facts.entra || person.episode || link.baseline_accepted) return false;
  return LooksOrphaned(person.facts, link, tx.policy()) && BothSidesRead(link, tx.policy()) &&
         OrphanedFrom(person.facts, link, tx.policy()) == absl::InfinitePast();
}

void NoteUpns(Transaction& tx, Person& person) {
  auto& since = person.memory.upn_differs_since;
  if (!UpnsDiffer(person.facts)) {
    since.reset();
  } else if (!since) {
    since = tx.now();
  }
}

// Kinds that are not about a departure: all that hold at the first look, until they no longer do.
void UpdateInheritedKinds(Transaction& tx, Person& person, bool in_baseline) {
  std::vector<DriftKind>& kinds = person.memory.inherited_kinds;
  if (!in_baseline && kinds.empty()) {
    if (IsLateOrphan(tx, person)) kinds.push_back(DriftKind::kOrphanSynced);
    return;
  }
  const std::vector<DriftKind> holding = HoldingKinds(person, tx.link(), tx.policy(), tx.now());
  if (in_baseline) {
    kinds = holding;
    return;
  }
  std::erase_if(kinds, [&](DriftKind kind) {
    return !std::binary_search(holding.begin(), holding.end(), kind);
  });
}

// After it: flags fall when either side enables the account, and are set only when two halves that
// were both there before us find each other late.
void UpdateBaselineFlags(Person& person) {
  Memory& memory = person.memory;
  const Facts& facts = person.facts;
  const AdHalf* ad = facts.DecidingAd();
  const bool since_then = ad != nullptr && Departed(*ad) && ad->baseline_departed && facts.entra &&
                          facts.entra->baseline_seen;
  if (!since_then) {
    memory.inherited = false;
    memory.before_our_time = false;
    return;
  }
  if (person.episode || memory.inherited) return;
  if (facts.EntraLive() && !memory.last_converged) memory.inherited = true;
  if (EntraOut(facts) && !memory.last_converged) {
    memory.before_our_time = true;
    memory.departure_handled = true;
  }
}

void UpdateDeparture(Transaction& tx, Person& person) {
  Memory& memory = person.memory;
  if (tx.clock_vouched() || memory.toggles.size() >= kMostToggles) {
    std::erase_if(memory.toggles, [&](absl::Time at) { return at <= tx.now() - kFlapWindow; });
  }
  if (memory.watch_until && tx.now() >= *memory.watch_until) memory.watch_until.reset();
  const AdHalf* ad = person.facts.DecidingAd();
  if (ad == nullptr || Departed(*ad)) {
    memory.returned_at.reset();
    return;
  }
  const bool of_departure = person.episode && person.episode->OfDeparture();
  const bool was_out = memory.departure_handled || memory.last_converged || of_departure;
  if (was_out && EntraOut(person.facts) && !memory.returned_at) memory.returned_at = tx.now();
  if (!EntraOut(person.facts)) memory.returned_at.reset();
  memory.departure_handled = false;
  memory.last_converged.reset();
  memory.watch_until.reset();
}

void RememberConverged(Transaction& tx, Person& person, const Verdict& verdict) {
  if (verdict.phase != State::kConverged || person.facts.EntraLive()) return;
  Memory& memory = person.memory;
  if (!memory.last_converged) memory.last_converged = tx.now();
  if (memory.inherited) {
    // What was left over is gone; nothing is left to inherit.
    memory.inherited = false;
    memory.departure_handled = true;
  }
}

void RecordStateChange(Transaction& tx, const Person& person, State before) {
  const auto quiet = [](State s) { return s == State::kUnlinked || s == State::kAligned; };
  if (before == person.state || (quiet(before) && quiet(person.state))) return;
  EvidenceEntry entry = EvidenceAbout(person, "state_changed");
  entry.details["from"] = StateText(before);
  entry.details["to"] = StateText(person.state);
  tx.Record(std::move(entry));
}

// When a flapping person's episode may end.
absl::Time FlapEnds(const Person& person, absl::Time now) {
  if (!person.episode || !IsFlapping(person.memory)) return absl::InfiniteFuture();
  const auto& toggles = person.memory.toggles;
  const absl::Time ends = toggles[toggles.size() - 1 - kFlapToggles] + kFlapWindow;
  return ends > now ? ends : now + kVouchedSoon;
}

// Its time is over by a clock that nobody vouches for.
bool EndsOnceVouched(const Transaction& tx, const Person& person) {
  const auto& exemption = person.memory.exemption;
  return exemption && tx.now() >= exemption->until && !tx.clock_vouched();
}

}  // namespace

void SettlePerson(Transaction& tx, PersonOrdinal ordinal, bool in_baseline) {
  if (tx.Find(ordinal) == nullptr) return;
  ClearConflict(tx, ordinal);
  if (tx.Find(ordinal) == nullptr) return;
  Person& person = tx.Touch(ordinal);
  EndPassedExemption(tx, person);
  EndAnsweredMark(tx, person);
  UpdateIdentity(tx, person);
  UpdateDeparture(tx, person);
  if (in_baseline) {
    MarkBaseline(person);
  } else {
    UpdateBaselineFlags(person);
  }
  UpdateInheritedKinds(tx, person, in_baseline);
  NoteUpns(tx, person);
  person.tier = TierOf(person.facts, tx.policy());
  person.person_class = ClassOf(person, tx.policy());
  const bool exempt_still = EndsOnceVouched(tx, person);
  const EvaluateOptions options{tx.clock_suspect() || exempt_still, false};
  Verdict verdict = Evaluate(person, tx.link(), tx.policy(), tx.now(), options);
  if (person.memory.inherited && verdict.phase == State::kConverged) {
    RememberConverged(tx, person, verdict);
    verdict = Evaluate(person, tx.link(), tx.policy(), tx.now(), options);
  }
  UpdateEpisode(tx, person, verdict, in_baseline);
  EndPassedLeave(tx, person, verdict);
  RememberConverged(tx, person, verdict);
  const State before = person.state;
  person.state = verdict.state;
  person.phase = verdict.phase;
  if (!in_baseline) RecordStateChange(tx, person, before);
  const absl::Time actions_at = UpdateActions(tx, person, verdict);
  const absl::Time watched = person.memory.watch_until.value_or(absl::InfiniteFuture());
  // A departure ended and something else is open: that has an episode of its own, which the next
  // command opens, since one command has one alert of a person.
  const bool more = MustOpen(person, verdict, in_baseline);
  absl::Time soon = more ? tx.now() : absl::InfiniteFuture();
  if (exempt_still) soon = std::min(soon, tx.now() + kVouchedSoon);
  const absl::Time flaps = FlapEnds(person, tx.now());
  person.review_at = std::min({verdict.review_at, actions_at, flaps, watched, soon});
  if (verdict.wants_reads) tx.WantReads(ordinal);
}

}  // namespace driftwarden::monitor
