#include "monitor/unmanaged.h"

#include <algorithm>
#include <string>

#include "base/strings.h"

namespace driftwarden::monitor {
namespace {

// "corp.example" to "dc=corp,dc=example".
std::string DnOfDomain(std::string_view domain) {
  std::string dn;
  for (const std::string& label : SplitString(ToLowerAscii(domain), '.')) {
    if (label.empty()) return "";
    dn += Cat(dn.empty() ? "" : ",", "dc=", label);
  }
  return dn;
}

const SourceState* StateOfSource(const LinkState& link, const SourceName& name) {
  const auto found = link.sources.find(name);
  return found == link.sources.end() ? nullptr : &found->second;
}

// The source that reads the whole domain, and nothing else does: a domain below it is another
// naming context, which no search of this one returns.
const SourceState* ReaderOf(std::string_view domain, const LinkState& link, const Policy& policy) {
  const std::string dn = DnOfDomain(domain);
  if (dn.empty()) return nullptr;
  for (const SourceName& name : policy.ad_sources) {
    const SourceState* const source = StateOfSource(link, name);
    if (source != nullptr && source->base_dn == dn) return source;
  }
  return nullptr;
}

// There was no AD account of theirs when both sides were read for the first time.
bool WasSoBeforeUs(const Facts& facts, const LinkState& link) {
  return facts.ad.empty() && facts.entra->baseline_seen && link.baseline_at &&
         facts.entra->first_seen <= *link.baseline_at;
}

// Left of a synced account; an anchor is also what federation without a directory writes.
bool HasTraces(const EntraHalf& entra) {
  return entra.ever_synced == Tri::kYes || !entra.immutable_id.empty() ||
         !entra.on_premises_sid.bytes.empty() || !entra.on_premises_domain.empty();
}

absl::Time TombstoneSeen(const Facts& facts) {
  absl::Time seen = absl::InfinitePast();
  for (const AdHalf& half : facts.ad) seen = std::max(seen, half.deleted_seen);
  return seen;
}

}  // namespace

std::string_view UnmanagedKindText(UnmanagedKind kind) {
  switch (kind) {
    case UnmanagedKind::kOrphanSynced:
      return "orphan_synced";
    case UnmanagedKind::kCloudOnlyUnmanaged:
      return "cloud_only_unmanaged";
    case UnmanagedKind::kFormerlySyncedLive:
      return "formerly_synced_live";
    case UnmanagedKind::kUpnDrift:
      return "upn_drift";
  }
  return "unknown";
}

std::optional<UnmanagedKind> ParseUnmanagedKind(std::string_view text) {
  for (const UnmanagedKind kind : kAllUnmanagedKinds) {
    if (UnmanagedKindText(kind) == text) return kind;
  }
  return std::nullopt;
}

bool BothSidesRead(const LinkState& link, const Policy& policy) {
  const auto complete = [&](const SourceName& name) {
    const SourceState* const source = StateOfSource(link, name);
    return source != nullptr && source->snapshot_complete;
  };
  return complete(policy.entra_source) &&
         std::all_of(policy.ad_sources.begin(), policy.ad_sources.end(), complete);
}

bool HasAdObject(const Facts& facts) {
  return std::any_of(facts.ad.begin(), facts.ad.end(),
                     [](const AdHalf& half) { return !half.deleted; });
}

bool LooksOrphaned(const Facts& facts, const LinkState& link, const Policy& policy) {
  if (!facts.entra || facts.EntraGone() || facts.entra->sync_enabled != Tri::kYes) return false;
  if (HasAdObject(facts) || (!facts.ad.empty() && facts.EntraLive())) return false;
  return ReaderOf(facts.entra->on_premises_domain, link, policy) != nullptr;
}

absl::Time OrphanedFrom(const Facts& facts, const LinkState& link, const Policy& policy) {
  if (WasSoBeforeUs(facts, link)) return absl::InfinitePast();
  // A new account may be one that our controller has not heard of, and one whose AD account was
  // deleted waits for the sync engine.
  return std::max(facts.entra->first_seen, TombstoneSeen(facts)) + 2 * CycleOf(policy, link);
}

bool IsOrphaned(const Facts& facts, const LinkState& link, const Policy& policy, absl::Time now) {
  if (!LooksOrphaned(facts, link, policy) || !BothSidesRead(link, policy)) return false;
  const absl::Time from = OrphanedFrom(facts, link, policy);
  if (now < from) return false;
  const SourceState& ad = *ReaderOf(facts.entra->on_premises_domain, link, policy);
  const SourceState& entra = *StateOfSource(link, policy.entra_source);
  return !ad.snapshot_running && ad.last_complete_begin >= from &&
         entra.last_complete_begin >= from;
}

bool UpnsDiffer(const Facts& facts) {
  const AdHalf* const ad = facts.DecidingAd();
  if (ad == nullptr || !facts.entra || facts.EntraGone()) return false;
  if (Departed(*ad) || ad->scope != ScopeState::kIn) return false;
  const std::string& theirs = facts.entra->upn;
  return !ad->upn.empty() && !theirs.empty() && !EqualsIgnoreCase(ad->upn, theirs);
}

std::optional<Unmanaged> UnmanagedAs(const Person& person, const LinkState& link,
                                     const Policy& policy, absl::Time now) {
  const Facts& facts = person.facts;
  if (!facts.entra || facts.EntraGone() || !BothSidesRead(link, policy)) return std::nullopt;
  const EntraHalf& entra = *facts.entra;
  if (HasAdObject(facts)) {
    if (!UpnsDiffer(facts)) return std::nullopt;
    return Unmanaged{UnmanagedKind::kUpnDrift,
                     person.memory.upn_differs_since.value_or(absl::InfinitePast())};
  }
  if (IsOrphaned(facts, link, policy, now)) {
    return Unmanaged{UnmanagedKind::kOrphanSynced,
                     std::max(entra.first_seen, TombstoneSeen(facts))};
  }
  if (entra.sync_enabled == Tri::kYes || !facts.EntraLive()) return std::nullopt;
  if (HasTraces(entra)) {
    if (entra.sync_enabled != Tri::kNo) return std::nullopt;
    return Unmanaged{UnmanagedKind::kFormerlySyncedLive, entra.sync_since};
  }
  // The change feed leaves out what an account never had: of one that was never synced it says
  // nothing of it at all.
  if (entra.guest == Tri::kYes) return std::nullopt;
  return Unmanaged{UnmanagedKind::kCloudOnlyUnmanaged, entra.first_seen};
}

}  // namespace driftwarden::monitor
