#pragma once

// Accounts that AD does not manage, or not by the name they have: what `report unmanaged` lists.
// One of the kinds, orphan_synced, is a kind of drift as well. Pure.

#include <optional>
#include <string_view>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

enum class UnmanagedKind : uint8_t {
  kOrphanSynced = 1,        // synced, and no AD object stands behind it
  kCloudOnlyUnmanaged = 2,  // an enabled member that is not synced and never was
  kFormerlySyncedLive = 3,  // enabled, no longer synced, and no AD object stands behind it
  kUpnDrift = 4,            // both sides name it differently
};
constexpr UnmanagedKind kAllUnmanagedKinds[] = {
    UnmanagedKind::kOrphanSynced, UnmanagedKind::kCloudOnlyUnmanaged,
    UnmanagedKind::kFormerlySyncedLive, UnmanagedKind::kUpnDrift};
std::string_view UnmanagedKindText(UnmanagedKind kind);  // "orphan_synced"
std::optional<UnmanagedKind> ParseUnmanagedKind(std::string_view text);

// Every source of the link was read completely at least once.
bool BothSidesRead(const LinkState& link, const Policy& policy);
// An account that is there, in scope or not.
bool HasAdObject(const Facts& facts);
// Synced from a domain that is all below a base of the link's, there in Entra, and no AD object
// stands behind it; who left with a tombstone and is enabled still is no orphan but deleted_live.
// However short it is so, and whether or not that base was read completely yet.
bool LooksOrphaned(const Facts& facts, const LinkState& link, const Policy& policy);
// ... and both sides were read completely when an account that is only on its way would have been
// seen: from then on it is an orphan. InfinitePast: before us.
bool IsOrphaned(const Facts& facts, const LinkState& link, const Policy& policy, absl::Time now);
// The earliest moment at which IsOrphaned can be so of somebody who looks orphaned.
absl::Time OrphanedFrom(const Facts& facts, const LinkState& link, const Policy& policy);
// The names differ, in more than case, of somebody who is there on both sides.
bool UpnsDiffer(const Facts& facts);

struct Unmanaged {
  UnmanagedKind kind = UnmanagedKind::kOrphanSynced;
  absl::Time since = absl::InfinitePast();  // as we saw it; InfinitePast: not known
};
// What the person is listed as. Nothing while BothSidesRead is not so.
std::optional<Unmanaged> UnmanagedAs(const Person& person, const LinkState& link,
                                     const Policy& policy, absl::Time now);

}  // namespace driftwarden::monitor
