#include "monitor/merge_all.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "base/strings.h"
#include "monitor/attribution.h"
#include "monitor/cause_counts.h"
#include "monitor/join.h"
#include "monitor/settle.h"
#include "monitor/situation.h"

namespace driftwarden::monitor {
namespace {

struct Merged {
  MergeResult result;
  std::optional<PersonOrdinal> person;  // none: nobody is known by it
  bool settle_now = false;              // a departure or a return must not be merged over
};

// A first complete read: what it shows was so before us, and nobody is told of it. Where the link
// has its baseline the source came later (added, or given another name): then that is true of
// accounts nobody had seen, and of nobody who is known already.
struct FirstRead {
  bool running = false;
  bool late = false;
  std::set<Guid> fresh;  // AD accounts that it showed for the first time

  bool Covers(const Person* person) const {
    if (!running || !late) return running;
    if (person == nullptr || person->episode || person->facts.ad.empty()) return false;
    return std::all_of(person->facts.ad.begin(), person->facts.ad.end(),
                       [this](const AdHalf& half) { return fresh.contains(half.object_guid); });
  }
};

// What one event is backed by, for its evidence.
struct EventFact {
  TimeBounds at;
  std::map<std::string, std::string> details;
};

EventFact FactOfAd(const std::string& event, const AdHalf& half, const Look& look) {
  EventFact fact;
  fact.details["object_guid"] = half.object_guid.ToString();
  const bool deletion = event == "ad_deleted" || event == "ad_restored";
  const bool changed_domain = event == "ad_moved_domain";
  const bool move = event == "ad_left_scope" || event == "ad_entered_scope" || changed_domain;
  const auto& stamp = deletion ? half.deleted_stamp : half.uac_stamp;
  if (stamp && !move) {
    fact.details["version"] = Cat(stamp->version);
    fact.details["originating_time"] = FormatRfc3339(stamp->originating_time);
    fact.details["originating_server"] = stamp->invocation_id.ToString();
    fact.details["originating_usn"] = Cat(stamp->originating_usn);
  }
  if (event == "ad_disabled") {
    fact.at = half.disabled_since;
  } else if (event == "ad_deleted") {
    fact.at = half.deleted_since;
  } else if (event == "ad_left_scope") {
    fact.at = half.scope_since;
    fact.details["dn"] = half.dn;
  } else if (event == "ad_entered_scope" || changed_domain) {
    fact.at = look.at;
    fact.details["dn"] = half.dn;
  } else {
    fact.at = stamp ? TimeBounds::Exactly(stamp->originating_time) : look.at;
  }
  return fact;
}

EventFact FactOfEntra(const std::string& event, const EntraHalf& half, const Look& look) {
  EventFact fact;
  fact.details["entra_id"] = half.id;
  fact.details["look"] = look.kind == LookKind::kDirect ? "direct" : "feed";
  if (event == "entra_disabled") {
    fact.at = half.disabled_since;
  } else if (event == "entra_enabled") {
    fact.at = half.enabled_since;
  } else if (event == "entra_deleted") {
    fact.at = half.deleted_since;
  } else if (event == "entra_restored") {
    fact.at = half.restored_since;
  } else {
    fact.at = look.at;
    if (half.sessions_valid_from) {
      fact.details["sessions_valid_from"] =
          half.sessions_valid_from->never ? "never" : FormatRfc3339(half.sessions_valid_from->at);
    }
  }
  return fact;
}

void RecordEvent(Transaction& tx, const Person& person, const std::string& event, EventFact fact,
                 const Look& look) {
  EvidenceEntry entry = EvidenceAbout(person, event);
  entry.fact = fact.at;
  entry.source = look.source.value;
  entry.details = std::move(fact.details);
  entry.details["seen"] = FormatRfc3339(look.at.hi);
  tx.Record(std::move(entry));
}

// The change's own time to our commit, where the source tells it.
void TallyDetection(Transaction& tx, const SourceName& source, const TimeBounds& at) {
  if (at.lo != at.hi) return;
  absl::Duration lag = tx.now() - at.hi;
  if (lag < absl::ZeroDuration()) {
    ++tx.tally().negative_lags;
    lag = absl::ZeroDuration();
  }
  tx.tally().detection_lags.emplace_back(source, lag);
}

// What the last complete read of the source before this command did not bring was unchanged when it
// began.
absl::Time CompleteUntil(const Transaction& tx, const SourceName& source) {
  const auto found = tx.link_before().sources.find(source);
  return found == tx.link_before().sources.end() ? absl::InfinitePast()
                                                 : found->second.last_complete_begin;
}

// Resets between two looks. Every one writes pwdLastSet, and so does "must change at next logon",
// which leaves it empty: two writes are two resets only where a time is left.
size_t ResetsBetween(const AdHalf& before, const AdHalf& after) {
  const bool changed = before.password_set != after.password_set;
  if (!changed || before.password_set == absl::InfinitePast()) return 0;
  if (!before.password_stamp || !after.password_stamp) return 1;
  // Counted anew in the domain that the account moved to: it may have been more, nobody can tell.
  if (after.password_stamp->version < before.password_stamp->version) return 1;
  const uint32_t writes = after.password_stamp->version - before.password_stamp->version;
  const uint32_t last = after.password_set == absl::InfinitePast() ? 3 : 2;
  return writes >= last ? 2 : 1;
}

void RememberResets(Person& person, const AdHalf& before, const AdHalf& after, absl::Time seen) {
  const size_t resets = ResetsBetween(before, after);
  if (resets == 0) return;
  const bool told = after.password_set != absl::InfinitePast();
  const absl::Time at = told ? std::min(after.password_set, seen) : seen;
  std::vector<absl::Time>& known = person.memory.password_resets;
  std::erase_if(known, [&](absl::Time earlier) { return earlier < at - kResetWindow; });
  known.insert(known.end(), resets, at);
  if (known.size() > 2) known.erase(known.begin(), known.end() - 2);
  if (known.size() == 2) person.memory.reset_twice_at = at;
}

// A direct read which shows nothing new, and that is what was waited for.
bool IsAwaited(Transaction& tx, const Person& person, const Look& look) {
  if (look.kind != LookKind::kDirect) return false;
  return DescribeSituation(person, tx.link(), tx.policy(), tx.now(), {}).WaitsForGap();
}

Merged MergeOne(Transaction& tx, const AdView& view, const Look& look, FirstRead& first) {
  Merged merged;
  PersonOrdinal ordinal = 0;
  AdHalf* half = ResolveAd(tx, view, ordinal);
  if (half == nullptr) return merged;
  const bool was_enabled = half->disabled == Tri::kNo;
  const AdHalf before = *half;
  const bool fresh = before.object_guid.IsZero();
  if (!fresh && !tx.policy().Reads(half->source)) AdoptSource(*half, view, look);
  const auto poll = tx.policy().poll_intervals.find(look.source);
  const absl::Duration interval =
      poll == tx.policy().poll_intervals.end() ? absl::Seconds(5) : poll->second;
  merged.result = MergeAd(*half, view, look, interval, CompleteUntil(tx, look.source));
  const bool in_baseline = first.running && (!first.late || fresh);
  if (first.late && in_baseline) {
    half->baseline_departed = Departed(*half);
    first.fresh.insert(half->object_guid);
  }
  merged.person = ordinal;
  Person& person = tx.Touch(ordinal);
  // Logons move the USN of everybody all day: who is enabled, and no open case, costs no write.
  const bool open = person.episode.has_value() || Departed(before);
  if (!open && OnlyLookedAt(before, *half)) {
    const AdHalf looked_at = std::exchange(*half, before);
    if (!IsAwaited(tx, person, look)) return merged;
    *half = looked_at;
  }
  if (in_baseline) {
    if (merged.result.changed) RejoinAd(tx, ordinal, view.object_guid);
    return merged;
  }
  if (tx.policy().reset_without_revoke) RememberResets(person, before, *half, look.at.hi);
  for (const std::string& event : merged.result.events) {
    EventFact fact = FactOfAd(event, *half, look);
    if (event == "ad_disabled" || event == "ad_deleted") TallyDetection(tx, look.source, fact.at);
    RecordEvent(tx, person, event, std::move(fact), look);
    if (event == "ad_left_scope" && person.facts.Linked()) {
      CountRecent(tx.link().causes.scope_exits, look.at.hi, tx.now(),
                  CycleOf(tx.policy(), tx.link()));
    }
    const bool toggle = event == "ad_enabled" || (event == "ad_disabled" && was_enabled);
    if (toggle) person.memory.toggles.push_back(look.at.hi);
    merged.settle_now = true;
  }
  if (merged.result.changed) RejoinAd(tx, ordinal, view.object_guid);
  return merged;
}

Merged MergeOne(Transaction& tx, const EntraView& view, const Look& look, const FirstRead& first) {
  Merged merged;
  PersonOrdinal ordinal = 0;
  EntraHalf* half = ResolveEntra(tx, view, ordinal);
  if (half == nullptr) return merged;
  const bool in_baseline = first.running && !first.late;
  if (!tx.policy().Reads(half->source)) half->source = look.source;
  merged.result = MergeEntra(*half, view, look);
  if (merged.result.changed) NarrowByAudits(*half, LogSkew(tx.policy(), tx.link()));
  merged.person = ordinal;
  Person& person = tx.Touch(ordinal);
  if (!in_baseline) {
    for (const std::string& event : merged.result.events) {
      RecordEvent(tx, person, event, FactOfEntra(event, *half, look), look);
      merged.settle_now = true;
    }
  }
  if (merged.result.changed) RejoinEntra(tx, ordinal);
  return merged;
}

std::string ChangeText(const Merged& merged, const Observation& observation) {
  const auto* ad = std::get_if<AdView>(&observation.view);
  const auto* entra = std::get_if<EntraView>(&observation.view);
  const bool deleted = ad != nullptr
                           ? ad->deleted.value_or(false)
                           : entra->deletion.value_or(EntraDeletion::kLive) != EntraDeletion::kLive;
  if (deleted && (merged.result.changed || !merged.person)) return "deleted";
  if (merged.result.changed) return "watched";
  return merged.result.unwatched ? "unwatched" : "replay";
}

}  // namespace

bool MergeObservations(Transaction& tx, const std::vector<Observation>& observations,
                       bool in_baseline) {
  FirstRead first{in_baseline, in_baseline && tx.link().baseline_at.has_value(), {}};
  const auto settle = [&](PersonOrdinal person) {
    SettlePerson(tx, person, first.Covers(tx.Find(person)));
  };
  bool changed = false;
  for (const Observation& observation : observations) {
    const Merged merged =
        std::visit([&](const auto& view) { return MergeOne(tx, view, observation.look, first); },
                   observation.view);
    ++tx.tally().source_changes[{observation.look.source, ChangeText(merged, observation)}];
    changed |= merged.result.changed;
    if (merged.settle_now && merged.person) settle(*merged.person);
  }
  // Judging one person may move a half to another, who is then judged too.
  std::set<PersonOrdinal> judged;
  for (int pass = 0; pass < 2; ++pass) {
    const std::set<PersonOrdinal> touched = tx.touched();
    for (const PersonOrdinal person : touched) {
      if (judged.insert(person).second) settle(person);
    }
  }
  return changed;
}

}  // namespace driftwarden::monitor
