#include "monitor/replay.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "monitor/rehearsal.h"
#include "monitor/replay_facts.h"
#include "monitor/replay_pages.h"

namespace driftwarden::monitor {
namespace {

constexpr int kMostSteps = 10'000;  // judgements of one person
constexpr absl::Duration kBefore = absl::Seconds(1);

std::string DetailOf(const EvidenceEntry& entry, const char* name) {
  const auto found = entry.details.find(name);
  return found == entry.details.end() ? std::string() : found->second;
}

std::optional<DriftKind> KindOf(const EvidenceEntry& entry) {
  if (!entry.type.starts_with("drift_")) return std::nullopt;
  return ParseDriftKind(DetailOf(entry, "kind"));
}

// The link as nothing had happened yet: what one person is judged by, and no more.
LinkState LinkBefore(const LinkState& now, const Policy& policy, absl::Time start) {
  LinkState link;
  link.name = now.name;
  link.next_person = now.next_person;
  link.learned_cycle = now.learned_cycle;
  link.tenant = now.tenant;
  link.logs = now.logs;
  link.linked_people = now.linked_people;
  std::vector<SourceName> names = policy.ad_sources;
  names.push_back(policy.entra_source);
  for (const SourceName& name : names) {
    SourceState& source = link.sources[name];
    const auto known = now.sources.find(name);
    if (known != now.sources.end()) {
      source.kind = known->second.kind;
      source.clock_offset = known->second.clock_offset;
    }
    source.snapshot_complete = true;
    source.last_success = source.last_complete_begin = start;
  }
  return link;
}

std::set<TenantLog> ReadableLogs(const LinkState& link) {
  std::set<TenantLog> out;
  for (const TenantLog log : {TenantLog::kInteractiveSignIns, TenantLog::kNonInteractiveSignIns}) {
    const auto found = link.logs.find(log);
    if (found == link.logs.end() || found->second.limit != LogLimit::kNone) continue;
    if (found->second.read.hi != absl::InfinitePast()) out.insert(log);
  }
  return out;
}

class Player {
 public:
  Player(const PersonHistory& history, const LinkState& link, const Policy& policy,
         absl::Time start)
      : policy_(policy),
        stage_(Before(history, start), history.who, LinkBefore(link, policy, start), policy),
        logs_(ReadableLogs(link)) {
    for (const auto& entry : stage_.link().sources) sources_.insert(entry.first);
    // As the first complete read, so that what was there before us is inherited.
    Record(stage_.Judge(start));
    stage_.link().baseline_at = link.baseline_at.value_or(start);
    last_ = start;
  }

  // False: too many steps.
  bool RunUntil(absl::Time to) {
    while (stage_.person() != nullptr && stage_.person()->review_at < to) {
      if (++steps_ > kMostSteps) return false;
      Judge(std::max(stage_.person()->review_at, last_ + absl::Microseconds(1)));
    }
    return true;
  }

  // All that one command of the engine brought.
  void Take(const std::vector<const EvidenceEntry*>& facts) {
    const absl::Time at = std::max(facts.front()->at, last_);
    if (stage_.person() == nullptr) return;
    stage_.LookAgain(at, sources_, logs_);
    for (const EvidenceEntry* fact : facts) {
      const auto look = LogOf(*fact, *stage_.person());
      if (look) {
        Record(stage_.ReadLog(at, *look));
      } else {
        TakeFact(*fact, policy_, *stage_.person(), stage_.link());
      }
      // One after the other: a departure and a return must not be merged over.
      if (stage_.person() != nullptr) Settle(at);
      if (stage_.person() == nullptr) return;
    }
  }

  void AcceptBaseline(absl::Time at) {
    if (stage_.person() == nullptr) return;
    Record(stage_.AcceptBaseline(at));
    Judge(at);
  }

  std::vector<EvidenceEntry> TakeEvidence() { return std::move(evidence_); }

 private:
  static PeopleSet Before(const PersonHistory& history, absl::Time start) {
    PeopleSet people;
    people.by_ordinal[history.who] =
        PersonBefore(history.people.by_ordinal.at(history.who), history.entries, start);
    return people;
  }

  void Judge(absl::Time at) {
    stage_.LookAgain(at, sources_, logs_);
    Settle(at);
  }

  void Settle(absl::Time at) {
    last_ = at;
    Record(stage_.Judge(at));
    Record(stage_.CarryOut(at));
  }

  void Record(std::vector<EvidenceEntry> entries) {
    for (EvidenceEntry& entry : entries) {
      const auto kind = KindOf(entry);
      if (kind && !IsReplayed(*kind)) continue;
      if (kind || entry.type == "action_verified") evidence_.push_back(std::move(entry));
    }
  }

  const Policy& policy_;
  Rehearsal stage_;
  std::set<SourceName> sources_;
  std::set<TenantLog> logs_;
  std::vector<EvidenceEntry> evidence_;
  absl::Time last_;
  int steps_ = 0;
};

}  // namespace

bool IsReplayed(DriftKind kind) {
  switch (kind) {
    case DriftKind::kDisableLag:
    case DriftKind::kTokenNotRevoked:
    case DriftKind::kCloudReenabled:
    case DriftKind::kDeletedLive:
    case DriftKind::kSignInAfterDisable:
    case DriftKind::kNeverSynced:
    case DriftKind::kScopeExit:
    case DriftKind::kSoftDeletedRestored:
      return true;
    default:
      return false;
  }
}

std::optional<std::string> WhyNotReplayed(const PersonHistory& history, const Policy& policy) {
  const auto found = history.people.by_ordinal.find(history.who);
  if (found == history.people.by_ordinal.end()) return "joined_with_another_person";
  const Person& person = found->second;
  if (!person.facts.entra || person.facts.ad.empty()) return "no_account_on_one_side";
  if (GradeOf(person.facts) == IdentityGrade::kConflict) return "identity_conflict";
  const bool classed = ClassOf(person, policy) != PersonClass::kNone;
  if (classed || person.memory.exemption) return "exempt_now";
  if (history.entries.empty() || history.entries.front().at > history.oldest_episode) {
    return "evidence_expired";
  }
  for (const EvidenceEntry& entry : history.entries) {
    if (entry.type == "rejoined") return "joined_with_another_person";
    const std::string id = DetailOf(entry, "entra_id");
    if (!id.empty() && IsFact(entry) && id != person.facts.entra->id) {
      return "another_account_now";
    }
    const std::string guid = DetailOf(entry, "object_guid");
    if (guid.empty() || !IsFact(entry)) continue;
    const auto& ad = person.facts.ad;
    const bool known = std::any_of(ad.begin(), ad.end(), [&](const AdHalf& half) {
      return half.object_guid.ToString() == guid;
    });
    if (!known) return "another_account_now";
  }
  return std::nullopt;
}

std::optional<ReplayOutcome> ReplayPerson(const PersonHistory& history, const LinkState& link,
                                          const Policy& policy, const ReplayWindow& window) {
  const auto& entries = history.entries;
  const absl::Time start = entries.empty() ? window.from : entries.front().at - kBefore;
  Player player(history, link, policy, start);
  absl::Time accepted = link.baseline_accepted.value_or(absl::InfiniteFuture());
  const auto accept_before = [&](absl::Time at) {
    if (accepted > at || accepted < start) return true;
    if (!player.RunUntil(accepted)) return false;
    player.AcceptBaseline(accepted);
    accepted = absl::InfiniteFuture();
    return true;
  };
  for (size_t i = 0; i < entries.size();) {
    const absl::Time at = entries[i].at;
    if (at > window.to) break;
    std::vector<const EvidenceEntry*> facts;
    for (; i < entries.size() && entries[i].at == at; ++i) {
      if (IsFact(entries[i])) facts.push_back(&entries[i]);
    }
    if (!accept_before(at) || !player.RunUntil(at)) return std::nullopt;
    if (!facts.empty()) player.Take(facts);
  }
  if (!accept_before(window.to) || !player.RunUntil(window.to)) return std::nullopt;
  std::vector<EvidenceEntry> told = player.TakeEvidence();
  bool expired = false;
  for (const EvidenceEntry& entry : entries) {
    const auto kind = KindOf(entry);
    if (kind == DriftKind::kAccountExpiredLive) expired = entry.type != "drift_cleared";
    const bool acted = expired && entry.type == "action_verified";
    if (acted || (kind && !IsReplayed(*kind))) told.push_back(entry);
  }
  std::stable_sort(told.begin(), told.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return OutcomeOf(told, window);
}

bool ReplayCandidate::Empty() const {
  return !warn_after && !revoke_after && !breach_after && !settle && !mode;
}

StatusOr<Policy> WithCandidate(const Policy& policy, const ReplayCandidate& candidate) {
  Policy out = policy;
  const auto tier = std::find_if(out.tiers.begin(), out.tiers.end(), [&](const TierPolicy& known) {
    return known.name == candidate.tier;
  });
  if (tier == out.tiers.end()) {
    return InvalidError(Cat("link ", policy.link.value, " has no tier \"",
                            Printable(candidate.tier.value, 60), "\""));
  }
  if (candidate.warn_after) tier->warn_after = candidate.warn_after;
  if (candidate.revoke_after) tier->revoke_after = candidate.revoke_after;
  if (candidate.breach_after) tier->breach_after = candidate.breach_after;
  if (candidate.settle) out.settle = candidate.settle;
  if (candidate.mode) {
    out.remediation.modes.clear();
    out.remediation.mode = *candidate.mode;
  }
  return out;
}

}  // namespace driftwarden::monitor
