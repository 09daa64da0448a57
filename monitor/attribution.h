#pragma once

// Who did what to an account, by its tenant's logs: what an actor is to us, when exactly a change
// that looks only bound took place, and which revocations are somebody's and not the by-product of
// a password change. A record never changes what an account is; looks at it do.

#include <optional>
#include <string>
#include <vector>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

enum class ActorKind : uint8_t {
  kUnknown = 0,  // never "somebody else"
  kSync = 1,
  kDriftwarden = 2,
  kUser = 3,
  kApplication = 4,
};
std::string_view ActorKindText(ActorKind kind);  // "sync"
ActorKind ActorOf(const AuditRecord& record, const Policy& policy, const LinkState& link);

// By how much a time of the tenant's logs may differ from ours: its clock's offset, in whole
// seconds.
absl::Duration LogSkew(const Policy& policy, const LinkState& link);

// Narrows disabled_since, enabled_since and deleted_since to what a record of the change says,
// never beyond what looks showed. Call it whenever looks or records changed.
void NarrowByAudits(EntraHalf& half, absl::Duration skew);
// The record that tells when the account became disabled; null when none does.
const AuditRecord* DisableRecord(const EntraHalf& half, absl::Duration skew);
// The same for a present deletion.
const AuditRecord* DeleteRecord(const EntraHalf& half, absl::Duration skew);
// The latest record says otherwise than the looks, and no look of the better kind is later: a
// direct one is due.
bool AuditsContradict(const EntraHalf& half, absl::Duration skew);
// A record shows that the account was enabled or restored when it was last out, and nothing since.
bool AuditConfirmsReturn(const EntraHalf& half, absl::Duration skew);

// When somebody else revoked the sessions, the tenant's clock, earliest first. Not: what the sync
// engine did, our own calls, and what came within seconds of a password change by the same hand,
// which leaves some kinds of tokens alive (a partial revocation: it neither contains nor seals).
std::vector<const AuditRecord*> RevocationsByOthers(const Facts& facts, const Policy& policy,
                                                    const LinkState& link);

// The latest attributed revocation that began at or after the given moment. Our own ones are
// compared by `own`, others' (widened by `skew`) by `other`; where `other_record` is a record of
// the same log, by its time as it stands.
std::optional<TimeBounds> LatestRevocation(const Facts& facts,
                                           const std::vector<const AuditRecord*>& others,
                                           absl::Duration skew, absl::Time own, absl::Time other,
                                           const AuditRecord* other_record = nullptr);

}  // namespace driftwarden::monitor
