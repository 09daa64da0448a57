// The gates straight before a call: what both sides say in reads begun after the intent.

#include <algorithm>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/evaluate.h"
#include "monitor/exemption.h"
#include "monitor/expiry.h"
#include "monitor/guards.h"

namespace driftwarden::monitor {
namespace {

const AdHalf* HalfOf(const Person& person, const Guid& guid) {
  for (const AdHalf& half : person.facts.ad) {
    if (half.object_guid == guid) return &half;
  }
  return nullptr;
}

// What is asked of both sides, and by what it is judged.
struct ReReadQuestion {
  const ReReads& reads;
  const Person& person;
  const LinkState& link;
  bool expiry_counts =
      false;  // AD refuses an expired account, and the policy says that this counts
};

// That was so when the read began.
bool RefusedAsExpired(const ReReadQuestion& question, const SourceName& source,
                      const std::optional<absl::Time>& account_expires) {
  return question.expiry_counts && account_expires &&
         SurelyExpired(*account_expires, question.reads.ad_read.lo, question.link, source);
}

GateResult AdSaysDisabled(const ReReadQuestion& question) {
  const char* name = "ad_says_disabled";
  const ReReads& reads = question.reads;
  const Person& person = question.person;
  if (!reads.ad_error.empty()) return {name, false, Cat("not read: ", reads.ad_error)};
  if (!reads.ad && !reads.ad_gone) return {name, false, "not read"};
  // A controller that lags may still say disabled: what we know to be enabled is never acted on.
  for (const AdHalf& known : person.facts.ad) {
    if (known.disabled == Tri::kNo && !known.deleted &&
        !RefusedAsExpired(question, known.source, known.account_expires)) {
      return {name, false, "an account of theirs is known to be enabled"};
    }
  }
  if (reads.ad_gone) return {name, true, "deleted, a tombstone was read"};
  const AdHalf* half = HalfOf(person, reads.ad->object_guid);
  if (half == nullptr) return {name, false, "another account was read"};
  if (reads.ad->deleted.value_or(false)) return {name, true, "deleted, a tombstone was read"};
  const auto disabled = reads.ad->Disabled();
  if (!disabled) return {name, false, "userAccountControl was not returned"};
  if (*disabled) return {name, true, "disabled"};
  const bool older = half->uac_stamp && reads.ad->uac_stamp &&
                     CompareStamps(*reads.ad->uac_stamp, *half->uac_stamp) < 0;
  if (older) return {name, false, "enabled, by a replica that has not heard of the disable"};
  if (RefusedAsExpired(question, half->source, reads.ad->account_expires)) {
    return {name, true, Cat("enabled, expired at ", FormatRfc3339(*reads.ad->account_expires))};
  }
  if (!question.expiry_counts) return {name, false, "enabled"};
  return {name, false,
          reads.ad->account_expires ? Cat("enabled, and not surely expired: accountExpires ",
                                          FormatRfc3339(*reads.ad->account_expires))
                                    : "enabled, and accountExpires was not returned"};
}

// What a second domain controller shows of an account is from before the write that puts it out.
bool HasNotHeard(const AdView& second, const AdHalf& known, const ReReads& reads) {
  const bool same = reads.ad && reads.ad->object_guid == second.object_guid;
  const auto newest = [same](const std::optional<MetadataStamp>& stored,
                             const std::optional<MetadataStamp>& read) {
    if (!same || !read) return stored;
    return !stored || CompareStamps(*read, *stored) > 0 ? read : stored;
  };
  const auto older = [](const std::optional<MetadataStamp>& a,
                        const std::optional<MetadataStamp>& b) {
    return b && (!a || CompareStamps(*a, *b) < 0);
  };
  const std::optional<MetadataStamp> no_stamp;
  // Enabled, and out by its date alone: nothing but a write of that can be the news.
  const bool enabled = same && !reads.ad_gone ? !reads.ad->Disabled().value_or(false)
                                              : !known.deleted && known.disabled == Tri::kNo;
  if (enabled) {
    return second.expires_stamp &&
           older(second.expires_stamp,
                 newest(known.expires_stamp, same ? reads.ad->expires_stamp : no_stamp));
  }
  if (known.deleted || (same && reads.ad_gone)) {
    // An object that was never deleted has no stamp of it.
    return older(second.deleted_stamp,
                 newest(known.deleted_stamp, same ? reads.ad->deleted_stamp : no_stamp));
  }
  return second.uac_stamp &&
         older(second.uac_stamp, newest(known.uac_stamp, same ? reads.ad->uac_stamp : no_stamp));
}

GateResult SecondDc(const ReReadQuestion& question, bool required) {
  const char* name = "second_dc";
  const ReReads& reads = question.reads;
  std::string seen;
  for (const AdView& second : reads.second) {
    const AdHalf* const half = HalfOf(question.person, second.object_guid);
    if (half == nullptr) return {name, false, "another account was read"};
    const bool expired = second.Disabled().has_value() &&
                         RefusedAsExpired(question, half->source, second.account_expires);
    if (second.deleted.value_or(false) || second.Disabled().value_or(false) || expired) {
      if (seen.empty()) seen = "it agrees";
      continue;
    }
    if (!HasNotHeard(second, *half, reads)) {
      return {name, false, second.Disabled() ? "enabled" : "userAccountControl was not returned"};
    }
    seen = "it has not heard of the change yet";
  }
  if (reads.second_error.empty() && !reads.second.empty()) return {name, true, seen};
  const std::string why = reads.second_error.empty() ? "not asked" : reads.second_error;
  return {name, !required,
          required ? Cat("none answered, and this tier needs one: ", why)
                   : Cat("none answered: ", why)};
}

GateResult Fresh(const char* name, const TimeBounds& read, bool answered, const ReReads& reads,
                 absl::Time now) {
  if (!answered) return {name, false, "not read"};
  if (read.lo < reads.intent_at) return {name, false, "the read began before the intent"};
  const absl::Duration age = now - read.lo;
  const bool ok = age >= absl::ZeroDuration() && age < kReReadMaxAge;
  return {name, ok,
          Cat("begun ", HumanDuration(age), " ago, at most ", HumanDuration(kReReadMaxAge))};
}

GateResult EntraNeedsIt(const ReReads& reads, const Person& person, ActionReason reason) {
  const char* name = "entra_needs_it";
  if (!reads.entra_error.empty()) return {name, false, Cat("not read: ", reads.entra_error)};
  if (!reads.entra) return {name, false, "not read"};
  if (!person.facts.entra || reads.entra->id != person.facts.entra->id) {
    return {name, false, "another account was read"};
  }
  if (reads.entra->deletion.value_or(EntraDeletion::kLive) != EntraDeletion::kLive) {
    return {name, false, "deleted in Entra"};
  }
  if (!reads.entra->account_enabled) return {name, false, "accountEnabled was not returned"};
  const bool live = *reads.entra->account_enabled;
  if (reason == ActionReason::kLag) {
    return {name, live, live ? "live, sessions alive" : "disabled in Entra"};
  }
  return {name, !live, live ? "enabled in Entra" : "disabled, not sealed"};
}

GateResult Skew(const LinkState& link) {
  absl::Duration worst = absl::ZeroDuration();
  std::string where = "clocks agree";
  for (const auto& [source, state] : link.sources) {
    const absl::Duration offset = absl::AbsDuration(state.clock_offset);
    if (offset <= worst) continue;
    worst = offset;
    where = Cat(source.value, " is ", HumanDuration(offset), " off");
  }
  return {"skew", worst <= kMaxSkewForAction, where};
}

bool AnyStale(const Person& person, const LinkState& link, const Policy& policy, absl::Time now) {
  const auto stale = [&](const SourceName& name) {
    const auto found = link.sources.find(name);
    return found == link.sources.end() ||
           SourceIsStale(found->second, policy.StaleAfter(name), now);
  };
  for (const AdHalf& half : person.facts.ad) {
    if (stale(half.source)) return true;
  }
  return person.facts.entra && stale(person.facts.entra->source);
}

void RecheckGuards(std::vector<GateResult>& gates, const Person& person, const LinkState& link) {
  for (const char* guard : kAllGuards) {
    const bool tripped = IsHeldByGuard(person, link, guard);
    gates.push_back({GateOf(guard), !tripped, tripped ? "tripped" : "not tripped"});
  }
}

}  // namespace

std::vector<GateResult> CheckReReads(const ReReads& reads, const Person& person,
                                     ActionReason reason, const LinkState& link,
                                     const Policy& policy, absl::Time now, bool clock_suspect) {
  std::vector<GateResult> gates;
  const bool ad_answered = reads.ad_error.empty() && (reads.ad || reads.ad_gone);
  const bool entra_answered = reads.entra_error.empty() && reads.entra.has_value();
  // Nothing is sealed of somebody who is enabled in AD.
  const bool expiry_counts = policy.act_on_expired && reason == ActionReason::kLag;
  const ReReadQuestion question{reads, person, link, expiry_counts};
  gates.push_back(AdSaysDisabled(question));
  gates.push_back(Fresh("ad_read_fresh", reads.ad_read, ad_answered, reads, now));
  // By the policy in force: the stored tier is brought up to date in the background.
  const bool tier0 = TierOf(person.facts, policy).value == kTier0 || person.tier.value == kTier0;
  gates.push_back(SecondDc(question, tier0));
  gates.push_back(NotExempt(person, policy, now));
  gates.push_back(EntraNeedsIt(reads, person, reason));
  gates.push_back(Fresh("entra_read_fresh", reads.entra_read, entra_answered, reads, now));
  gates.push_back(Skew(link));
  const bool blind = AnyStale(person, link, policy, now);
  gates.push_back({"not_blind", !blind, blind ? "a source is stale" : "sources fresh"});
  gates.push_back({"clock", !clock_suspect, clock_suspect ? "our own clock is suspect" : "steady"});
  gates.push_back(NotPaused(link));
  RecheckGuards(gates, person, link);
  return gates;
}

}  // namespace driftwarden::monitor
