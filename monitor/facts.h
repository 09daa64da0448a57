#pragma once

// What is known of one person on both sides: merged observations, nothing derived from policy.
// Each half remembers in which interval of time its present value became true.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "monitor/log_facts.h"
#include "monitor/observation.h"
#include "monitor/tenant.h"

namespace driftwarden::monitor {

enum class Tri : uint8_t { kUnknown = 0, kNo = 1, kYes = 2 };
inline Tri ToTri(bool v) {
  return v ? Tri::kYes : Tri::kNo;
}

// Where an account stands to the configured scope of its source. Numbers reach the disk.
enum class ScopeState : uint8_t {
  kIn = 0,
  kLeft = 1,   // it was in scope when we knew it: its departure still counts
  kNever = 2,  // out of scope as long as we know it: it decides nothing
};

// One AD account.
struct AdHalf {
  SourceName source;
  Guid object_guid;
  Sid sid;                       // empty when not read
  std::vector<Sid> sid_history;  // of domains the account was in before
  std::string sam_account_name;
  std::string upn;
  std::string dn;
  std::string display_name;
  std::string consistency_guid;  // raw bytes, empty when there is none or not read
  bool admin_count = false;
  uint32_t user_account_control = 0;
  Tri disabled = Tri::kUnknown;
  TimeBounds disabled_since;                        // meaningful when disabled == kYes
  absl::Time disabled_seen = absl::InfinitePast();  // our first look that showed this disable
  absl::Time enabled_seen = absl::InfinitePast();   // our last look that showed it enabled
  bool deleted = false;
  TimeBounds deleted_since;
  absl::Time deleted_seen = absl::InfinitePast();
  absl::Time account_expires = absl::InfiniteFuture();
  std::optional<MetadataStamp> uac_stamp;
  std::optional<MetadataStamp> deleted_stamp;
  TimeBounds last_look;
  uint64_t usn_changed = 0;
  bool time_uncertain = false;  // disabled_since is wider than two polls: paging counts from hi
  // Disabled or deleted already when this source (or the other side) was read for the first time,
  // and ever since. Falls when the account is seen enabled.
  bool baseline_departed = false;
  std::string mail;
  uint64_t recipient_type = 0;  // msExchRecipientTypeDetails
  ScopeState scope = ScopeState::kIn;
  TimeBounds scope_since;                          // when it left; meaningful when kLeft
  std::vector<std::string> groups;                 // tier groups, as AdView
  KeptAttributes attributes;                       // as AdView
  absl::Time password_set = absl::InfinitePast();  // as AdView
  std::optional<MetadataStamp> password_stamp;
  std::optional<MetadataStamp> expires_stamp;
  // Of the last look that was kept (last_look); a change of them alone is none.
  absl::Time locked_at = absl::InfinitePast();
  absl::Time when_changed = absl::InfinitePast();
  friend bool operator==(const AdHalf&, const AdHalf&) = default;
};

// The mailbox of a room, of equipment or of many, or the stand-in of an account of another forest:
// disabled from its creation, and no departure of anybody.
bool IsMailboxStub(const AdHalf& half);
// Disabled or deleted: what "AD disabled" means everywhere in the model.
bool Departed(const AdHalf& half);
// In which interval it became so: the disable, else the deletion. Meaningful when Departed().
TimeBounds DepartedSince(const AdHalf& half);
// Our first look that showed this departure.
absl::Time DepartureSeen(const AdHalf& half);

// One Entra account.
struct EntraHalf {
  SourceName source;
  std::string id;
  std::string upn;
  std::string display_name;
  std::string sam_account_name;
  Anchor immutable_id;
  Sid on_premises_sid;
  Tri sync_enabled = Tri::kUnknown;
  Tri enabled = Tri::kUnknown;
  TimeBounds disabled_since;                       // meaningful when enabled == kNo
  absl::Time enabled_seen = absl::InfinitePast();  // our last look that showed it enabled
  TimeBounds enabled_since;  // when it was last seen to turn from disabled to enabled
  EntraDeletion deletion = EntraDeletion::kLive;
  TimeBounds deleted_since;
  std::optional<SessionsValidFrom> sessions_valid_from;  // nullopt: unknown
  TimeBounds last_look;
  TimeBounds last_direct_look;
  bool needs_direct_read = false;  // a feed value contradicted a direct read: the next one decides
  TimeBounds restored_since;       // when it last came back from deletion: the seal is needed anew
  // The first direct look (its end) that showed the account live since it last was not: a second
  // one, a minute later, confirms a regression. InfinitePast: none yet.
  absl::Time live_direct_first = absl::InfinitePast();
  // Seen before the baseline and not turned back on since.
  bool baseline_seen = false;
  // What the tenant tells apart from the account itself (TenantLook).
  std::vector<std::string> roles;  // that tiers name, as they name them; sorted
  std::optional<ProvisioningError> provisioning_error;
  Tri cloud_managed = Tri::kUnknown;  // handed over to the cloud: AD's disables never flow
  AccountLogs logs;
  std::string on_premises_domain;  // as EntraView; empty: there is none, or it was not read
  Tri ever_synced = Tri::kUnknown;
  Tri guest = Tri::kUnknown;
  // Our first look at the account, and the one that showed `sync_enabled` as it is. InfinitePast:
  // before either was kept.
  absl::Time first_seen = absl::InfinitePast();
  absl::Time sync_since = absl::InfinitePast();
  friend bool operator==(const EntraHalf&, const EntraHalf&) = default;
};

// A revocation that is attributed: our own verified call (audit records join later).
struct Revocation {
  TimeBounds called;               // our clock: call begun, answer there
  absl::Time sessions_valid_from;  // the value read back, the tenant's clock
  absl::Time verified_at;          // our clock
  ActionId action;
  bool by_driftwarden = true;
  friend bool operator==(const Revocation&, const Revocation&) = default;
};

enum class IdentityGrade : uint8_t { kNone = 0, kAnchor = 1, kStrong = 2, kConflict = 3 };

// One person of one link. Several AD accounts can stand behind one person; the one that decides is
// DecidingAd(): an enabled one wins over a disabled one, as it does in the sync engine; one that
// was never in scope decides nothing.
struct Facts {
  Anchor anchor;
  std::vector<AdHalf> ad;
  std::optional<EntraHalf> entra;
  std::optional<Revocation> last_revocation;
  // Another person of the link whose Entra account carries the same anchor: nobody can tell which
  // of the two is meant. Set on both; the engine loads the other whenever it loads one.
  std::optional<PersonOrdinal> conflicts_with;
  // Anchor and SID disagree since; confirmed after two cycles, until then SIDs may be in flight.
  std::optional<absl::Time> sid_mismatch_since;
  bool sid_mismatch_confirmed = false;

  const AdHalf* DecidingAd() const;  // null when there is none
  bool EntraLive() const;            // there, not deleted, enabled
  bool EntraGone() const;            // soft or hard deleted
  bool Linked() const { return DecidingAd() != nullptr && entra.has_value(); }
  friend bool operator==(const Facts&, const Facts&) = default;
};

// The anchor an AD account stands for: mS-DS-ConsistencyGuid, else objectGUID.
Anchor AnchorOf(const AdHalf& half);
// Every anchor by which a person is to be found: of each half, and the person's own. Sorted,
// unique. None for a deleted Entra account on its own.
std::vector<Anchor> AnchorsOf(const Facts& facts);

// Entra shows the SID of one of the person's AD accounts, now or in a domain it was in before
// (sIDHistory). False when either side's is not known.
bool SidAgrees(const Facts& facts);
// Agreement of anchor and SID between the halves.
IdentityGrade GradeOf(const Facts& facts);

struct MergeResult {
  bool changed = false;    // a watched property changed
  bool unwatched = false;  // delivered, but nothing we watch changed
  bool replay = false;     // older than what is known: ignored
  // Timeline types of what changed, e.g. "ad_disabled" (contract, section HTTP).
  std::vector<std::string> events;
};

// Merges one look into a half. Idempotent; order-independent by metadata stamp (AD) and by look
// kind and time (Entra). `poll_interval`: the source's, for time_uncertain. `complete_until`: the
// begin of the source's last complete read; what it did not bring was unchanged then.
MergeResult MergeAd(AdHalf& half, const AdView& view, const Look& look,
                    absl::Duration poll_interval, absl::Time complete_until = absl::InfinitePast());
// The source that showed this account is not read any more (it has another name in the
// configuration, say), and this look found it in the same domain: it is that source's from now on.
void AdoptSource(AdHalf& half, const AdView& view, const Look& look);
// Nothing differs but when and at which USN it was seen: not worth a write while it is enabled.
bool OnlyLookedAt(const AdHalf& before, const AdHalf& after);
MergeResult MergeEntra(EntraHalf& half, const EntraView& view, const Look& look);

}  // namespace driftwarden::monitor
