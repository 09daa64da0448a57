#include "monitor/origins.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/attribution.h"
#include "monitor/rules.h"
#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

constexpr char kWritten[] = "written in the configuration";

const TierPolicy* WrittenTier(const Situation& s) {
  const auto& tiers = s.policy->tiers;
  const auto found = std::find_if(tiers.begin(), tiers.end(),
                                  [&](const TierPolicy& tier) { return tier.name == s.tier; });
  return found == tiers.end() ? nullptr : &*found;
}

std::string CycleText(const Situation& s) {
  const bool learned = s.link->learned_cycle > absl::ZeroDuration();
  return Cat(learned ? "learned" : "by default for ",
             learned                                         ? ""
             : s.policy->sync_engine == SyncEngine::kConnect ? "Entra Connect"
                                                             : "Cloud Sync");
}

// Of a timer that nobody wrote.
std::string DefaultText(const Situation& s, std::string_view name) {
  if (s.tier.value == kTier0) {
    if (name != "breach_after") return "by default for tier0";
    if (s.thresholds.breach_after != ThresholdsFor(s.tier, *s.policy, *s.link).breach_after) {
      return "tier0, and a containment failed: at most 10 min";
    }
    return Cat("by default for tier0: one sync cycle (", CycleText(s), ") and 10 min");
  }
  const LinkState unlearned;
  const Thresholds plain = ThresholdsFor(s.tier, *s.policy, unlearned);
  const double factor = absl::FDivDuration(s.thresholds.warn_after, plain.warn_after);
  std::string text =
      Cat("by default for ",
          s.policy->sync_engine == SyncEngine::kConnect ? "Entra Connect" : "Cloud Sync");
  const TierPolicy* written = WrittenTier(s);
  const bool scaled = s.link->learned_cycle > CycleOf(*s.policy, unlearned);
  if (!scaled) return text;
  if (written != nullptr && written->warn_after) {
    return text + ", scaled by the learned cycle";
  }
  char times[16];
  std::snprintf(times, sizeof times, "%.2f", factor);
  return text + Cat(", times ", times, " for the learned cycle");
}

// Whether the urgency of an expected leaver made the timer a shorter one.
bool IsHastened(const Situation& s, std::string_view name, absl::Duration value) {
  if (s.leave == nullptr || s.leave->urgency == LeaveUrgency::kPlanned) return false;
  const Thresholds own = ThresholdsFor(s.tier, *s.policy, *s.link);
  return value < (name == "warn_after"     ? own.warn_after
                  : name == "revoke_after" ? own.revoke_after
                                           : own.breach_after);
}

ThresholdOrigin Timer(const Situation& s, std::string_view name, absl::Duration value,
                      std::optional<absl::Duration> TierPolicy::*field) {
  if (IsHastened(s, name, value)) {
    return {std::string(name), value,
            Cat("urgency ", LeaveUrgencyText(s.leave->urgency), " of an expected leaver")};
  }
  const TierPolicy* written = WrittenTier(s);
  const bool is_written = written != nullptr && (written->*field).has_value();
  return {std::string(name), value,
          is_written ? Cat(kWritten, ", tier ", s.tier.value) : DefaultText(s, name)};
}

std::vector<ThresholdOrigin> ThresholdsOf(const Situation& s) {
  std::vector<ThresholdOrigin> out;
  std::string settle = s.policy->settle ? kWritten : "by default";
  const absl::Duration asked = s.policy->settle.value_or(absl::Seconds(30));
  if (s.thresholds.settle < asked) settle = "tier0 takes at most 15 s";
  out.push_back({"settle", s.thresholds.settle, settle});
  out.push_back(Timer(s, "warn_after", s.thresholds.warn_after, &TierPolicy::warn_after));
  out.push_back(Timer(s, "revoke_after", s.thresholds.revoke_after, &TierPolicy::revoke_after));
  out.push_back(Timer(s, "breach_after", s.thresholds.breach_after, &TierPolicy::breach_after));
  out.push_back({"sync_cycle", CycleOf(*s.policy, *s.link), CycleText(s)});
  return out;
}

std::vector<SourceClock> SourcesOf(const Situation& s) {
  std::vector<SourceClock> out;
  for (const auto& [name, source] : s.link->sources) {
    SourceClock clock;
    clock.name = name;
    clock.kind = source.kind;
    clock.last_read = {source.last_complete_begin, source.last_success};
    clock.offset = source.clock_offset;
    clock.stale_after = s.policy->StaleAfter(name);
    clock.stale = SourceIsStale(source, clock.stale_after, s.now);
    clock.gap = source.gap_ended > source.last_complete_begin;
    out.push_back(std::move(clock));
  }
  return out;
}

std::string StampText(const AdHalf& half, const TimeBounds& at,
                      const std::optional<MetadataStamp>& stamp) {
  if (stamp && at.hi == stamp->originating_time) {
    const std::string text = Cat("the directory's originating stamp, version ", stamp->version);
    return at.lo == at.hi ? text : text + ", for the late bound; the early one by our looks";
  }
  if (at.lo == at.hi) return "the directory's originating stamp; another bit was written later";
  return Cat("between two looks of source ", half.source.value);
}

std::string AuditText(const AuditRecord& record, const Situation& s) {
  return Cat("the audit record ", record.id, " by ",
             ActorKindText(ActorOf(record, *s.policy, *s.link)));
}

const AuditRecord* LatestOf(const EntraHalf& half, AccountChange change) {
  const AuditRecord* latest = nullptr;
  for (const AuditRecord& record : half.logs.audits) {
    if (record.change == change && (latest == nullptr || record.at > latest->at)) latest = &record;
  }
  return latest;
}

// `looks`: what looks alone say; empty where no record narrowed it.
std::string LookText(const Situation& s, const TimeBounds& looks, AccountChange change) {
  const AuditRecord* record = LatestOf(*s.entra, change);
  if (looks == TimeBounds{} || record == nullptr) {
    return Cat("between two looks of source ", s.entra->source.value);
  }
  return AuditText(*record, s);
}

void AdTimes(const Situation& s, std::vector<TimeOrigin>& out) {
  if (s.ad == nullptr) return;
  if (s.ad->disabled == Tri::kYes) {
    out.push_back({"disabled_in_ad", s.ad->disabled_since,
                   StampText(*s.ad, s.ad->disabled_since, s.ad->uac_stamp)});
  }
  if (s.ad->deleted) {
    out.push_back({"deleted_in_ad", s.ad->deleted_since,
                   StampText(*s.ad, s.ad->deleted_since, s.ad->deleted_stamp)});
  }
  if (s.ad->scope == ScopeState::kLeft) {
    out.push_back({"left_scope", s.ad->scope_since, "between two looks"});
  }
  if (s.ad->account_expires != absl::InfiniteFuture()) {
    out.push_back({"account_expires", TimeBounds::Exactly(s.ad->account_expires),
                   "the account's accountExpires, the controller's clock"});
  }
  if (!s.departed) return;
  out.push_back({"first_seen", TimeBounds::Exactly(s.seen), "our first look that showed it"});
  out.push_back({"looked_at_in_ad", s.ad->last_look, "our last look at the account"});
}

void EntraTimes(const Situation& s, std::vector<TimeOrigin>& out) {
  if (s.entra == nullptr) return;
  const AccountLogs& logs = s.entra->logs;
  if (s.entra->enabled == Tri::kNo) {
    out.push_back({"disabled_in_entra", s.entra->disabled_since,
                   LookText(s, logs.disabled_looks, AccountChange::kDisabled)});
  }
  if (s.gone) {
    out.push_back({"deleted_in_entra", s.entra->deleted_since,
                   LookText(s, logs.deleted_looks, AccountChange::kDeleted)});
  }
  if (s.live && s.entra->enabled_since.hi != absl::InfinitePast()) {
    out.push_back({"enabled_in_entra", s.entra->enabled_since,
                   LookText(s, logs.enabled_looks, AccountChange::kEnabled)});
  }
  if (s.entra->restored_since.hi != absl::InfinitePast()) {
    out.push_back({"restored_in_entra", s.entra->restored_since, "between two looks"});
  }
  if (s.departed) {
    out.push_back({"looked_at_in_entra", s.entra->last_look, "our last look at the account"});
  }
  const auto others = RevocationsByOthers(s.person->facts, *s.policy, *s.link);
  if (!others.empty()) {
    const absl::Time at = others.back()->at;
    out.push_back({"revoked", {at - s.skew, at + s.skew}, AuditText(*others.back(), s)});
  }
  if (const auto& own = s.person->facts.last_revocation) {
    out.push_back({"revoked", own->called, "our own call, verified by reading it back"});
  }
  if (s.departed && !logs.successes.empty()) {
    out.push_back({"last_sign_in", logs.successes.back().at, "the tenant's log of sign-ins"});
  }
  if (s.link->engine_last_sync) {
    out.push_back({"engine_last_sync", TimeBounds::Exactly(*s.link->engine_last_sync),
                   "the tenant, of its sync engine"});
  }
}

std::string Elapsed(const char* what, absl::Duration elapsed, const Thresholds& t) {
  const char* const name = elapsed >= t.breach_after ? "breach_after"
                           : elapsed >= t.warn_after ? "warn_after"
                                                     : nullptr;
  const absl::Duration limit = elapsed >= t.breach_after ? t.breach_after : t.warn_after;
  if (name == nullptr) {
    return Cat(what, " ", HumanDuration(elapsed), " ago, less than warn_after ",
               HumanDuration(t.warn_after));
  }
  return Cat(what, " ", HumanDuration(elapsed), " ago, ", name, " ", HumanDuration(limit),
             " has passed");
}

std::string LagWhy(const Situation& s) {
  std::string why =
      Elapsed(s.ad->deleted ? "deleted in AD" : "disabled in AD", s.elapsed, s.thresholds);
  if (s.contained) {
    const AuthFinding auth = AuthOf(s.person->facts, *s.policy, *s.link);
    const bool nobody = s.no_sign_in_until && s.now <= *s.no_sign_in_until;
    why += Cat("; sessions are revoked, signs in by ", AuthModeText(auth.mode),
               nobody ? ", and the logs show nobody since"
               : auth.mode == AuthMode::kPasswordHashSync
                   ? ", and no log shows that nobody does"
                   : ", so that AD refuses new sign-ins: at most a warning");
  }
  if (s.person->episode && s.person->episode->containment_failed) {
    why += "; a revocation was refused or could not be verified: at least a warning";
  }
  if (!s.may_advance) why += "; nothing rises until both sides are read again";
  return why;
}

// Which of the reasons for a page it was; the rule goes by the same order.
std::string CriticalSignInWhy(const Situation& s) {
  if (s.gone || s.disabled) return "it succeeded after the account was disabled in Entra";
  if (s.revocation) {
    for (const SignIn& sign_in : s.entra->logs.successes) {
      if (sign_in.at.lo - s.skew > s.revocation->hi + kRevocationTakes) {
        return "it succeeded after the sessions had been revoked";
      }
    }
  }
  return Cat("it succeeded later than breach_after ", HumanDuration(s.thresholds.breach_after),
             " after the departure");
}

std::string WhyOf(const Situation& s, const OpenDrift& drift, State state) {
  if (state == State::kQuarantined) return "whose it is cannot be told: never more than a warning";
  switch (drift.kind) {
    case DriftKind::kDisableLag:
    case DriftKind::kDeletedLive:
      return LagWhy(s);
    case DriftKind::kTokenNotRevoked:
      return Cat("out of Entra for ", HumanDuration(s.now - s.EntraOutSince()),
                 " without a revocation, revoke_after ", HumanDuration(s.thresholds.revoke_after),
                 " has passed; nobody can sign in");
    case DriftKind::kCloudReenabled:
    case DriftKind::kSoftDeletedRestored:
      return "was out and is live again: critical for everybody";
    case DriftKind::kSignInAfterDisable:
      return drift.severity == Severity::kCritical
                 ? CriticalSignInWhy(s)
                 : "it was interactive, and earlier than the Entra disable and breach_after";
    case DriftKind::kAccountExpiredLive:
      return Cat("expired in AD at ", FormatRfc3339(s.expired_since),
                 ", which no sync engine carries; tier ", s.tier.value);
    case DriftKind::kLeftNotDisabled:
      return Cat("should have left at ", FormatRfc3339(s.leave->effective), ", urgency ",
                 LeaveUrgencyText(s.leave->urgency), ", tier ", s.tier.value);
    case DriftKind::kResetWithoutRevoke:
      if (const auto& mark = s.person->memory.compromised) {
        return Cat("marked as compromised by ", mark->actor, " at ", FormatRfc3339(mark->at), ": ",
                   mark->reason, "; tier ", s.tier.value);
      }
      return Cat("reset twice ", HumanDuration(s.now - drift.since), " ago; tier ", s.tier.value);
    case DriftKind::kOrphanSynced:
      return Cat("info for everybody: the account is synced from ", s.entra->on_premises_domain,
                 ", which is read completely, and nothing there stands behind it");
    default:
      return Cat("tier ", s.tier.value, ", for ", HumanDuration(s.now - drift.since));
  }
}

std::vector<DriftOrigin> DriftOf(const Situation& s) {
  std::vector<DriftOrigin> out;
  const Verdict verdict = Evaluate(*s.person, *s.link, *s.policy, s.now);
  for (const OpenDrift& drift : verdict.drift) {
    DriftOrigin origin;
    origin.drift = drift;
    origin.why = WhyOf(s, drift, verdict.state);
    for (const Rule* rule : AllRules()) {
      if (rule->kind == drift.kind) origin.sentence = rule->sentence;
    }
    if (s.person->episode) {
      for (const EpisodeKind& kind : s.person->episode->kinds) {
        if (kind.kind == drift.kind && !kind.cleared) origin.opened = kind.opened;
      }
    }
    out.push_back(std::move(origin));
  }
  return out;
}

}  // namespace

Origins OriginsOf(const Person& person, const LinkState& link, const Policy& policy,
                  absl::Time now) {
  const Situation s = DescribeSituation(person, link, policy, now, {});
  Origins out;
  out.tier = s.tier;
  out.mode = ModeFor(policy, s.tier, ActionKind::kRevokeSessions);
  out.drift = DriftOf(s);
  out.sources = SourcesOf(s);
  AdTimes(s, out.times);
  EntraTimes(s, out.times);
  out.log_skew = s.entra == nullptr ? LogSkew(policy, link) : s.skew;
  if (s.departed) {
    out.counts_from = s.counts_from;
    out.time_uncertain = s.time_uncertain;
  }
  out.thresholds = ThresholdsOf(s);
  return out;
}

}  // namespace driftwarden::monitor
