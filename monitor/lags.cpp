#include "monitor/lags.h"

#include <algorithm>

#include "base/strings.h"
#include "monitor/attribution.h"
#include "monitor/clocks.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Time kNeverKnown = absl::InfinitePast();

// When the account was out of Entra first, as far as looks and records tell.
std::optional<TimeBounds> OutOfEntra(const Facts& facts) {
  const EntraHalf& entra = *facts.entra;
  const bool disabled = entra.enabled == Tri::kNo && entra.disabled_since.hi != kNeverKnown;
  if (!facts.EntraGone()) return disabled ? std::optional(entra.disabled_since) : std::nullopt;
  const bool before = disabled && entra.disabled_since.hi <= entra.deleted_since.hi;
  return before ? entra.disabled_since : entra.deleted_since;
}

// Out of Entra once in this departure, and back since: what ends later is another story.
bool CameBack(const Person& person) {
  if (!person.memory.last_converged) return false;
  const EntraHalf& entra = *person.facts.entra;
  return person.facts.EntraLive() ||
         std::max(entra.enabled_since.hi, entra.restored_since.hi) >= *person.memory.last_converged;
}

std::optional<LagBounds> DisableLag(const Person& person, const DepartureTime& from,
                                    absl::Time now) {
  if (!person.facts.entra || person.memory.before_our_time || CameBack(person)) return std::nullopt;
  const auto out = OutOfEntra(person.facts);
  if (!out && !person.facts.EntraLive()) return std::nullopt;  // not known
  LagBounds lag = LagSince(from, out.value_or(TimeBounds::Exactly(now)));
  lag.running = !out;
  return lag;
}

// Of what the open episode noted first, else of what is kept of the departure.
std::optional<TimeBounds> FirstRevocation(const Person& person, const DepartureTime& from,
                                          const LinkState& link, const Policy& policy) {
  const auto& own = person.facts.last_revocation;
  const absl::Duration skew = LogSkew(policy, link);
  const auto noted = person.episode ? person.episode->revoked : std::nullopt;
  std::optional<TimeBounds> first;
  const auto take = [&](const TimeBounds& at) {
    if (!first || at.lo < first->lo) first = at;
  };
  const AdHalf& ad = *person.facts.DecidingAd();
  if (own && own->called.lo >= DepartureSeen(ad) && (!noted || own->called.lo == *noted)) {
    take(own->called);
  }
  for (const AuditRecord* record : RevocationsByOthers(person.facts, policy, link)) {
    if (record->at - skew < from.at.hi + from.skew || (noted && record->at != *noted)) continue;
    take({record->at - skew, record->at + skew});
  }
  if (!first && noted) first = TimeBounds::Exactly(*noted);
  return first;
}

// Of the present departure: the episode of somebody who is switched on and off began with an
// earlier one.
std::optional<LagBounds> ReplicationLag(const AdHalf& ad, DepartureTime from) {
  from.at = DepartedSince(ad);
  const absl::Time seen = DepartureSeen(ad);
  if (seen == kNeverKnown || ad.enabled_seen == kNeverKnown || from.at.hi == seen) {
    return std::nullopt;
  }
  return LagSince(from, {std::min(std::max(ad.enabled_seen, from.at.lo), seen), seen});
}

}  // namespace

std::optional<DepartureTime> DepartureTimeOf(const Person& person, const LinkState& link,
                                             const Policy& policy) {
  const AdHalf* ad = person.facts.DecidingAd();
  if (ad == nullptr || !Departed(*ad)) return std::nullopt;
  const bool open = person.episode && person.episode->OfDeparture();
  DepartureTime from;
  from.at = open ? person.episode->departed : DepartedSince(*ad);
  from.skew = SkewOf(link, ad->source);
  from.uncertain = IsTimeUncertain(*ad, from.at, policy);
  return from;
}

LagBounds LagSince(const DepartureTime& from, const TimeBounds& to) {
  const bool unbounded = from.at.lo == kNeverKnown;
  LagBounds lag;
  lag.clamped = !unbounded && to.hi < from.at.lo;
  lag.lo = std::max(to.lo - from.at.hi - from.skew, absl::ZeroDuration());
  lag.hi = unbounded ? absl::InfiniteDuration() : to.hi - from.at.lo + from.skew;
  lag.hi = std::max(lag.hi, lag.lo);
  lag.observed = from.uncertain ? to.hi - from.at.hi + from.skew : lag.hi;
  lag.observed = std::max(lag.observed, absl::ZeroDuration());
  return lag;
}

Lags LagsOf(const Person& person, const LinkState& link, const Policy& policy, absl::Time now) {
  Lags lags;
  const auto from = DepartureTimeOf(person, link, policy);
  if (!from) return lags;
  lags.disable = DisableLag(person, *from, now);
  const auto revoked = FirstRevocation(person, *from, link, policy);
  if (revoked) lags.revocation = LagSince(*from, *revoked);
  lags.replication = ReplicationLag(*person.facts.DecidingAd(), *from);
  return lags;
}

std::string PreciseText(absl::Duration d) {
  if (d < absl::Seconds(1)) return Cat(absl::ToInt64Milliseconds(d), " ms");
  const int64_t seconds = absl::ToInt64Seconds(d);
  const int64_t minutes = seconds / 60;
  if (minutes == 0) return Cat(seconds, " s");
  if (minutes < 60) return Cat(minutes, " min ", seconds % 60, " s");
  return Cat(minutes / 60, " h ", minutes % 60, " min ", seconds % 60, " s");
}

std::string LagText(const LagBounds& lag) {
  std::string text = PreciseText(lag.lo);
  if (lag.hi == absl::InfiniteDuration()) {
    text = Cat("at least ", text);
  } else if (PreciseText(lag.hi) != text) {
    text = Cat("between ", text, " and ", PreciseText(lag.hi));
  }
  if (lag.running) text += ", still running";
  if (lag.clamped) text += "; recorded in the wrong order, counted as 0";
  return text;
}

}  // namespace driftwarden::monitor
