#include "monitor/situation.h"

#include <algorithm>

#include "monitor/attribution.h"
#include "monitor/clocks.h"
#include "monitor/expiry.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kRecheckMin = absl::Milliseconds(200);
constexpr absl::Duration kRecheckMax = absl::Seconds(5);

const EpisodeKind* OpenKind(const Person& person, DriftKind kind) {
  if (!person.episode) return nullptr;
  for (const EpisodeKind& open : person.episode->kinds) {
    if (open.kind == kind && !open.cleared) return &open;
  }
  return nullptr;
}

const SourceState* FindSource(const LinkState& link, const SourceName& name) {
  const auto found = link.sources.find(name);
  return found == link.sources.end() ? nullptr : &found->second;
}

// The timers count from the early bound when the interval is narrow, else from the late one: nobody
// is paged for time that may not have passed. Never from the future of our own clock.
absl::Time CountsFrom(const Situation& s) {
  const absl::Time from = s.time_uncertain ? s.departure.hi : s.departure.lo;
  return std::min(from + s.ad_skew, s.seen);
}

// The second look: a direct read of the account, or a complete read of its source that brought
// nothing new about it, begun `settle` after the first.
bool IsSettled(const Situation& s) {
  return s.thresholds.settle <= absl::ZeroDuration() ||
         s.LastRead() >= s.seen + s.thresholds.settle;
}

void DescribeGap(Situation& s) {
  const SourceState* ad_source = FindSource(*s.link, s.ad->source);
  const SourceState* entra_source = FindSource(*s.link, s.entra->source);
  if (ad_source == nullptr || entra_source == nullptr) return;
  const absl::Time gap = std::max(ad_source->gap_ended, entra_source->gap_ended);
  if (gap == absl::InfinitePast()) return;
  s.read_since_gap = s.ad->last_look.lo >= gap && s.entra->last_direct_look.lo >= gap;
  s.gap_open = !s.read_since_gap || ad_source->last_complete_begin < gap ||
               entra_source->last_complete_begin < gap;
}

// A success that began later; a row that sums up several counts from its begin. A session that goes
// on for a while is no success of a kind that a revocation prevents: it has `goes_on`.
bool SignedInAfter(const Situation& s, absl::Time at, absl::Duration goes_on = {}) {
  const auto& successes = s.entra->logs.successes;
  return std::any_of(successes.begin(), successes.end(), [&](const SignIn& sign_in) {
    const absl::Duration grace = sign_in.interactive ? absl::ZeroDuration() : goes_on;
    return sign_in.at.lo - s.skew > at + grace;
  });
}

// Both logs were read without a gap from `from` until `to`, and hold no success that may be later
// than `from`. What was not read shows nothing.
bool NobodySignedIn(const Situation& s, absl::Time from, absl::Time to) {
  const AccountLogs& logs = s.entra->logs;
  for (const TimeBounds& read : {logs.interactive_read, logs.non_interactive_read}) {
    if (read.hi == absl::InfinitePast()) return false;
    if (read.lo + s.skew > from || read.hi - s.skew < to) return false;
  }
  return std::none_of(logs.successes.begin(), logs.successes.end(),
                      [&](const SignIn& sign_in) { return sign_in.at.hi + s.skew >= from; });
}

// What revoked this person's sessions, and what that is worth: a revocation before the account came
// back, or from an earlier leave, does not count.
void DescribeRevocation(Situation& s) {
  if (!s.departed) return;
  const Facts& facts = s.person->facts;
  const auto others = RevocationsByOthers(facts, *s.policy, *s.link);
  const absl::Time back = std::max(s.entra->enabled_since.hi, s.entra->restored_since.hi);
  s.revocation = LatestRevocation(facts, others, s.skew, std::max(s.seen, back),
                                  std::max(s.DepartedBy(), back));
  if (s.live && s.revocation) {
    s.contained = !SignedInAfter(s, s.revocation->hi, kRevocationTakes);
    const AccountLogs& logs = s.entra->logs;
    const absl::Time read = std::min(logs.interactive_read.hi, logs.non_interactive_read.hi);
    const bool none = NobodySignedIn(s, s.revocation->lo, s.revocation->hi + kLogIngestDelay);
    if (none) s.no_sign_in_until = read + kSignInsFresh;
  }
  if (!s.disabled) return;
  const absl::Time out = std::max(s.entra->disabled_since.hi, s.entra->restored_since.hi);
  const AuditRecord* record = DisableRecord(*s.entra, s.skew);
  const bool restored_later = s.entra->restored_since.hi > s.entra->disabled_since.hi;
  const auto seal =
      LatestRevocation(facts, others, s.skew, out, out, restored_later ? nullptr : record);
  s.sealed = seal && !SignedInAfter(s, seal->hi);
  if (!s.revocation) return;
  s.quiet_since_revocation = NobodySignedIn(s, s.revocation->lo, out + kLogIngestDelay);
  s.sealed = s.sealed || s.quiet_since_revocation;
}

void DescribeDeparture(Situation& s) {
  s.departed = Departed(*s.ad);
  if (!s.departed) return;
  s.departure = DepartedSince(*s.ad);
  s.time_uncertain = IsTimeUncertain(*s.ad, s.departure, *s.policy);
  s.seen = DepartureSeen(*s.ad);
  s.counts_from = CountsFrom(s);
  s.elapsed = std::max(s.now - s.counts_from, absl::ZeroDuration());
  s.settled = IsSettled(s);
}

// The controller compares with its own clock, and refuses from that very moment.
void DescribeExpiry(Situation& s) {
  if (s.departed || s.ad->account_expires == absl::InfiniteFuture()) return;
  const SourceState* source = FindSource(*s.link, s.ad->source);
  s.expires = s.ad->account_expires;
  if (source != nullptr) s.expires -= source->clock_offset;
  s.expired = s.AdEnabled() && s.now >= s.expires;
}

// Every account of theirs that AD says is enabled.
bool AllSurelyExpired(const Situation& s) {
  const std::vector<AdHalf>& halves = s.person->facts.ad;
  return std::all_of(halves.begin(), halves.end(), [&](const AdHalf& half) {
    return Departed(half) || SurelyExpired(half.account_expires, s.now, *s.link, half.source);
  });
}

// A date that is moved into the past refuses from that write on, and so does an account that is
// enabled after its date; where the directory does not tell of those writes, from our first look.
void DescribeExpiredAccount(Situation& s) {
  const SourceState* source = FindSource(*s.link, s.ad->source);
  const absl::Duration offset = source == nullptr ? absl::ZeroDuration() : source->clock_offset;
  const EpisodeKind* open = OpenKind(*s.person, DriftKind::kAccountExpiredLive);
  const absl::Time told = open == nullptr ? s.now : open->opened;
  const auto written = [&](const std::optional<MetadataStamp>& stamp) {
    return stamp ? std::min(stamp->originating_time - offset, s.now) : told;
  };
  s.expired_since = std::max(s.expires, written(s.ad->expires_stamp));
  const absl::Time from = std::max(s.expired_since, written(s.ad->uac_stamp));
  s.expired_for = s.now - from;
  s.surely_expired = AllSurelyExpired(s);
  s.expiry_settled = s.LastRead() >= from + s.thresholds.settle;
  const absl::Time since =
      std::max({s.expired_since, s.entra->enabled_since.hi, s.entra->restored_since.hi});
  const auto others = RevocationsByOthers(s.person->facts, *s.policy, *s.link);
  const auto revoked = LatestRevocation(s.person->facts, others, s.skew, since, since);
  s.expiry_contained = revoked && !SignedInAfter(s, revoked->hi, kRevocationTakes);
}

// Nobody ever saw the Entra account enabled, and when it was first there the AD account was out: it
// was disabled when it was created, or seen without an Entra account for a while, with no gap in
// reading since.
bool NeverLived(const Situation& s) {
  const EntraHalf& entra = *s.entra;
  if (s.ad == nullptr || !s.departed || !s.disabled || entra.baseline_seen) return false;
  if (entra.enabled_seen != absl::InfinitePast()) return false;
  if (entra.restored_since.hi != absl::InfinitePast()) return false;
  const bool created_so = s.ad->enabled_seen == absl::InfinitePast() && s.ad->uac_stamp &&
                          s.ad->uac_stamp->version == 1;
  if (created_so) return true;
  const SourceState* source = FindSource(*s.link, entra.source);
  const bool gap = source == nullptr || source->gap_ended >= s.seen;
  const absl::Duration read_between = 4 * PollOf(*s.policy, entra.source);
  return !gap && entra.disabled_since.hi > s.seen + read_between;
}

// Who is enabled in AD again comes to life in Entra with the next sync: only a look at AD from
// after that shows that nobody brought them back there.
bool AdReadSinceReturn(const Situation& s) {
  const absl::Time back = std::max(s.entra->enabled_since.hi, s.entra->restored_since.hi);
  return s.ad == nullptr || s.LastRead() >= back;
}

void DescribeEntra(Situation& s) {
  const Facts& facts = s.person->facts;
  s.live = facts.EntraLive();
  s.gone = facts.EntraGone();
  s.disabled = !s.gone && s.entra->enabled == Tri::kNo;
  s.skew = LogSkew(*s.policy, *s.link);
  DescribeRevocation(s);
  if (s.expired && s.live) DescribeExpiredAccount(s);
  s.never_lived = NeverLived(s);
  const bool twice =
      s.entra->live_direct_first != absl::InfinitePast() &&
      s.entra->last_direct_look.lo >= s.entra->live_direct_first + kRegressionConfirm;
  s.regression_confirmed =
      s.live && AdReadSinceReturn(s) && (twice || AuditConfirmsReturn(*s.entra, s.skew));
}

// Tier 0, containment tried and failed: the page does not wait for a cycle.
void HastenBreach(Situation& s) {
  if (s.tier.value != kTier0 || !s.person->episode || !s.person->episode->containment_failed) {
    return;
  }
  for (const TierPolicy& tier : s.policy->tiers) {
    if (tier.name == s.tier && tier.breach_after) return;  // written: used exactly
  }
  s.thresholds.breach_after = std::min(s.thresholds.breach_after, absl::Minutes(10));
}

// Who must be gone at once is judged like tier 0, or faster, whatever the tier.
void HastenByUrgency(Situation& s) {
  if (s.leave == nullptr || s.leave->urgency == LeaveUrgency::kPlanned) return;
  Thresholds& t = s.thresholds;
  t.warn_after = std::min(t.warn_after, absl::Minutes(5));
  t.revoke_after = std::min(t.revoke_after, absl::Minutes(2));
  t.breach_after = std::min(t.breach_after, absl::Minutes(10));
  if (s.leave->urgency == LeaveUrgency::kCompromise) {
    t.revoke_after = std::min(t.revoke_after, t.settle);
  }
}

}  // namespace

absl::Time Situation::EntraOutSince() const {
  return gone ? entra->deleted_since.hi : entra->disabled_since.hi;
}

std::optional<Severity> Situation::OpenSeverity(DriftKind kind) const {
  const EpisodeKind* open = OpenKind(*person, kind);
  return open == nullptr ? std::nullopt : std::optional(open->severity);
}

std::optional<absl::Time> Situation::OpenSince(DriftKind kind) const {
  const EpisodeKind* open = OpenKind(*person, kind);
  return open == nullptr ? std::nullopt : std::optional(open->since);
}

Severity Situation::WarnOrCritical() const {
  return tier.value == kTier0 ? Severity::kCritical : Severity::kWarning;
}

bool Situation::AdEnabled() const {
  return ad != nullptr && !departed && ad->disabled == Tri::kNo && ad->scope != ScopeState::kNever;
}

absl::Time Situation::LastRead() const {
  const SourceState* source = FindSource(*link, ad->source);
  if (source == nullptr) return ad->last_look.lo;
  return std::max(ad->last_look.lo, source->last_complete_begin);
}

absl::Time Situation::ReversedFrom() const {
  absl::Time from = EntraOutSince();
  if (person->memory.returned_at) from = std::max(from, *person->memory.returned_at);
  return from + 2 * CycleOf(*policy, *link);
}

bool Situation::LeftScopeFor(absl::Duration time) const {
  return AdEnabled() && ad->scope == ScopeState::kLeft && now >= ad->scope_since.hi + time;
}

bool Situation::ShutOutByHand() const {
  if (!gone && !disabled) return false;
  const AuditRecord* record = gone ? DeleteRecord(*entra, skew) : DisableRecord(*entra, skew);
  if (record == nullptr) return false;
  const ActorKind actor = ActorOf(*record, *policy, *link);
  return actor == ActorKind::kUser || actor == ActorKind::kApplication;
}

absl::Time Situation::ActsOnExpiryFrom() const {
  return now - expired_for + thresholds.revoke_after;
}

bool Situation::WaitsToBeTold() const {
  if (may_advance || !AdEnabled()) return false;
  const auto untold = [this](DriftKind kind) {
    const auto& inherited = person->memory.inherited_kinds;
    return !OpenSince(kind) &&
           std::find(inherited.begin(), inherited.end(), kind) == inherited.end();
  };
  if (live && expired && untold(DriftKind::kAccountExpiredLive)) return true;
  if (live) return LeftScopeFor(thresholds.settle) && untold(DriftKind::kScopeExit);
  const bool out = (gone || disabled) && ad->scope == ScopeState::kIn;
  return out && now >= ReversedFrom() && untold(DriftKind::kReverseDrift);
}

Situation DescribeSituation(const Person& person, const LinkState& link, const Policy& policy,
                            absl::Time now, const EvaluateOptions& options) {
  Situation s;
  s.person = &person;
  s.link = &link;
  s.policy = &policy;
  s.now = now;
  s.ad = person.facts.DecidingAd();
  s.entra = person.facts.entra ? &*person.facts.entra : nullptr;
  s.tier = TierOf(person.facts, policy);
  s.person_class = ClassOf(person, policy);
  const auto& exemption = person.memory.exemption;
  // By a clock that may be wrong none has ended.
  const bool lasts = exemption && (now < exemption->until || options.clock_suspect);
  s.exempt = s.person_class != PersonClass::kNone || lasts;
  s.thresholds = ThresholdsFor(s.tier, policy, link);
  const auto& leave = person.memory.leave;
  if (leave && leave->end == LeaveEnd::kExpected) s.leave = &*leave;
  HastenByUrgency(s);
  s.recheck = kRecheckMax;
  if (s.ad != nullptr) {
    s.ad_skew = SkewOf(link, s.ad->source);
    s.recheck = std::clamp(PollOf(policy, s.ad->source), kRecheckMin, kRecheckMax);
    DescribeDeparture(s);
    DescribeExpiry(s);
  }
  if (s.entra != nullptr) DescribeEntra(s);
  if (s.ad != nullptr && s.entra != nullptr) DescribeGap(s);
  s.clock_suspect = options.clock_suspect;
  s.may_advance = !s.gap_open && !options.clock_suspect;
  s.was_converged = person.memory.last_converged.has_value();
  s.returned = person.memory.returned_at.has_value();
  HastenBreach(s);
  s.phase = PhaseOf(s);
  return s;
}

}  // namespace driftwarden::monitor
