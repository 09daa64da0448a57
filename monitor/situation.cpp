#include "monitor/situation.h"

#include <algorithm>

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kRecheckMin = absl::Milliseconds(200);
constexpr absl::Duration kRecheckMax = absl::Seconds(5);

const SourceState* FindSource(const LinkState& link, const SourceName& name) {
  const auto found = link.sources.find(name);
  return found == link.sources.end() ? nullptr : &found->second;
}

absl::Duration PollInterval(const Policy& policy, const SourceName& source) {
  const auto found = policy.poll_intervals.find(source);
  return found == policy.poll_intervals.end() ? kRecheckMax : found->second;
}

// The timers count from the early bound when the interval is narrow, else from the late one: nobody
// is paged for time that may not have passed. Never from the future of our own clock.
absl::Time CountsFrom(const AdHalf& ad, const TimeBounds& departure, absl::Time seen,
                      absl::Duration poll) {
  const bool uncertain = departure.Width() > 2 * poll;
  const absl::Time from =
      uncertain || (ad.disabled == Tri::kYes && ad.time_uncertain) ? departure.hi : departure.lo;
  return std::min(from, seen);
}

// The second look: a direct read of the account, or a complete read of its source that brought
// nothing new about it, begun `settle` after the first.
bool IsSettled(const Situation& s) {
  absl::Time last_agreed = s.ad->last_look.lo;
  if (const SourceState* source = FindSource(*s.link, s.ad->source)) {
    last_agreed = std::max(last_agreed, source->last_complete_begin);
  }
  return s.thresholds.settle <= absl::ZeroDuration() || last_agreed >= s.seen + s.thresholds.settle;
}

bool IsGapOpen(const Situation& s) {
  const SourceState* ad_source = FindSource(*s.link, s.ad->source);
  const SourceState* entra_source = FindSource(*s.link, s.entra->source);
  if (ad_source == nullptr || entra_source == nullptr) return false;
  const absl::Time gap = std::max(ad_source->gap_ended, entra_source->gap_ended);
  if (gap == absl::InfinitePast()) return false;
  return ad_source->last_complete_begin < gap || entra_source->last_complete_begin < gap ||
         s.ad->last_look.lo < gap || s.entra->last_direct_look.lo < gap;
}

// Whether our own verified revocation reaches what stands now: begun after both given moments.
bool RevokedAfter(const Facts& facts, absl::Time since) {
  return facts.last_revocation && facts.last_revocation->called.lo >= since;
}

void DescribeDeparture(Situation& s) {
  s.departed = Departed(*s.ad);
  if (!s.departed) return;
  const absl::Duration poll = PollInterval(*s.policy, s.ad->source);
  s.departure = DepartedSince(*s.ad);
  s.seen = DepartureSeen(*s.ad);
  s.counts_from = CountsFrom(*s.ad, s.departure, s.seen, poll);
  s.elapsed = std::max(s.now - s.counts_from, absl::ZeroDuration());
  s.settled = IsSettled(s);
}

void DescribeEntra(Situation& s) {
  const Facts& facts = s.person->facts;
  s.live = facts.EntraLive();
  s.gone = facts.EntraGone();
  s.disabled = !s.gone && s.entra->enabled == Tri::kNo;
  // A revocation before the account came back, or from an earlier leave, does not count.
  if (s.live && s.departed) {
    s.contained = RevokedAfter(
        facts, std::max({s.seen, s.entra->enabled_since.hi, s.entra->restored_since.hi}));
  }
  if (s.disabled) {
    s.sealed =
        RevokedAfter(facts, std::max(s.entra->disabled_since.hi, s.entra->restored_since.hi));
  }
  s.regression_confirmed =
      s.live && s.entra->live_direct_first != absl::InfinitePast() &&
      s.entra->last_direct_look.lo >= s.entra->live_direct_first + kRegressionConfirm;
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

}  // namespace

absl::Time Situation::EntraOutSince() const {
  return gone ? entra->deleted_since.hi : entra->disabled_since.hi;
}

std::optional<Severity> Situation::OpenSeverity(DriftKind kind) const {
  if (!person->episode) return std::nullopt;
  for (const EpisodeKind& open : person->episode->kinds) {
    if (open.kind == kind && !open.cleared) return open.severity;
  }
  return std::nullopt;
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
  s.thresholds = ThresholdsFor(s.tier, policy, link);
  s.recheck = kRecheckMax;
  if (s.ad != nullptr) {
    s.recheck = std::clamp(PollInterval(policy, s.ad->source), kRecheckMin, kRecheckMax);
    DescribeDeparture(s);
  }
  if (s.entra != nullptr) DescribeEntra(s);
  if (s.ad != nullptr && s.entra != nullptr) s.gap_open = IsGapOpen(s);
  s.may_advance = !s.gap_open && !options.clock_suspect;
  s.was_converged = person.memory.last_converged.has_value();
  s.returned = person.memory.returned_at.has_value();
  HastenBreach(s);
  s.phase = PhaseOf(s);
  return s;
}

}  // namespace driftwarden::monitor
