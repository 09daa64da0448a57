#pragma once

// What a watcher hands to the core: "source S saw properties P of object O, within T". A property
// that was not returned is std::nullopt: absent is unknown, never false.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "monitor/ids.h"

namespace driftwarden::monitor {

// One attribute's stamp in the replication metadata (MS-ADTS replPropertyMetaData). Replication
// does not change it. Times are the originating DC's clock in whole seconds. The greater of
// (version, time, invocation id) wins, as in the directory's own conflict resolution.
struct MetadataStamp {
  uint32_t version = 0;
  absl::Time originating_time = absl::InfinitePast();
  Guid invocation_id;
  uint64_t originating_usn = 0;
  friend bool operator==(const MetadataStamp&, const MetadataStamp&) = default;
};
// Negative, zero or positive like strcmp, by (version, time, invocation id).
int CompareStamps(const MetadataStamp& a, const MetadataStamp& b);

// How an account was looked at. A direct read outranks a page of a change feed.
enum class LookKind : uint8_t { kFeed = 1, kDirect = 2 };

struct Look {
  SourceName source;
  TimeBounds at;  // the request was sent at lo, the answer was complete at hi; our clock
  LookKind kind = LookKind::kFeed;
  // AD: every look since then was at the same copy of the directory, earlier ones may have been at
  // another. InfiniteFuture: at one that nobody else looks at.
  absl::Time one_copy_since = absl::InfinitePast();
};

// Attributes that the configuration asks for, by name in lower case; printable, bounded.
using KeptAttributes = std::map<std::string, std::vector<std::string>>;

// One AD account as one look showed it.
struct AdView {
  Guid object_guid;
  // Tells of groups and nothing else: it makes nobody known, and proves nothing of the account.
  bool partial = false;
  std::optional<Sid> sid;
  std::optional<std::vector<Sid>> sid_history;  // of domains it was in; never empty
  std::optional<std::string> sam_account_name;
  std::optional<std::string> upn;
  std::optional<std::string> dn;
  std::optional<std::string> display_name;
  std::optional<std::string> mail;
  std::optional<std::string> consistency_guid;  // raw bytes; empty: read, and there is none
  std::optional<uint32_t> user_account_control;
  std::optional<bool> admin_count;
  std::optional<absl::Time> account_expires;  // InfiniteFuture: never
  std::optional<absl::Time> password_set;     // pwdLastSet; InfinitePast: never, or must change
  std::optional<absl::Time> locked_at;        // lockoutTime; InfinitePast: not locked
  std::optional<absl::Time> when_changed;     // this controller's own, whole seconds
  std::optional<uint64_t> recipient_type;     // msExchRecipientTypeDetails; 0: no mailbox
  std::optional<bool> deleted;                // true only from a tombstone or recycled object
  std::optional<bool> in_scope;
  std::optional<std::vector<std::string>> groups;  // tier groups it is in, nested; sorted
  std::optional<KeptAttributes> attributes;
  std::optional<MetadataStamp> uac_stamp;
  std::optional<MetadataStamp> deleted_stamp;
  std::optional<MetadataStamp> password_stamp;
  std::optional<MetadataStamp> expires_stamp;
  uint64_t usn_changed = 0;

  std::optional<bool> Disabled() const;  // userAccountControl bit 0x2
};

// signInSessionsValidFromDateTime: a null on a direct read means "never revoked".
struct SessionsValidFrom {
  bool never = false;
  absl::Time at = absl::InfinitePast();  // the tenant's clock
  friend bool operator==(const SessionsValidFrom&, const SessionsValidFrom&) = default;
};

enum class EntraDeletion : uint8_t { kLive = 1, kSoft = 2, kHard = 3 };

// One Entra account as one look showed it. A soft deletion has reason `changed` in the delta feed.
struct EntraView {
  std::string id;
  std::optional<std::string> upn;
  std::optional<std::string> display_name;
  std::optional<std::string> sam_account_name;  // onPremisesSamAccountName
  std::optional<Anchor> immutable_id;
  std::optional<Sid> on_premises_sid;
  std::optional<std::string> on_premises_domain;  // DNS name; empty: read, and there is none
  std::optional<bool> sync_enabled;
  std::optional<bool> ever_synced;  // the tenant says that it is, or was once
  std::optional<bool> guest;
  std::optional<bool> account_enabled;
  std::optional<EntraDeletion> deletion;
  std::optional<SessionsValidFrom> sessions_valid_from;
};

struct Observation {
  Look look;
  std::variant<AdView, EntraView> view;
};

enum class SourceKind : uint8_t { kActiveDirectory = 1, kEntra = 2 };

// Why a source reads everybody. All but the first read are resets: they replace a cursor.
constexpr char kFirstRead[] = "first";
constexpr char kCursorUnreadable[] = "cursor_unreadable";  // of either kind
constexpr char kDcChanged[] = "dc_changed";                // a controller never read before
constexpr char kInvocationId[] = "invocation_id";          // its database was restored
constexpr char kUsnWentBack[] = "usn_went_back";           // its disk was
constexpr char kCookieRejected[] = "cookie_rejected";      // of DirSync
constexpr char kReadingChanged[] = "reading_changed";      // another scope, anchor or attribute
constexpr char kTokenExpired[] = "token_expired";
constexpr char kTokenRefused[] = "token_refused";        // again and again, in no documented way
constexpr char kPagingLoop[] = "paging_loop";            // pages led in a circle, again and again
constexpr char kSelectChanged[] = "select_changed";      // a version that asks for other properties
constexpr char kEndpointChanged[] = "endpoint_changed";  // the configuration names another Graph
// The resets that there are; whoever counts them declares these.
const std::vector<std::string>& ResetReasonsOf(SourceKind kind);

// What one poll (or one page of it) found. A round is many bounded batches; its last one moves the
// cursor, in the same commit as the state it produced. A full read is a round too, perhaps over
// many polls and processes: then each finished part of it moves the cursor, and ordinary rounds may
// be completed beside it.
struct ChangeBatch {
  BatchId id;  // of the round: one for all its batches, and Graph's client-request-id
  SourceName source;
  SourceKind kind = SourceKind::kActiveDirectory;
  uint64_t number = 0;  // rises with every batch of the source in this process
  std::vector<Observation> observations;
  bool in_snapshot = false;     // part of a full read: first sight, resync or reset
  std::string snapshot_reason;  // kFirstRead or one of ResetReasonsOf; empty: no full read
  bool starts_round = false;
  bool completes_round = false;   // the round's last batch: carries `cursor`
  bool resumes_snapshot = false;  // the process's first batch of a full read that began before it
  bool beside_snapshot = false;   // an ordinary round; a full read of the source goes on
  // Opaque to the core. Set when completes_round, and when a part of a full read is finished.
  std::string cursor;
  // AD: what it reads everything below, as NormalDn gives it. Empty: not known.
  std::string base_dn;
  // lo: before the round's first request, on every batch of it; hi: the last answer so far.
  TimeBounds round;
  absl::Duration clock_offset;  // source's clock minus ours, from this round
};

}  // namespace driftwarden::monitor
