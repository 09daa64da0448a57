#include "monitor/episode.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "monitor/attribution.h"
#include "monitor/cause_counts.h"
#include "monitor/guards.h"
#include "monitor/lags.h"
#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

bool MadeNoCall(ActionState state) {
  switch (state) {
    case ActionState::kQueued:
    case ActionState::kIntent:
    case ActionState::kAwaitingApproval:
    case ActionState::kApproved:
      return true;
    default:
      return false;
  }
}

bool Shows(const Verdict& verdict, DriftKind kind) {
  return std::any_of(verdict.drift.begin(), verdict.drift.end(),
                     [&](const OpenDrift& drift) { return drift.kind == kind; });
}

bool ShowsSignIn(const Verdict& verdict) {
  return Shows(verdict, DriftKind::kSignInAfterDisable);
}

bool ShowsOrphan(const Verdict& verdict) {
  return Shows(verdict, DriftKind::kOrphanSynced);
}

// What may be left when a departure is over.
bool ShowsRemains(const Verdict& verdict) {
  return Shows(verdict, DriftKind::kDeviceEnabled) || ShowsOrphan(verdict);
}

// The departure itself is over, or had its episode; what is left is not about it.
bool IsLeftOver(const Person& person, const Verdict& verdict) {
  return verdict.phase == State::kConverged && person.memory.departure_handled &&
         ShowsRemains(verdict) && !ShowsSignIn(verdict);
}

// What an episode is opened for: what came after a convergence, or the departure itself.
DriftKind KindAtOpening(const Person& person, const Verdict& verdict) {
  const bool again = verdict.phase == State::kRegressed && !verdict.drift.empty();
  if (!verdict.departed || again || IsLeftOver(person, verdict)) return verdict.drift.front().kind;
  if (person.memory.last_converged && ShowsSignIn(verdict)) return DriftKind::kSignInAfterDisable;
  return LeadingKind(*person.episode);
}

// Revoked by us since the departure was seen, in an episode that ended as exempt.
void NoteRevokedBefore(const Person& person, const AdHalf& ad, Episode& episode) {
  const auto& own = person.facts.last_revocation;
  const auto& entra = person.facts.entra;
  if (!own || !entra) return;
  const absl::Time back = std::max(entra->enabled_since.hi, entra->restored_since.hi);
  if (own->called.lo >= std::max(DepartureSeen(ad), back)) episode.revoked = own->called.lo;
}

// The episode becomes that of the departure, which counts towards a mass disable.
void BeginDeparture(Transaction& tx, Person& person, Episode& episode) {
  const AdHalf& ad = *person.facts.DecidingAd();
  episode.departed = DepartedSince(ad);
  episode.deleted_in_ad = ad.deleted;
  // The first episode of a departure that was seen just now: what is accepted of the baseline was
  // seen long ago. One that an exemption kept from being a case is no further departure.
  const bool fresh = !person.memory.departure_handled && !ad.baseline_departed &&
                     !tx.WasReleased(person.ordinal) &&
                     tx.now() - DepartureSeen(ad) <= kMassDisableWindow;
  if (fresh && person.facts.Linked()) {
    const absl::Time at = std::min(episode.departed.hi, tx.now());
    CountRecent(tx.link().causes.departures, at, tx.now(), kMassDisableWindow);
  }
  person.memory.departure_handled = true;
  NoteRevokedBefore(person, ad, episode);
}

void OpenEpisode(Transaction& tx, Person& person, const Verdict& verdict) {
  Episode episode;
  episode.id = EpisodeId(Cat("e", tx.link().next_episode++, ".", tx.link().name.value));
  episode.link = tx.link().name;
  episode.person = person.ordinal;
  episode.tier = person.tier;
  episode.phase = verdict.phase;
  episode.opened = tx.now();
  const AdHalf* const ad = person.facts.DecidingAd();
  if (verdict.departed && !IsLeftOver(person, verdict)) BeginDeparture(tx, person, episode);
  person.episode = std::move(episode);
  if (!IsLeftOver(person, verdict)) person.memory.watch_until.reset();
  ++person.memory.episodes;
  const DriftKind kind = KindAtOpening(person, verdict);
  tx.tally().episodes_opened.emplace_back(kind, person.tier);
  EvidenceEntry entry = EvidenceAbout(person, "episode_opened");
  entry.fact = person.episode->departed;
  entry.source = ad != nullptr ? ad->source.value : tx.policy().entra_source.value;
  entry.details["kind"] = DriftKindText(kind);
  entry.details["tier"] = person.tier.value;
  tx.Record(std::move(entry));
}

// Who departs while something else about them is open has one episode, and one alert.
void TakeInDeparture(Transaction& tx, Person& person) {
  person.episode->revoked.reset();  // what was revoked before it left is none of the departure
  BeginDeparture(tx, person, *person.episode);
  EvidenceEntry entry = EvidenceAbout(person, "episode_departed");
  entry.fact = person.episode->departed;
  entry.source = person.facts.DecidingAd()->source.value;
  tx.Record(std::move(entry));
}

void RecordKind(Transaction& tx, const Person& person, const char* type, const EpisodeKind& kind) {
  EvidenceEntry entry = EvidenceAbout(person, type);
  entry.fact = TimeBounds::Exactly(kind.since);
  entry.details["kind"] = DriftKindText(kind.kind);
  entry.details["severity"] = SeverityText(kind.severity);
  tx.Record(std::move(entry));
}

void UpdateKinds(Transaction& tx, Person& person, const std::vector<OpenDrift>& drift) {
  Episode& episode = *person.episode;
  for (EpisodeKind& kind : episode.kinds) {
    if (kind.cleared) continue;
    const auto still = std::find_if(drift.begin(), drift.end(),
                                    [&](const OpenDrift& d) { return d.kind == kind.kind; });
    if (still == drift.end()) {
      kind.cleared = tx.now();
      RecordKind(tx, person, "drift_cleared", kind);
    } else if (still->severity != kind.severity) {
      kind.severity = still->severity;
      RecordKind(tx, person, "drift_changed", kind);
    }
  }
  for (const OpenDrift& open : drift) {
    const bool known = std::any_of(
        episode.kinds.begin(), episode.kinds.end(),
        [&](const EpisodeKind& kind) { return kind.kind == open.kind && !kind.cleared; });
    if (known) continue;
    episode.kinds.push_back({open.kind, open.severity, open.since, tx.now(), std::nullopt});
    RecordKind(tx, person, "drift_opened", episode.kinds.back());
  }
}

// The engine works: whoever left before this person and is still live waits for another reason.
// Where the tenant's log says that somebody else did it, it shows nothing of the engine.
void NoteCarried(Transaction& tx, const Person& person, const AdHalf& ad) {
  const AuditRecord* record = DisableRecord(*person.facts.entra, LogSkew(tx.policy(), tx.link()));
  if (record != nullptr) {
    const ActorKind actor = ActorOf(*record, tx.policy(), tx.link());
    if (actor != ActorKind::kSync && actor != ActorKind::kUnknown) return;
  }
  absl::Time& carried = tx.link().causes.carried;
  carried = std::max(carried, DepartureSeen(ad));
}

// The first time this episode's account is out of Entra: how long that took.
void NoteEntraOut(Transaction& tx, Person& person) {
  const auto& entra = person.facts.entra;
  if (!entra || person.facts.EntraLive()) return;
  if (!person.facts.EntraGone() && entra->enabled != Tri::kNo) return;
  Episode& episode = *person.episode;
  const bool first = !episode.entra_disabled.has_value();
  episode.entra_disabled = person.facts.EntraGone() ? entra->deleted_since : entra->disabled_since;
  const AdHalf* ad = person.facts.DecidingAd();
  if (first && ad != nullptr && !person.memory.last_converged) NoteCarried(tx, person, *ad);
  // A regression is no second departure: its time to disable would be counted from the first one.
  if (!first || ad == nullptr || person.memory.last_converged) return;
  const auto lag = LagsOf(person, tx.link(), tx.policy(), tx.now()).disable;
  if (!lag) return;
  if (lag->clamped) ++tx.tally().negative_lags;
  tx.tally().disable_lags.push_back({person.tier, lag->observed, false});
}

// The first time somebody else revoked the sessions in this episode, as an audit record says. What
// driftwarden itself did is noted when it is verified.
void NoteRevokedByOthers(Transaction& tx, Person& person) {
  Episode& episode = *person.episode;
  if (episode.revoked) return;
  const absl::Duration skew = LogSkew(tx.policy(), tx.link());
  const auto from = DepartureTimeOf(person, tx.link(), tx.policy());
  const absl::Time departed = episode.departed.hi + (from ? from->skew : absl::ZeroDuration());
  for (const AuditRecord* record : RevocationsByOthers(person.facts, tx.policy(), tx.link())) {
    if (record->at - skew < departed) continue;
    episode.revoked = record->at;
    TallyRevocationLag(tx, person, {record->at - skew, record->at + skew}, false);
    EvidenceEntry entry = EvidenceAbout(person, "sessions_revoked");
    entry.fact = {record->at - skew, record->at + skew};
    entry.source = tx.policy().entra_source.value;
    entry.details["by"] = ActorKindText(ActorOf(*record, tx.policy(), tx.link()));
    entry.details["record"] = record->id;
    tx.Record(std::move(entry));
    return;
  }
}

// What an open episode comes to when its departure is over; nothing while it goes on.
std::optional<EpisodeResult> ResultOf(const Person& person, const Verdict& verdict) {
  if (!person.episode->OfDeparture()) {
    return verdict.drift.empty() ? std::optional(EpisodeResult::kConverged) : std::nullopt;
  }
  if (IsOpenPhase(verdict.phase)) return std::nullopt;
  if (verdict.phase == State::kConverged) {
    // Perhaps live again, perhaps a replica that lags behind: the direct reads decide first.
    if (person.facts.EntraLive() || ShowsSignIn(verdict)) return std::nullopt;
    return person.facts.EntraGone() ? EpisodeResult::kDeleted : EpisodeResult::kConverged;
  }
  if (verdict.phase == State::kUnlinked) {
    // Somebody else has the account they had: a re-hire took it over.
    const bool had_one = person.phase != State::kUnlinked;
    return verdict.departed && !had_one ? EpisodeResult::kNoCloudAccount
                                        : EpisodeResult::kSuperseded;
  }
  return EpisodeResult::kReversed;
}

// Both bounds, so that whoever audits a lag sees how sure it is.
void PutLag(EvidenceEntry& entry, const std::string& name, const std::optional<LagBounds>& lag) {
  if (!lag || lag->running) return;
  entry.details[Cat(name, "_at_least")] = PreciseText(lag->lo);
  const bool bounded = lag->hi != absl::InfiniteDuration();
  entry.details[Cat(name, "_at_most")] = bounded ? PreciseText(lag->hi) : "unknown";
  if (lag->clamped) entry.details[Cat(name, "_clamped")] = "yes";
}

LabelSet LabelsOf(const Person& person, Severity severity) {
  const Episode& episode = *person.episode;
  return {{"alertname", "DriftwardenPerson"},
          {"link", episode.link.value},
          {"kind", std::string(DriftKindText(LeadingKind(episode)))},
          {"tier", episode.tier.value},
          {"severity", std::string(SeverityText(severity))},
          {"episode", episode.id.value}};
}

void EndIncident(Transaction& tx, const Person& person) {
  const Incident* incident = tx.IncidentOf(person.ordinal);
  if (incident == nullptr || incident->ended_at) return;
  if (incident->announced.empty()) {
    tx.RemoveIncident(person.ordinal);
    return;
  }
  Incident ended = *incident;
  ended.ended_at = tx.now();
  tx.PutIncident(person.ordinal, ended);
}

void UpdateIncident(Transaction& tx, const Person& person) {
  const auto severity = WorstSeverity(*person.episode);
  if (!severity || *severity < Severity::kWarning) {
    EndIncident(tx, person);
    return;
  }
  const Incident* known = tx.IncidentOf(person.ordinal);
  Incident incident;
  if (known != nullptr && known->id.value == person.episode->id.value) {
    incident = *known;
  } else {
    incident.id = IncidentId(person.episode->id.value);
    incident.alertname = "DriftwardenPerson";
    incident.person = person.ordinal;
    incident.starts_at = tx.now();
  }
  incident.labels = LabelsOf(person, *severity);
  incident.ended_at.reset();
  if (known == nullptr || !(incident == *known)) tx.PutIncident(person.ordinal, incident);
}

// The departure begins, or goes on, in an episode that was about something else.
bool DepartsNow(const Person& person, const Verdict& verdict) {
  if (!verdict.departed || person.episode->OfDeparture()) return false;
  return !IsLeftOver(person, verdict) &&
         (IsOpenPhase(verdict.phase) || ShowsSignIn(verdict) || !person.memory.departure_handled);
}

}  // namespace

bool MustOpen(const Person& person, const Verdict& verdict, bool in_baseline) {
  if (verdict.state == State::kExempt) return false;
  if (in_baseline || person.episode || person.memory.inherited) return false;
  if (!verdict.departed) return !verdict.drift.empty();
  if (person.memory.before_our_time) return ShowsOrphan(verdict);
  return IsOpenPhase(verdict.phase) || !person.memory.departure_handled || ShowsSignIn(verdict) ||
         ShowsRemains(verdict);
}

void TallyRevocationLag(Transaction& tx, const Person& person, const TimeBounds& revoked,
                        bool by_driftwarden) {
  const auto from = DepartureTimeOf(person, tx.link(), tx.policy());
  if (!from) return;
  const LagBounds lag = LagSince(*from, revoked);
  if (lag.clamped) ++tx.tally().negative_lags;
  tx.tally().revocation_lags.push_back({person.tier, lag.observed, by_driftwarden});
}

void ReleaseCall(LinkState& link, const Action& action) {
  const auto at = std::find_if(link.calls.begin(), link.calls.end(), [&](const CallStamp& call) {
    return call.person == action.person && call.reason == action.reason && action.intent_at &&
           call.at == *action.intent_at;
  });
  if (at != link.calls.end()) link.calls.erase(at);
}

void DropActions(Transaction& tx, const Person& person, const std::vector<WantedAction>& keep,
                 const std::string& why) {
  for (Action& action : tx.ActionsOf(person.ordinal)) {
    if (!MadeNoCall(action.state) || !person.episode || action.episode != person.episode->id) {
      continue;
    }
    const WantedAction same{action.kind, action.reason};
    if (std::find(keep.begin(), keep.end(), same) != keep.end()) continue;
    ReleaseCall(tx.link(), action);
    action.state = ActionState::kDropped;
    action.finished_at = tx.now();
    action.retry_at.reset();
    action.outcome = why;
    ++tx.tally().actions[{action.kind, ActionOutcome::kDropped}];
    tx.MarkChanged(action);
    EvidenceEntry entry = EvidenceAbout(action, "action_dropped");
    entry.details["why"] = why;
    tx.Record(std::move(entry));
  }
}

void EndEpisode(Transaction& tx, Person& person, EpisodeResult result) {
  DropActions(tx, person, {}, Cat("the episode ended as ", EpisodeResultText(result)));
  UpdateKinds(tx, person, {});
  EndIncident(tx, person);
  Episode episode = *person.episode;
  episode.result = result;
  episode.closed = tx.now();
  tx.tally().episodes_closed.push_back({LeadingKind(episode), episode.tier, result});
  EvidenceEntry entry = EvidenceAbout(person, "episode_closed");
  entry.fact = episode.entra_disabled.value_or(TimeBounds{});
  entry.details["result"] = EpisodeResultText(result);
  const Lags lags = LagsOf(person, tx.link(), tx.policy(), tx.now());
  PutLag(entry, "disable_lag", lags.disable);
  PutLag(entry, "revocation_lag", lags.revocation);
  PutLag(entry, "replication_lag", lags.replication);
  tx.Record(std::move(entry));
  const bool out = episode.OfDeparture() &&
                   (result == EpisodeResult::kConverged || result == EpisodeResult::kDeleted);
  tx.CloseEpisode(std::move(episode));
  person.episode.reset();
  if (out) person.memory.watch_until = tx.now() + kWatchedAfter;
}

void UpdateEpisode(Transaction& tx, Person& person, const Verdict& verdict, bool in_baseline) {
  if (MustOpen(person, verdict, in_baseline)) OpenEpisode(tx, person, verdict);
  if (verdict.state == State::kExempt) {
    if (person.episode) EndEpisode(tx, person, EpisodeResult::kExempt);
    // When the exemption is over: only what is still open then is a departure.
    person.memory.departure_handled = verdict.departed;
  }
  if (!person.episode) return;
  Episode& episode = *person.episode;
  episode.tier = person.tier;
  episode.phase = verdict.phase;
  if (DepartsNow(person, verdict)) TakeInDeparture(tx, person);
  if (verdict.departed && episode.OfDeparture())
    episode.deleted_in_ad = person.facts.DecidingAd()->deleted;
  if (episode.OfDeparture()) {
    NoteEntraOut(tx, person);
    NoteRevokedByOthers(tx, person);
  }
  const auto result = ResultOf(person, verdict);
  // Somebody who is switched on and off all the time has one episode and one alert: it ends when
  // that has stopped.
  if (result == EpisodeResult::kReversed && IsFlapping(person.memory)) {
    DropActions(tx, person, {}, "enabled again in AD");
    return;
  }
  if (result) {
    EndEpisode(tx, person, *result);
    return;
  }
  UpdateKinds(tx, person, verdict.drift);
  UpdateIncident(tx, person);
}

}  // namespace driftwarden::monitor
