#include "watchers/directory/observe.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/account_kind.h"
#include "watchers/directory/replication_metadata.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kMaxName = 1024;
constexpr size_t kMaxDn = 4096;
constexpr size_t kMaxAnchor = 64;
constexpr size_t kMaxEarlierSids = 32;
constexpr size_t kMaxKeptValues = 16;
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

// FILETIME, 100 ns since 1601, to a time; 0 and what no calendar holds give `none`.
absl::Time FromFiletime(int64_t filetime, absl::Time none) {
  if (filetime <= 0 || filetime >= kFiletimeOfYear10000) return none;
  return absl::FromUnixSeconds(filetime / kFiletimePerSecond - kSecondsFrom1601To1970) +
         absl::Nanoseconds(100) * (filetime % kFiletimePerSecond);
}

Status TakeExpiry(const Entry& entry, monitor::AdView& view) {
  DW_ASSIGN_OR_RETURN(const auto expires, Integer(entry, kAccountExpires));
  if (!expires) return OkStatus();
  if (*expires < 0) return Bad(entry, kAccountExpires, Cat("is negative: ", *expires));
  view.account_expires = FromFiletime(*expires, absl::InfiniteFuture());
  return OkStatus();
}

// What drift is not decided by: a value that makes no sense stays unknown and hides nobody.
void TakeSideFacts(const Entry& entry, monitor::AdView& view) {
  const auto earlier = entry.attributes.find(kSidHistory);
  if (earlier != entry.attributes.end()) {
    std::vector<monitor::Sid> sids;
    for (const std::string& value : earlier->second) {
      const auto sid = monitor::Sid::FromBytes(value);
      if (sid && sids.size() < kMaxEarlierSids) sids.push_back(*sid);
    }
    if (!sids.empty()) view.sid_history = std::move(sids);
  }
  view.mail = Name(entry, kMail);
  if (const auto set = Integer(entry, kPwdLastSet); set.ok() && *set) {
    view.password_set = FromFiletime(**set, absl::InfinitePast());
  }
  if (const auto locked = Integer(entry, kLockoutTime); locked.ok() && *locked) {
    view.locked_at = FromFiletime(**locked, absl::InfinitePast());
  }
  if (const std::string* const changed = entry.First(kWhenChanged)) {
    view.when_changed = ParseGeneralizedTime(*changed);
  }
  if (const auto type = Integer(entry, kRecipientType); type.ok() && *type && **type >= 0) {
    view.recipient_type = static_cast<uint64_t>(**type);
  }
}

void TakeKept(const Entry& entry, const ObserveOptions& options, monitor::AdView& view) {
  if (options.kept_attributes.empty()) return;
  monitor::KeptAttributes kept;
  for (const std::string& name : options.kept_attributes) {
    const auto found = entry.attributes.find(ToLowerAscii(name));
    if (found == entry.attributes.end()) continue;
    std::vector<std::string>& values = kept[found->first];
    for (const std::string& value : found->second) {
      if (values.size() < kMaxKeptValues) values.push_back(Printable(value, kMaxName));
    }
    std::sort(values.begin(), values.end());
  }
  view.attributes = std::move(kept);
}

void TakeGroups(const Entry& entry, const ObserveOptions& options, monitor::AdView& view) {
  if (options.groups == nullptr) return;
  const auto tokens = entry.attributes.find(kTokenGroups);
  const bool read = tokens != entry.attributes.end();
  view.groups = options.groups->GroupsOf(view.object_guid, read ? &tokens->second : nullptr);
}

// Unknown, or deleted itself: better one too many than a deletion that nobody sees.
bool WasInScope(const Entry& entry, const ObserveOptions& options) {
  const std::string* const parent = entry.First(kLastKnownParent);
  if (options.scope == nullptr || parent == nullptr) return true;
  return parent->find("\\0ADEL:") != std::string::npos || options.scope->HoldsPlace(*parent);
}

Status TakeStamps(const Entry& entry, monitor::AdView& view) {
  DW_ASSIGN_OR_RETURN(const std::string* metadata, Single(entry, kReplMetaData));
  const auto xml = entry.attributes.find(kReplMetaDataXml);
  if (metadata == nullptr && xml == entry.attributes.end()) return OkStatus();
  const std::string_view name = metadata != nullptr ? kReplMetaData : kReplMetaDataXml;
  const auto stamps = metadata != nullptr ? DecodeReplicationMetadata(*metadata)
                                          : DecodeReplicationXml(xml->second);
  if (!stamps.ok()) return Bad(entry, name, Cat("is unreadable: ", Message(stamps.status())));
  view.uac_stamp = stamps->user_account_control;
  view.deleted_stamp = stamps->is_deleted;
  view.password_stamp = stamps->password_last_set;
  view.expires_stamp = stamps->account_expires;
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
  return TakeStamps(entry, view);
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
  DW_ASSIGN_OR_RETURN(const bool personal, IsPersonalAccount(entry));
  if (!personal) return std::optional<monitor::AdView>();

  DW_RETURN_IF_ERROR(TakeIdentity(entry, view));
  DW_RETURN_IF_ERROR(TakeState(entry, view));
  DW_RETURN_IF_ERROR(TakeAnchor(entry, options, view));
  TakeSideFacts(entry, view);
  const bool alive = !view.deleted.value_or(false) && view.user_account_control.has_value();
  if (alive) {
    view.deleted = false;
    if (!view.admin_count) view.admin_count = false;
    if (!view.consistency_guid) view.consistency_guid = "";
    if (!view.recipient_type) view.recipient_type = 0;
    if (!view.locked_at) view.locked_at = absl::InfinitePast();
    TakeKept(entry, options, view);
    TakeGroups(entry, options, view);
    view.in_scope = options.scope == nullptr || options.scope->Holds(entry);
  } else if (view.deleted.value_or(false)) {
    view.in_scope = WasInScope(entry, options);
  }
  return std::optional<monitor::AdView>(std::move(view));
}

std::vector<std::string> RequestedAttributes(const ObserveOptions& options) {
  std::vector<std::string> names = AccountAttributes();
  if (options.xml_metadata) names.emplace_back("msDS-ReplAttributeMetaData");
  const auto add = [&names](const std::string& name) {
    const auto same = [&](const std::string& known) { return EqualsIgnoreCase(known, name); };
    if (std::none_of(names.begin(), names.end(), same)) names.push_back(name);
  };
  for (const std::string& name : options.kept_attributes) add(name);
  if (options.scope != nullptr) {
    for (const std::string& name : options.scope->attributes()) add(name);
  }
  return names;
}

}  // namespace driftwarden::directory
