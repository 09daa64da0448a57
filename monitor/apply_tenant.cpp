// What the tenant says of itself becomes part of the link, and of the people whom it is about.

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/attribution.h"
#include "monitor/settle.h"
#include "monitor/transaction.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Duration kCycleChangesAtMostEvery = absl::Hours(1);
// A time of the future is a clock's mistake, or a trap: it would hide every sync to come.
constexpr absl::Duration kFutureSlack = absl::Minutes(5);

std::optional<absl::Time> Later(std::optional<absl::Time> a, std::optional<absl::Time> b) {
  if (!a || !b) return a ? a : b;
  return std::max(*a, *b);
}

// The latest of what Cloud Sync's jobs did; the organization's own time may not tell of them.
std::optional<absl::Time> LastSuccess(const std::vector<SyncJob>& jobs) {
  std::optional<absl::Time> last;
  for (const SyncJob& job : jobs) {
    if (job.last_success != absl::InfinitePast()) last = Later(last, job.last_success);
  }
  return last;
}

void NoteSync(Transaction& tx, const TenantLook& look) {
  LinkState& link = tx.link();
  std::optional<absl::Time> at;
  if (look.organization) at = look.organization->last_sync;
  if (look.jobs) at = Later(at, LastSuccess(*look.jobs));
  if (!at || *at > tx.now() + LogSkew(tx.policy(), link) + kFutureSlack) return;
  link.causes.tenant_read = tx.now();
  if (link.engine_last_sync && *at <= *link.engine_last_sync) return;
  if (link.engine_last_sync && look.watched) {
    std::vector<absl::Duration>& gaps = link.tenant.cycle_gaps;
    gaps.push_back(*at - *link.engine_last_sync);
    if (gaps.size() > kCycleGaps) gaps.erase(gaps.begin());
  }
  link.causes.previous_sync = link.engine_last_sync;
  link.engine_last_sync = at;
}

void LearnCycle(Transaction& tx) {
  LinkState& link = tx.link();
  const absl::Duration cycle = CycleFrom(link.tenant.cycle_gaps);
  if (cycle == absl::ZeroDuration() || cycle == link.learned_cycle) return;
  if (tx.now() - link.tenant.cycle_set < kCycleChangesAtMostEvery) return;
  EvidenceEntry entry;
  entry.type = "cycle_learned";
  entry.details["from"] = FormatDurationText(link.learned_cycle);
  entry.details["to"] = FormatDurationText(cycle);
  link.learned_cycle = cycle;
  link.tenant.cycle_set = tx.now();
  tx.Record(std::move(entry));
}

std::string Text(const std::optional<bool>& value) {
  return !value ? "unknown" : *value ? "yes" : "no";
}

std::string Text(const std::optional<DeletionGuard>& guard) {
  return guard ? Cat(guard->type, ' ', guard->threshold) : "unknown";
}

std::string Text(const std::optional<TokenPolicies>& policies) {
  if (!policies) return "unknown";
  if (policies->longest == absl::ZeroDuration()) return "none";
  return Cat(FormatDurationText(policies->longest), policies->for_all ? " for all" : " for some");
}

std::string QuarantineText(const std::optional<std::vector<SyncJob>>& jobs) {
  std::string text;
  if (!jobs) return "unknown";
  for (const SyncJob& job : *jobs) {
    text += Cat(text.empty() ? "" : ", ", job.id, ' ', job.code,
                job.quarantine_reason.empty() ? "" : " ", job.quarantine_reason);
  }
  return text;
}

std::string ActorsText(const std::vector<SyncActor>& actors) {
  std::string text;
  for (const SyncActor& actor : actors) text += Cat(text.empty() ? "" : ", ", actor.id);
  return text;
}

// Each part that differs, as evidence: later somebody asks why a threshold was what it was.
void RecordTenant(Transaction& tx, const TenantFacts& before, const TenantFacts& after) {
  std::map<std::string, std::string> details;
  const auto note = [&](const char* name, const std::string& from, const std::string& to) {
    if (from != to) details[name] = Cat(from, " -> ", to);
  };
  note("sync_enabled", Text(before.sync_enabled), Text(after.sync_enabled));
  note("password_sync", Text(before.password_sync), Text(after.password_sync));
  note("deletion_guard", Text(before.deletion_guard), Text(after.deletion_guard));
  note("jobs", QuarantineText(before.jobs), QuarantineText(after.jobs));
  note("sync_actors", ActorsText(before.actors), ActorsText(after.actors));
  const auto domains = [](const TenantFacts& facts) {
    return facts.federated_domains ? JoinStrings(*facts.federated_domains, ",") : "unknown";
  };
  note("federated_domains", domains(before), domains(after));
  const auto access = [](const TenantFacts& facts) {
    return facts.conditional_access ? Cat(*facts.conditional_access) : std::string("unknown");
  };
  note("conditional_access", access(before), access(after));
  note("token_policies", Text(before.token_policies), Text(after.token_policies));
  if (details.empty()) return;
  EvidenceEntry entry;
  entry.type = "tenant_changed";
  entry.source = tx.policy().entra_source.value;
  entry.fact = TimeBounds::Exactly(tx.now());
  entry.details = std::move(details);
  tx.Record(std::move(entry));
}

void TakeParts(TenantFacts& facts, const TenantLook& look) {
  if (look.organization && look.organization->sync_enabled) {
    facts.sync_enabled = look.organization->sync_enabled;
  }
  if (look.synchronization) {
    if (look.synchronization->password_sync) {
      facts.password_sync = look.synchronization->password_sync;
    }
    if (look.synchronization->deletion_guard) {
      facts.deletion_guard = look.synchronization->deletion_guard;
    }
  }
  if (look.federated_domains) facts.federated_domains = look.federated_domains;
  if (look.jobs) facts.jobs = look.jobs;
  if (look.conditional_access) facts.conditional_access = look.conditional_access;
  if (look.token_policies) facts.token_policies = look.token_policies;
  for (const auto& [via, actors] : look.actors) {
    std::erase_if(facts.actors, [&](const SyncActor& actor) { return actor.via == via; });
    facts.actors.insert(facts.actors.end(), actors.begin(), actors.end());
  }
  std::sort(facts.actors.begin(), facts.actors.end(), [](const auto& a, const auto& b) {
    return std::tie(a.via, a.id) < std::tie(b.via, b.id);
  });
}

void RecordAbout(Transaction& tx, PersonOrdinal ordinal, const char* type,
                 std::map<std::string, std::string> details) {
  EvidenceEntry entry = EvidenceAbout(*tx.Find(ordinal), type);
  entry.source = tx.policy().entra_source.value;
  entry.fact = TimeBounds::Exactly(tx.now());
  entry.details = std::move(details);
  tx.Record(std::move(entry));
}

EntraHalf& Change(Transaction& tx, const Person* person) {
  return *tx.Touch(person->ordinal).facts.entra;
}

// Whose account this is; null when nobody is known by it.
const Person* FindOwner(Transaction& tx, const std::string& id) {
  const Person* person = tx.FindByEntraId(id);
  const bool owns = person != nullptr && person->facts.entra && person->facts.entra->id == id;
  return owns ? person : nullptr;
}

void SetRoles(Transaction& tx, const std::string& id, std::vector<std::string> roles) {
  std::sort(roles.begin(), roles.end());
  const Person* person = FindOwner(tx, id);
  if (person == nullptr || person->facts.entra->roles == roles) return;
  const PersonOrdinal ordinal = person->ordinal;
  const std::string before = JoinStrings(person->facts.entra->roles, ", ");
  const std::string after = JoinStrings(roles, ", ");
  Change(tx, person).roles = std::move(roles);
  RecordAbout(tx, ordinal, "entra_roles_changed", {{"from", before}, {"to", after}});
}

void SetError(Transaction& tx, const std::string& id, std::optional<ProvisioningError> error) {
  const Person* person = FindOwner(tx, id);
  if (person == nullptr || person->facts.entra->provisioning_error == error) return;
  const PersonOrdinal ordinal = person->ordinal;
  std::map<std::string, std::string> details;
  if (error) details = {{"category", error->category}, {"property", error->property}};
  const char* type = error ? "provisioning_failed" : "provisioning_recovered";
  Change(tx, person).provisioning_error = std::move(error);
  RecordAbout(tx, ordinal, type, std::move(details));
}

void SetCloudManaged(Transaction& tx, const std::string& id, bool managed) {
  const Person* person = FindOwner(tx, id);
  if (person == nullptr || person->facts.entra->cloud_managed == ToTri(managed)) return;
  const PersonOrdinal ordinal = person->ordinal;
  const bool told = managed || person->facts.entra->cloud_managed == Tri::kYes;
  Change(tx, person).cloud_managed = ToTri(managed);
  if (!told) return;  // what everybody is until somebody decides otherwise
  RecordAbout(tx, ordinal, "source_of_authority",
              {{"managed_by", managed ? "cloud" : "directory"}});
}

template <typename T>
std::vector<std::string> KeysOf(const std::map<std::string, T>& map) {
  std::vector<std::string> keys;
  for (const auto& entry : map) keys.push_back(entry.first);
  return keys;
}

void TakePeople(Transaction& tx, const TenantLook& look) {
  TenantFacts& tenant = tx.link().tenant;
  if (look.roles) {
    std::vector<std::string> holders = KeysOf(*look.roles);
    for (const std::string& id : tenant.role_holders) {
      if (look.roles->contains(id)) continue;
      if (look.roles_complete) SetRoles(tx, id, {});
      if (!look.roles_complete) holders.push_back(id);
    }
    for (const auto& [id, roles] : *look.roles) SetRoles(tx, id, roles);
    std::sort(holders.begin(), holders.end());
    tenant.role_holders = std::move(holders);
  }
  if (look.provisioning_errors) {
    for (const std::string& id : tenant.with_errors) {
      if (!look.provisioning_errors->contains(id)) SetError(tx, id, std::nullopt);
    }
    for (const auto& [id, error] : *look.provisioning_errors) SetError(tx, id, error);
    tenant.with_errors = KeysOf(*look.provisioning_errors);
  }
  for (const auto& [id, managed] : look.cloud_managed) SetCloudManaged(tx, id, managed);
}

}  // namespace

std::string_view ActorViaText(ActorVia via) {
  switch (via) {
    case ActorVia::kRole:
      return "role";
    case ActorVia::kPermission:
      return "permission";
    case ActorVia::kCloudSync:
      return "cloud_sync";
    case ActorVia::kService:
      return "service";
    case ActorVia::kConfigured:
      return "configured";
  }
  return "unknown";
}

absl::Duration CycleFrom(const std::vector<absl::Duration>& gaps) {
  if (gaps.size() < kLeastCycleGaps) return absl::ZeroDuration();
  std::vector<absl::Duration> sorted = gaps;
  std::sort(sorted.begin(), sorted.end());
  const size_t rank = (sorted.size() * 95 + 99) / 100;  // the nearest rank, from 1
  const double minutes = std::round(absl::ToDoubleMinutes(sorted[rank - 1]));
  return absl::Minutes(std::max(1.0, minutes));
}

std::vector<std::string> TenantKeysOf(const LinkState& link, const TenantLook& look) {
  std::set<std::string> keys;
  const auto add = [&keys](const std::vector<std::string>& more) {
    keys.insert(more.begin(), more.end());
  };
  if (look.roles) {
    add(link.tenant.role_holders);
    add(KeysOf(*look.roles));
  }
  if (look.provisioning_errors) {
    add(link.tenant.with_errors);
    add(KeysOf(*look.provisioning_errors));
  }
  add(KeysOf(look.cloud_managed));
  return {keys.begin(), keys.end()};
}

Changes ApplyTenant(const Context& context, PeopleSet people, const TenantLook& look) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({look.batch, {}});
  const TenantFacts before = tx.link().tenant;
  TakeParts(tx.link().tenant, look);
  NoteSync(tx, look);
  LearnCycle(tx);
  RecordTenant(tx, before, tx.link().tenant);
  TakePeople(tx, look);
  const std::set<PersonOrdinal> touched = tx.touched();
  for (const PersonOrdinal person : touched) SettlePerson(tx, person, !tx.link().baseline_at);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
