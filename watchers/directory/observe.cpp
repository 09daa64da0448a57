#include "watchers/directory/observe.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/replication_metadata.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kMaxName = 1024;
constexpr size_t kMaxDn = 4096;
constexpr size_t kMaxAnchor = 64;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kFiletimePerSecond = 10'000'000;
constexpr int64_t kSecondsFrom1601To1970 = 11'644'473'600;
constexpr int64_t kFiletimeOfYear10000 = 265'046'774'400 * kFiletimePerSecond;

Status Bad(const Entry& entry, std::string_view attribute, std::string_view what) {
  return DataLossError(Cat("attribute ", attribute, " of \"", Printable(entry.dn), "\" ", what));
}

// Absent: nullopt in the result. Many values where the schema has one: DataLoss.
StatusOr<const std::string*> Single(const Entry& entry, std::string_view name) {
  const auto found = entry.attributes.find(name);
  if (found == entry.attributes.end() || found->second.empty()) return nullptr;
  if (found->second.size() != 1) return Bad(entry, name, "has several values");
  return &found->second.front();
}

StatusOr<std::optional<int64_t>> Integer(const Entry& entry, std::string_view name) {
  DW_ASSIGN_OR_RETURN(const std::string* text, Single(entry, name));
  if (text == nullptr) return std::optional<int64_t>();
  const std::optional<int64_t> value = ParseInt64(*text);
  if (!value) return Bad(entry, name, Cat("is not a number: ", Printable(*text, 40)));
  return value;
}

StatusOr<std::optional<uint32_t>> Flags(const Entry& entry, std::string_view name) {
  DW_ASSIGN_OR_RETURN(const std::optional<int64_t> value, Integer(entry, name));
  if (!value) return std::optional<uint32_t>();
  // A 32-bit enumeration, signed on the wire.
  if (*value < std::numeric_limits<int32_t>::min() ||
      *value > std::numeric_limits<uint32_t>::max()) {
    return Bad(entry, name, Cat("is out of range: ", *value));
  }
  return std::optional<uint32_t>(static_cast<uint32_t>(*value));
}

StatusOr<std::optional<bool>> Boolean(const Entry& entry, std::string_view name) {
  DW_ASSIGN_OR_RETURN(const std::string* text, Single(entry, name));
  if (text == nullptr) return std::optional<bool>();
  if (*text == "TRUE") return std::optional<bool>(true);
  if (*text == "FALSE") return std::optional<bool>(false);
  return Bad(entry, name, Cat("is neither TRUE nor FALSE: ", Printable(*text, 40)));
}

std::optional<std::string> Name(const Entry& entry, std::string_view name) {
  const std::string* const raw = entry.First(name);
  if (raw == nullptr) return std::nullopt;
  return Printable(*raw, kMaxName);
}

bool HasClass(const Entry& entry, std::string_view name) {
  const auto found = entry.attributes.find(kObjectClass);
  if (found == entry.attributes.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [name](const std::string& v) { return EqualsIgnoreCase(v, name); });
}

// The classes, types and flags of what is not a person's account.
StatusOr<bool> IsPersonalAccount(const Entry& entry, const monitor::AdView& view) {
  if (entry.attributes.find(kObjectClass) == entry.attributes.end()) {
    return Bad(entry, kObjectClass, "is missing");
  }
  if (!HasClass(entry, "user") || HasClass(entry, "computer") ||
      HasClass(entry, "msDS-GroupManagedServiceAccount") ||
      HasClass(entry, "msDS-ManagedServiceAccount") ||
      HasClass(entry, "msDS-DelegatedManagedServiceAccount")) {
    return false;
  }
  DW_ASSIGN_OR_RETURN(const auto type, Flags(entry, kSamAccountType));
  if (type && *type != kSamUserObject) return false;
  constexpr uint32_t kMachine = kUacInterdomainTrust | kUacWorkstationTrust | kUacServerTrust;
  if (view.user_account_control && (*view.user_account_control & kMachine) != 0) return false;
  DW_ASSIGN_OR_RETURN(const auto critical, Boolean(entry, kIsCriticalSystemObject));
  if (critical.value_or(false)) return false;
  // A read-only controller has a krbtgt_NNNNN of its own, which is not marked as critical.
  const std::string sam = ToLowerAscii(view.sam_account_name.value_or(""));
  return sam != "krbtgt" && sam.rfind("krbtgt_", 0) != 0;
}

Status TakeIdentity(const Entry& entry, monitor::AdView& view) {
  DW_ASSIGN_OR_RETURN(const std::string* guid, Single(entry, kObjectGuid));
  if (guid == nullptr) return Bad(entry, kObjectGuid, "is missing");
  const auto parsed = monitor::Guid::FromBytes(*guid);
  if (!parsed || parsed->IsZero()) return Bad(entry, kObjectGuid, "is no GUID");
  view.object_guid = *parsed;
  DW_ASSIGN_OR_RETURN(const std::string* sid, Single(entry, kObjectSid));
  if (sid != nullptr) {
    view.sid = monitor::Sid::FromBytes(*sid);
    if (!view.sid) return Bad(entry, kObjectSid, "is no SID");
  }
  view.sam_account_name = Name(entry, kSamAccountName);
  view.upn = Name(entry, kUserPrincipalName);
  view.display_name = Name(entry, kDisplayName);
  if (!entry.dn.empty()) view.dn = Printable(entry.dn, kMaxDn);
  return OkStatus();
}

Status TakeExpiry(const Entry& entry, monitor::AdView& view) {
  DW_ASSIGN_OR_RETURN(const auto expires, Integer(entry, kAccountExpires));
  if (!expires) return OkStatus();
  if (*expires < 0) return Bad(entry, kAccountExpires, Cat("is negative: ", *expires));
  if (*expires == 0 || *expires == kNever || *expires >= kFiletimeOfYear10000) {
    view.account_expires = absl::InfiniteFuture();
    return OkStatus();
  }
  // FILETIME: 100 ns since 1601.
  view.account_expires =
      absl::FromUnixSeconds(*expires / kFiletimePerSecond - kSecondsFrom1601To1970) +
      absl::Nanoseconds(100) * (*expires % kFiletimePerSecond);
  return OkStatus();
}

Status TakeState(const Entry& entry, monitor::AdView& view) {
  DW_ASSIGN_OR_RETURN(view.user_account_control, Flags(entry, kUserAccountControl));
  DW_ASSIGN_OR_RETURN(view.deleted, Boolean(entry, kIsDeleted));
  DW_ASSIGN_OR_RETURN(const auto admin_count, Integer(entry, kAdminCount));
  if (admin_count) view.admin_count = *admin_count > 0;
  DW_ASSIGN_OR_RETURN(const auto usn, Integer(entry, kUsnChanged));
  if (usn && *usn < 0) return Bad(entry, kUsnChanged, "is negative");
  view.usn_changed = static_cast<uint64_t>(usn.value_or(0));
  DW_RETURN_IF_ERROR(TakeExpiry(entry, view));
  DW_ASSIGN_OR_RETURN(const std::string* metadata, Single(entry, kReplMetaData));
  if (metadata == nullptr) return OkStatus();
  const auto stamps = DecodeReplicationMetadata(*metadata);
  if (!stamps.ok())
    return Bad(entry, kReplMetaData, Cat("is unreadable: ", Message(stamps.status())));
  view.uac_stamp = stamps->user_account_control;
  view.deleted_stamp = stamps->is_deleted;
  return OkStatus();
}

Status TakeAnchor(const Entry& entry, const ObserveOptions& options, monitor::AdView& view) {
  if (!options.use_consistency_guid) {
    view.consistency_guid = "";
    return OkStatus();
  }
  DW_ASSIGN_OR_RETURN(const std::string* raw, Single(entry, kConsistencyGuid));
  if (raw == nullptr) return OkStatus();
  if (raw->size() > kMaxAnchor) {
    return Bad(entry, kConsistencyGuid, Cat("has ", raw->size(), " bytes"));
  }
  view.consistency_guid = *raw;
  return OkStatus();
}

}  // namespace

StatusOr<std::optional<monitor::AdView>> ObserveAccount(const Entry& entry,
                                                        const ObserveOptions& options) {
  monitor::AdView view;
  // Who it is comes first: what is no person's account cannot be a fault.
  view.sam_account_name = Name(entry, kSamAccountName);
  DW_ASSIGN_OR_RETURN(view.user_account_control, Flags(entry, kUserAccountControl));
  DW_ASSIGN_OR_RETURN(const bool personal, IsPersonalAccount(entry, view));
  if (!personal) return std::optional<monitor::AdView>();

  DW_RETURN_IF_ERROR(TakeIdentity(entry, view));
  DW_RETURN_IF_ERROR(TakeState(entry, view));
  DW_RETURN_IF_ERROR(TakeAnchor(entry, options, view));
  const bool alive = !view.deleted.value_or(false) && view.user_account_control.has_value();
  if (alive) {
    view.deleted = false;
    if (!view.admin_count) view.admin_count = false;
    if (!view.consistency_guid) view.consistency_guid = "";
  }
  return std::optional<monitor::AdView>(std::move(view));
}

}  // namespace driftwarden::directory
