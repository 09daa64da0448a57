#pragma once

// One person's facts as the rules compare them: every interval turned into the one moment that
// counts, every clock compared once. Internal to the core; built anew for each evaluation.

#include <optional>

#include "monitor/evaluate.h"
#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

// A regression is believed when two direct reads this far apart show the account live.
constexpr absl::Duration kRegressionConfirm = absl::Seconds(60);

// A revocation takes minutes to reach every service.
constexpr absl::Duration kRevocationTakes = absl::Minutes(10);
// Sign-ins that were read longer ago say nothing of now.
constexpr absl::Duration kSignInsFresh = absl::Minutes(15);

struct Situation {
  const Person* person = nullptr;
  const LinkState* link = nullptr;
  const Policy* policy = nullptr;
  absl::Time now;
  const AdHalf* ad = nullptr;  // the one that decides
  const EntraHalf* entra = nullptr;
  TierName tier;
  PersonClass person_class = PersonClass::kNone;
  bool exempt = false;                   // of a class, or by a dated exemption
  const ExpectedLeave* leave = nullptr;  // null: nobody said that they leave
  Thresholds thresholds;

  bool departed = false;        // AD disabled or deleted
  TimeBounds departure;         // when, as far as known
  absl::Time counts_from;       // the timers' zero within `departure`
  bool time_uncertain = false;  // known to more than two polls only: the late bound counts
  absl::Time seen;              // our first look that showed it
  absl::Duration elapsed;       // since counts_from, never negative
  bool settled = false;         // a second look agreed
  bool gap_open = false;       // a source was not read for a while and not everything is read again
  bool read_since_gap = true;  // both accounts were read directly since then, or there was none
  bool may_advance = true;     // false: what only time brings about must wait
  bool clock_suspect = false;  // our own clock
  bool live = false;           // in Entra: there, not deleted, enabled
  bool gone = false;           // in Entra: soft or hard deleted
  bool disabled = false;       // in Entra: there and disabled
  bool contained = false;      // live, and revoked since the departure; nobody signed in after that
  // Disabled, and both logs of sign-ins show none from the revocation before it until past it.
  bool quiet_since_revocation = false;
  bool sealed = false;     // disabled, and revoked since then, or nobody signed in since a revoke
  absl::Duration skew;     // by how much the tenant's times may be off our clock
  absl::Duration ad_skew;  // ... the controller's, whose stamps date the departure
  std::optional<TimeBounds> revocation;  // the latest attributed one of this departure
  // Live and revoked, and the logs of sign-ins, read a short while ago, show none since: until when
  // that holds if they are not read again.
  std::optional<absl::Time> no_sign_in_until;
  // Disabled from its creation: the engine made it so for an account that was already out of AD.
  bool never_lived = false;
  bool was_converged = false;
  bool regression_confirmed = false;
  bool returned = false;  // enabled again in AD after a departure
  bool expired =
      false;  // AD, and enabled there: accountExpires has passed by the controller's clock
  absl::Time expires = absl::InfiniteFuture();  // when that is, or was, our clock
  // Of whom is expired and live in Entra. Since when AD refuses them: the expiry, or the write that
  // put it into the past; our clock.
  absl::Time expired_since;
  absl::Duration expired_for;     // since the last write that made it so, never negative
  bool surely_expired = false;    // every account of theirs that is enabled, by any of the clocks
  bool expiry_settled = false;    // a second look agreed
  bool expiry_contained = false;  // revoked since then; nobody signed in after that
  absl::Duration recheck;         // how soon to look again at what waits for evidence
  State phase = State::kUnlinked;

  // Our clock when they had left for certain: the controller's may be behind.
  absl::Time DepartedBy() const { return departure.hi + ad_skew; }
  // The start of Entra's present "disabled" or "deleted", as our clock bounds it from above.
  absl::Time EntraOutSince() const;
  // The severity this kind has in the open episode, if it is open there.
  std::optional<Severity> OpenSeverity(DriftKind kind) const;
  // Since when this kind is open there.
  std::optional<absl::Time> OpenSince(DriftKind kind) const;
  // Warning, for tier 0 critical.
  Severity WarnOrCritical() const;
  // AD says that the account is there and enabled.
  bool AdEnabled() const;
  // When AD must show that an expected leaver is out.
  absl::Time LeftDue() const { return leave->effective + thresholds.settle; }
  // What AD shows was so then at least: begin of its last complete read, or of a look at the
  // account.
  absl::Time LastRead() const;
  // When somebody enabled in AD but not in Entra is out for longer than the sync engine needs.
  absl::Time ReversedFrom() const;
  // Enabled in AD and out of scope for that long.
  bool LeftScopeFor(absl::Duration time) const;
  // An audit record names who disabled or deleted the Entra account: a person, or an application
  // that is neither the sync engine nor driftwarden.
  bool ShutOutByHand() const;
  // When it was long enough ago that somebody expired for policy.act_on_expired to act.
  absl::Time ActsOnExpiryFrom() const;
  // Nobody departed, and there is drift that is not told before both sides are read after a gap, or
  // by a clock that is not to be trusted.
  bool WaitsToBeTold() const;
  bool WaitsForGap() const { return gap_open && WaitsToBeTold(); }
};

Situation DescribeSituation(const Person& person, const LinkState& link, const Policy& policy,
                            absl::Time now, const EvaluateOptions& options);

// The phase, by the table in docs/convergence.md. Part of DescribeSituation.
State PhaseOf(const Situation& s);

}  // namespace driftwarden::monitor
