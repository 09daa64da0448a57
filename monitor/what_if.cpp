#include "monitor/what_if.h"

#include <functional>
#include <set>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/rehearsal.h"
#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

constexpr int kMostReviews = 64;  // most of them change nothing that is shown
constexpr absl::Duration kHorizon = absl::Hours(24 * 7);

Outlook OutlookOf(Rehearsal& stage, const Policy& policy, absl::Time now) {
  const Verdict verdict = Evaluate(*stage.person(), stage.link(), policy, now);
  Outlook outlook;
  outlook.at = now;
  outlook.then = verdict.next;
  outlook.then_at = verdict.review_at;
  outlook.state = verdict.state;
  outlook.blind = verdict.blind;
  outlook.drift = verdict.drift;
  outlook.wanted = verdict.wanted;
  for (const Episode& episode : stage.closed()) outlook.ended = episode.result;
  return outlook;
}

// As a reader of the two would say: since when is not a difference.
bool SaysTheSame(const Outlook& a, const Outlook& b) {
  if (a.state != b.state || a.blind != b.blind || a.wanted != b.wanted || a.ended != b.ended) {
    return false;
  }
  return std::equal(a.drift.begin(), a.drift.end(), b.drift.begin(), b.drift.end(),
                    [](const OpenDrift& x, const OpenDrift& y) {
                      return x.kind == y.kind && x.severity == y.severity;
                    });
}

// What is being read now is read on.
std::set<SourceName> FreshSources(const LinkState& link, const Policy& policy, absl::Time now) {
  std::set<SourceName> fresh;
  for (const auto& [name, source] : link.sources) {
    if (!SourceIsStale(source, policy.StaleAfter(name), now)) fresh.insert(name);
  }
  return fresh;
}

std::set<TenantLog> FreshLogs(const Person& person, absl::Time now) {
  std::set<TenantLog> fresh;
  if (!person.facts.entra) return fresh;
  for (const TenantLog log : {TenantLog::kInteractiveSignIns, TenantLog::kNonInteractiveSignIns}) {
    if (person.facts.entra->logs.ReadOf(log).hi >= now - kSignInsFresh) fresh.insert(log);
  }
  return fresh;
}

// One thing that is another.
struct Change {
  std::string text;
  std::function<void(Person&, LinkState&)> make;
};

AdHalf& Deciding(Person& person) {
  const AdHalf* const decides = person.facts.DecidingAd();
  for (AdHalf& half : person.facts.ad) {
    if (&half == decides) return half;
  }
  return person.facts.ad.front();
}

// What a return in Entra is compared with.
void ReadAdAgain(Person& person, const TimeBounds& now) {
  if (!person.facts.ad.empty()) Deciding(person).last_look = now;
}

void AdChanges(const Situation& s, std::vector<Change>& out) {
  if (s.ad == nullptr || s.ad->scope == ScopeState::kNever) return;
  const TimeBounds now = TimeBounds::Exactly(s.now);
  if (s.departed) {
    out.push_back({s.ad->deleted ? "restored and enabled in AD" : "enabled again in AD",
                   [now](Person& person, LinkState&) {
                     AdHalf& half = Deciding(person);
                     half.deleted = false;
                     half.disabled = Tri::kNo;
                     half.disabled_since = {};
                     half.disabled_seen = absl::InfinitePast();
                     half.time_uncertain = false;
                     half.baseline_departed = false;
                     half.enabled_seen = now.lo;
                     half.last_look = now;
                   }});
    return;
  }
  out.push_back({"disabled in AD", [now](Person& person, LinkState&) {
                   for (AdHalf& half : person.facts.ad) {
                     half.disabled = Tri::kYes;
                     half.disabled_since = now;
                     half.disabled_seen = now.hi;
                     half.last_look = now;
                   }
                 }});
  if (s.expired) {
    out.push_back({"accountExpires moved into the future", [](Person& person, LinkState&) {
                     Deciding(person).account_expires = absl::InfiniteFuture();
                   }});
  }
  if (s.ad->scope == ScopeState::kLeft) {
    out.push_back({"back in scope", [](Person& person, LinkState&) {
                     Deciding(person).scope = ScopeState::kIn;
                     Deciding(person).scope_since = {};
                   }});
  }
}

void SetEntra(Person& person, bool enabled, TimeBounds now) {
  EntraHalf& half = *person.facts.entra;
  half.deletion = EntraDeletion::kLive;
  half.enabled = enabled ? Tri::kYes : Tri::kNo;
  half.disabled_since = enabled ? TimeBounds{} : now;
  half.enabled_since = enabled ? now : half.enabled_since;
  half.deleted_since = {};
  half.logs.disabled_looks = {};
  half.logs.enabled_looks = {};
  half.needs_direct_read = false;
  // Shown twice, as far apart as it takes.
  half.live_direct_first = enabled ? now.lo - kRegressionConfirm : absl::InfinitePast();
  half.last_look = now;
  half.last_direct_look = now;
}

void Revoke(Person& person, TimeBounds now) {
  Revocation revocation;
  revocation.called = now;
  revocation.sessions_valid_from = now.hi;
  revocation.verified_at = now.hi;
  person.facts.last_revocation = revocation;
}

void EntraChanges(const Situation& s, std::vector<Change>& out) {
  if (s.entra == nullptr) return;
  const TimeBounds now = TimeBounds::Exactly(s.now);
  if (s.live) {
    out.push_back(
        {"disabled in Entra", [now](Person& person, LinkState&) { SetEntra(person, false, now); }});
    out.push_back({"disabled in Entra and sessions revoked", [now](Person& person, LinkState&) {
                     SetEntra(person, false, now);
                     Revoke(person, now);
                   }});
  }
  if (s.disabled) {
    out.push_back({"enabled in Entra again", [now](Person& person, LinkState&) {
                     SetEntra(person, true, now);
                     ReadAdAgain(person, now);
                   }});
  }
  if (s.gone) {
    out.push_back({"restored and enabled in Entra", [now](Person& person, LinkState&) {
                     SetEntra(person, true, now);
                     person.facts.entra->restored_since = now;
                     ReadAdAgain(person, now);
                   }});
  } else {
    out.push_back({"deleted in Entra", [now](Person& person, LinkState&) {
                     EntraHalf& half = *person.facts.entra;
                     half.deletion = EntraDeletion::kSoft;
                     half.deleted_since = now;
                     half.last_look = now;
                     half.last_direct_look = now;
                   }});
  }
  const bool expiry_counts = s.expired && s.policy->act_on_expired;
  const bool reset = s.OpenSince(DriftKind::kResetWithoutRevoke).has_value();
  if ((!s.departed && !expiry_counts && !reset) || s.gone) return;
  out.push_back({"sessions revoked", [now](Person& person, LinkState&) { Revoke(person, now); }});
  out.push_back({"a successful interactive sign-in now", [now](Person& person, LinkState&) {
                   SignIn sign_in;
                   sign_in.id = "what-if";
                   sign_in.at = now;
                   KeepSignIn(person.facts.entra->logs, sign_in);
                 }});
  if (!s.live || !s.departed) return;
  out.push_back({"the sync engine runs and leaves the account as it is",
                 [now](Person&, LinkState& link) { link.engine_last_sync = now.hi; }});
}

void SightChanges(const Situation& s, std::vector<Change>& out) {
  for (const auto& [name, source] : s.link->sources) {
    const bool needed = (s.ad != nullptr && s.ad->source == name) ||
                        (s.entra != nullptr && s.entra->source == name);
    if (!needed || !SourceIsStale(source, s.policy->StaleAfter(name), s.now)) continue;
    out.push_back({Cat("source ", name.value, " is read again"),
                   [name = name, now = s.now](Person&, LinkState& link) {
                     link.sources[name].last_success = now;
                     link.sources[name].last_complete_begin = now;
                   }});
  }
  if (!s.gap_open) return;
  out.push_back(
      {"both sides are read again after the gap", [now = s.now](Person& person, LinkState& link) {
         for (auto& [name, source] : link.sources) source.last_complete_begin = now;
         for (AdHalf& half : person.facts.ad) half.last_look = TimeBounds::Exactly(now);
         person.facts.entra->last_look = TimeBounds::Exactly(now);
         person.facts.entra->last_direct_look = TimeBounds::Exactly(now);
       }});
}

void MindChanges(const Situation& s, std::vector<Change>& out) {
  if (HasInherited(s.person->memory)) {
    out.push_back({"the baseline is accepted", [](Person& person, LinkState&) {
                     person.memory.inherited = false;
                     person.memory.inherited_kinds.clear();
                     for (AdHalf& half : person.facts.ad) half.baseline_departed = false;
                   }});
  }
  if (s.person->memory.compromised) {
    out.push_back({"the mark as compromised is taken back",
                   [](Person& person, LinkState&) { person.memory.compromised.reset(); }});
  }
  if (s.entra == nullptr || GradeOf(s.person->facts) != IdentityGrade::kConflict) return;
  out.push_back(
      {"anchor and SID agree, and the anchor is nobody else's", [](Person& person, LinkState&) {
         person.facts.conflicts_with.reset();
         person.facts.sid_mismatch_since.reset();
         person.facts.sid_mismatch_confirmed = false;
         const AdHalf* ad = person.facts.DecidingAd();
         if (ad != nullptr) person.facts.entra->on_premises_sid = ad->sid;
       }});
}

}  // namespace

std::vector<Outlook> ChangesByTime(const PeopleSet& people, PersonOrdinal who,
                                   const LinkState& link, const Policy& policy, absl::Time now) {
  std::vector<Outlook> steps;
  Rehearsal stage(people, who, link, policy);
  if (stage.person() == nullptr) return steps;
  const std::set<SourceName> sources = FreshSources(link, policy, now);
  const std::set<TenantLog> logs = FreshLogs(*stage.person(), now);
  stage.Judge(now);
  if (stage.person() == nullptr) return steps;
  Outlook last = OutlookOf(stage, policy, now);
  for (int i = 0; i < kMostReviews && steps.size() < kMostSteps; ++i) {
    const absl::Time at = last.then_at;
    if (at > now + kHorizon) break;
    stage.LookAgain(at, sources, logs);
    stage.Judge(at);
    if (stage.person() == nullptr) break;
    Outlook next = OutlookOf(stage, policy, at);
    next.what = last.then;
    if (!SaysTheSame(last, next)) steps.push_back(next);
    last = std::move(next);
  }
  return steps;
}

std::vector<Outlook> ChangesByEvidence(const PeopleSet& people, PersonOrdinal who,
                                       const LinkState& link, const Policy& policy,
                                       absl::Time now) {
  std::vector<Outlook> out;
  Rehearsal as_it_is(people, who, link, policy);
  if (as_it_is.person() == nullptr) return out;
  const Situation s = DescribeSituation(people.by_ordinal.at(who), link, policy, now, {});
  std::vector<Change> changes;
  EntraChanges(s, changes);
  AdChanges(s, changes);
  SightChanges(s, changes);
  MindChanges(s, changes);
  as_it_is.Judge(now);
  if (as_it_is.person() == nullptr) return out;
  const Outlook present = OutlookOf(as_it_is, policy, now);
  for (const Change& change : changes) {
    Rehearsal stage(people, who, link, policy);
    change.make(*stage.person(), stage.link());
    stage.Judge(now);
    if (stage.person() == nullptr) continue;
    Outlook outlook = OutlookOf(stage, policy, now);
    outlook.what = change.text;
    if (!SaysTheSame(outlook, present)) out.push_back(std::move(outlook));
  }
  return out;
}

}  // namespace driftwarden::monitor
