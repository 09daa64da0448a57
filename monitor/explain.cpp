#include "monitor/explain.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/attribution.h"
#include "monitor/expiry.h"
#include "monitor/guards.h"
#include "monitor/lags.h"
#include "monitor/unmanaged.h"

namespace driftwarden::monitor {
namespace {

// Keeps the earliest moment after `now`.
class Earliest {
 public:
  explicit Earliest(absl::Time now) : now_(now) {}

  void At(absl::Time at, std::string what) {
    if (at <= now_ || at >= next_.at) return;
    next_ = {at, std::move(what)};
  }
  NextReview Take() { return std::move(next_); }

 private:
  absl::Time now_;
  NextReview next_;
};

// What keeps a revocation that is due from being made; empty: nothing that is known now.
std::string HeldBackText(const Situation& s) {
  const auto& actions = s.policy->remediation.actions;
  const bool may =
      std::find(actions.begin(), actions.end(), ActionKind::kRevokeSessions) != actions.end();
  const Mode mode = ModeFor(*s.policy, s.tier, ActionKind::kRevokeSessions);
  if (!may || mode == Mode::kObserve) return Cat("mode ", ModeText(mode), " does nothing");
  if (IsTripped(*s.link, kPaused)) return "the automation is paused";
  for (const char* guard : kAllGuards) {
    if (IsHeldByGuard(*s.person, *s.link, guard)) return Cat("the guard ", guard, " is tripped");
  }
  if (IsFlapping(s.person->memory)) return "switched on and off in AD too often to act by itself";
  return "";
}

std::string RevocationText(const Situation& s, const char* due) {
  const std::string held = HeldBackText(s);
  return held.empty() ? std::string(due) : Cat(due, ", but ", held);
}

void LagDeadlines(const Situation& s, Earliest& next) {
  const std::string hurry = s.tier.value == kTier0
                                ? "warning: start a delta sync of the sync engine now"
                                : "becomes lagging: a warning pages";
  next.At(s.counts_from + s.thresholds.warn_after, hurry);
  next.At(s.counts_from + s.thresholds.revoke_after,
          RevocationText(s, "sessions are to be revoked"));
  next.At(s.counts_from + s.thresholds.breach_after, "becomes breached: pages critical");
}

void DepartedDeadlines(const Situation& s, Earliest& next) {
  switch (s.phase) {
    case State::kPending:
    case State::kLagging:
    case State::kBreached:
    case State::kContained: {
      if (!s.settled) {
        // Only a look that begins then can agree.
        const absl::Time due = s.seen + s.thresholds.settle;
        next.At(due, "a second look confirms the disable");
        if (due <= s.now) next.At(s.now + s.recheck, "waiting for a second look at AD");
        return;
      }
      LagDeadlines(s, next);
      if (s.phase == State::kContained && s.no_sign_in_until) {
        next.At(*s.no_sign_in_until + absl::Microseconds(1),
                "the logs of sign-ins were read too long ago to show that nobody signs in");
      }
      if (!s.may_advance) {
        next.At(s.now + s.recheck, "waiting until both sides are read again after a gap");
      }
      return;
    }
    case State::kUnsealed: {
      next.At(s.EntraOutSince() + s.thresholds.revoke_after,
              "not revoked since the Entra disable: token_not_revoked opens");
      if (!s.may_advance) next.At(s.now + s.recheck, "waiting until both sides are read again");
      return;
    }
    case State::kConverged: {
      if (!s.live) return;
      const absl::Time due = s.entra->live_direct_first + kRegressionConfirm;
      next.At(due, "live in Entra again: a second direct read confirms it");
      if (due <= s.now) next.At(s.now + s.recheck, "live in Entra again, waiting for direct reads");
      return;
    }
    default:
      return;
  }
}

// Of what is not about a departure, and of what only the sync engine's runs bring about.
void DriftDeadlines(const Situation& s, const Verdict& verdict, Earliest& next) {
  const bool told = s.OpenSeverity(DriftKind::kNeverSynced).has_value();
  if (s.departed && s.live && s.link->engine_last_sync && !told) {
    const absl::Duration cycle = CycleOf(*s.policy, *s.link);
    const absl::Time had_two = s.departure.hi + 2 * cycle;
    next.At(had_two, "the sync engine had two cycles and did nothing: never_synced opens");
    // Opened by the engine's next run, whenever that is.
    if (had_two <= s.now) {
      next.At(s.now + cycle / 4, "two sync cycles are over: waiting for the engine's next run");
    }
  }
  if (s.AdEnabled() && (s.gone || s.disabled)) {
    next.At(s.EntraOutSince() + 2 * CycleOf(*s.policy, *s.link),
            "enabled in AD but not in Entra for two sync cycles: becomes reversed");
    next.At(s.ReversedFrom(), "enabled in AD but not in Entra: reverse_drift opens");
  }
  if (s.expired && s.live && s.policy->act_on_expired && !s.expiry_contained) {
    next.At(std::max(s.ActsOnExpiryFrom(),
                     SurelyExpiredFrom(s.ad->account_expires, *s.link, s.ad->source)),
            RevocationText(s, "expired in AD: sessions are to be revoked"));
    if (s.now >= s.ActsOnExpiryFrom() && !s.expiry_settled) {
      next.At(s.now + s.recheck, "expired in AD: waiting for a second look at AD");
    } else if (s.now >= s.ActsOnExpiryFrom() && !s.may_advance) {
      next.At(s.now + s.recheck, "expired in AD: waiting until both sides are read again");
    }
  }
  if (s.WaitsToBeTold()) {
    next.At(s.now + s.recheck, s.gap_open ? "waiting until both sides are read again after a gap"
                                          : "waiting until our own clock can be trusted");
  }
  for (const OpenDrift& drift : verdict.drift) {
    if (drift.kind != DriftKind::kLockedOutByUs) continue;
    next.At(drift.since + CycleOf(*s.policy, *s.link), "still locked out by us: pages critical");
  }
  if (s.live) next.At(s.expires, "the account expires in AD, not in Entra: account_expired_live");
  if (s.live && s.AdEnabled() && s.ad->scope == ScopeState::kLeft) {
    next.At(s.ad->scope_since.hi + s.thresholds.settle, "out of scope: scope_exit opens");
    next.At(s.ad->scope_since.hi + s.thresholds.warn_after, "out of scope: a warning pages");
  }
}

void LeaverDeadlines(const Situation& s, const Verdict& verdict, Earliest& next) {
  if (s.leave == nullptr || !s.AdEnabled() || verdict.state == State::kExempt) return;
  // A crowd whose AD cannot be read is not looked at with every poll.
  const absl::Duration again = verdict.blind ? absl::Minutes(1) : s.recheck;
  next.At(s.LeftDue(), "an expected leaver should be out of AD: left_not_disabled opens");
  const bool open = s.OpenSeverity(DriftKind::kLeftNotDisabled).has_value();
  if (!open && s.now >= s.LeftDue()) {
    next.At(s.now + again, "an expected leaver should be out of AD: waiting to read it again");
  }
}

// Whoever is synced and has no AD object is looked at again ever more rarely: most of them are only
// not read yet, and some are of a domain that nobody reads.
void OrphanDeadlines(const Situation& s, Earliest& next) {
  constexpr absl::Duration kLookAgain = absl::Minutes(10);
  const Facts& facts = s.person->facts;
  if (s.gone || s.entra->sync_enabled != Tri::kYes || s.entra->on_premises_domain.empty()) return;
  if (HasAdObject(facts) || (!facts.ad.empty() && s.live)) return;
  const auto& inherited = s.person->memory.inherited_kinds;
  const bool known =
      s.OpenSince(DriftKind::kOrphanSynced) ||
      std::find(inherited.begin(), inherited.end(), DriftKind::kOrphanSynced) != inherited.end();
  if (known) return;
  const absl::Time from = OrphanedFrom(facts, *s.link, *s.policy);
  if (from > s.now) {
    next.At(from, "synced, and no AD object was found: orphan_synced opens");
    return;
  }
  const absl::Time begun = std::max(from, s.entra->first_seen);
  const absl::Duration waited = begun == absl::InfinitePast() ? absl::Hours(24) : s.now - begun;
  next.At(s.now + std::max(waited, kLookAgain), "waiting until AD is read: orphan_synced opens");
}

std::string Bounds(const TimeBounds& bounds) {
  if (bounds.lo == bounds.hi) return FormatRfc3339(bounds.lo);
  const bool unknown = bounds.lo == absl::InfinitePast();
  return Cat(unknown ? "?" : FormatRfc3339(bounds.lo), " .. ", FormatRfc3339(bounds.hi));
}

std::string RevokedText(const Situation& s) {
  const auto& own = s.person->facts.last_revocation;
  const auto others = RevocationsByOthers(s.person->facts, *s.policy, *s.link);
  if (!others.empty() && (!own || others.back()->at > own->called.lo)) {
    const AuditRecord& record = *others.back();
    return Cat(FormatRfc3339(record.at), " by ",
               ActorKindText(ActorOf(record, *s.policy, *s.link)));
  }
  return own ? FormatRfc3339(own->called.lo) : "never";
}

// How far somebody's sign-ins were read, or why not.
std::string ReadText(const Situation& s, TenantLog log) {
  const TimeBounds& read = s.entra->logs.ReadOf(log);
  if (read.hi != absl::InfinitePast()) return Cat("read ", Bounds(read));
  const auto state = s.link->logs.find(log);
  const bool limited = state != s.link->logs.end() && state->second.limit != LogLimit::kNone;
  return limited ? Cat("not read: ", LogLimitText(state->second.limit)) : "not read yet";
}

std::string EntraText(const Situation& s) {
  if (s.entra == nullptr) return "no account";
  if (s.gone) return Cat("deleted since ", Bounds(s.entra->deleted_since));
  if (s.disabled) return Cat("disabled since ", Bounds(s.entra->disabled_since));
  return s.live ? "enabled" : "not known yet";
}

std::string AdText(const Situation& s) {
  if (s.ad == nullptr) return "no account";
  if (s.ad->deleted) return Cat("deleted, departed since ", Bounds(s.departure));
  if (s.departed) return Cat("disabled since ", Bounds(s.departure));
  return s.ad->disabled == Tri::kNo ? "enabled" : "not known yet";
}

std::string_view GradeText(IdentityGrade grade) {
  switch (grade) {
    case IdentityGrade::kNone:
      return "none";
    case IdentityGrade::kAnchor:
      return "anchor";
    case IdentityGrade::kStrong:
      return "strong";
    case IdentityGrade::kConflict:
      return "conflict";
  }
  return "unknown";
}

}  // namespace

NextReview NextReviewOf(const Situation& s, const Verdict& verdict) {
  Earliest next(s.now);
  const bool hands_off = verdict.state == State::kInherited || verdict.state == State::kExempt;
  if (s.departed && s.entra != nullptr && !hands_off) {
    DepartedDeadlines(s, next);
  }
  if (!hands_off && s.entra != nullptr) DriftDeadlines(s, verdict, next);
  LeaverDeadlines(s, verdict, next);
  if (s.entra != nullptr && verdict.state != State::kExempt) OrphanDeadlines(s, next);
  if (const auto& exemption = s.person->memory.exemption) {
    next.At(exemption->until, "the exemption ends: judged like anybody else");
  }
  if (s.entra != nullptr && s.entra->needs_direct_read) {
    next.At(s.now + s.recheck, "waiting for a direct read of the Entra account");
  }
  const auto& mismatch = s.person->facts.sid_mismatch_since;
  if (mismatch && !s.person->facts.sid_mismatch_confirmed) {
    next.At(*mismatch + 2 * CycleOf(*s.policy, *s.link), "anchor and SID still disagree: conflict");
  }
  return next.Take();
}

Because BecauseOf(const Situation& s, const Verdict& verdict) {
  Because because;
  because.rule = verdict.drift.empty() ? std::string(StateText(verdict.state))
                                       : std::string(DriftKindText(verdict.drift.front().kind));
  const auto add = [&](const char* name, std::string value) {
    because.inputs.emplace_back(name, std::move(value));
  };
  add("now", FormatRfc3339(s.now));
  add("ad", AdText(s));
  add("entra", EntraText(s));
  add("identity", std::string(GradeText(GradeOf(s.person->facts))));
  add("tier", s.tier.value);
  if (s.person_class != PersonClass::kNone) {
    add("class", std::string(PersonClassText(s.person_class)));
  }
  if (s.leave != nullptr) {
    add("leaves", Cat(FormatRfc3339(s.leave->effective), ", ", LeaveUrgencyText(s.leave->urgency),
                      s.leave->from_file ? ", by the file" : Cat(", by ", s.leave->actor)));
    if (s.leave->urgency != LeaveUrgency::kPlanned) {
      add("timers", Cat("by urgency ", LeaveUrgencyText(s.leave->urgency)));
    }
  }
  if (const auto& exemption = s.person->memory.exemption) {
    add("exempt_until", FormatRfc3339(exemption->until));
    add("exempt_by", exemption->actor);
    add("exempt_reason", exemption->reason);
  }
  if (IsFlapping(s.person->memory)) {
    add("flapping", Cat("yes, changed ", s.person->memory.toggles.size(), " times in AD within ",
                        HumanDuration(kFlapWindow), ": nothing is done without a human"));
  }
  if (const auto& mark = s.person->memory.compromised) {
    add("marked_compromised", FormatRfc3339(mark->at));
    add("marked_by", mark->actor);
    add("mark_reason", mark->reason);
  }
  if (s.OpenSince(DriftKind::kResetWithoutRevoke)) add("revoked", RevokedText(s));
  if (s.ad != nullptr && s.ad->scope == ScopeState::kLeft) {
    add("left_scope", Bounds(s.ad->scope_since));
  }
  if (s.expired && s.live) {
    add("expired_since", FormatRfc3339(s.expired_since));
    add("act_on_expired", s.policy->act_on_expired ? "yes" : "no");
    add("expired_for", HumanDuration(s.expired_for));
    add("revoke_after", HumanDuration(s.thresholds.revoke_after));
    add("surely_expired", s.surely_expired ? "yes" : "no");
    add("settled", s.expiry_settled ? "yes" : "no");
    add("gap_in_reading", s.gap_open ? "yes" : "no");
    if (!s.OpenSince(DriftKind::kResetWithoutRevoke)) add("revoked", RevokedText(s));
    add("contained", s.expiry_contained ? "yes" : "no");
  }
  if (!s.departed || s.entra == nullptr) return because;
  add("first_seen", FormatRfc3339(s.seen));
  add("counts_from", FormatRfc3339(s.counts_from));
  add("time_uncertain", s.time_uncertain ? "yes" : "no");
  add("elapsed", HumanDuration(s.elapsed));
  const Lags lags = LagsOf(*s.person, *s.link, *s.policy, s.now);
  if (lags.disable) add("disable_lag", LagText(*lags.disable));
  if (lags.revocation) add("revocation_lag", LagText(*lags.revocation));
  if (lags.replication) add("replication_lag", LagText(*lags.replication));
  add("settled", s.settled ? "yes" : "no");
  add("settle", HumanDuration(s.thresholds.settle));
  add("warn_after", HumanDuration(s.thresholds.warn_after));
  add("revoke_after", HumanDuration(s.thresholds.revoke_after));
  add("breach_after", HumanDuration(s.thresholds.breach_after));
  add("sync_cycle",
      Cat(HumanDuration(CycleOf(*s.policy, *s.link)),
          s.link->learned_cycle > absl::ZeroDuration() ? ", learned" : ", by default"));
  add("gap_in_reading", s.gap_open ? "yes" : "no");
  add("revoked", RevokedText(s));
  add("interactive_sign_ins", ReadText(s, TenantLog::kInteractiveSignIns));
  add("non_interactive_sign_ins", ReadText(s, TenantLog::kNonInteractiveSignIns));
  const auto& successes = s.entra->logs.successes;
  add("last_sign_in", successes.empty() ? "none known" : Bounds(successes.back().at));
  if (s.live) {
    const AuthFinding auth = AuthOf(s.person->facts, *s.policy, *s.link);
    add("signs_in_by", Cat(AuthModeText(auth.mode), " (", auth.because, ")"));
  }
  if (s.live) add("contained", s.contained ? "yes" : "no");
  if (s.live && s.contained) {
    const bool nobody = s.no_sign_in_until && s.now <= *s.no_sign_in_until;
    add("nobody_signed_in",
        nobody ? Cat("yes, holds until ", FormatRfc3339(*s.no_sign_in_until)) : "not shown");
  }
  if (s.disabled) add("sealed", s.sealed ? "yes" : "no");
  add("blind", verdict.blind ? "yes" : "no");
  return because;
}

}  // namespace driftwarden::monitor
