#include "watchers/directory/account_kind.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/strings.h"
#include "monitor/ids.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

constexpr uint32_t kMachine = kUacInterdomainTrust | kUacWorkstationTrust | kUacServerTrust;

Status Bad(const Entry& entry, std::string_view attribute, std::string_view what) {
  return DataLossError(Cat("attribute ", attribute, " of \"", Printable(entry.dn), "\" ", what));
}

bool HasClass(const Entry& entry, std::string_view name) {
  const auto found = entry.attributes.find(kObjectClass);
  if (found == entry.attributes.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [name](const std::string& v) { return EqualsIgnoreCase(v, name); });
}

bool HasMachineClass(const Entry& entry) {
  return HasClass(entry, "computer") || HasClass(entry, "msDS-GroupManagedServiceAccount") ||
         HasClass(entry, "msDS-ManagedServiceAccount") ||
         HasClass(entry, "msDS-DelegatedManagedServiceAccount");
}

// A 32-bit enumeration, signed on the wire.
StatusOr<std::optional<uint32_t>> Flags(const Entry& entry, std::string_view name) {
  const std::string* const text = entry.First(name);
  if (text == nullptr) return std::optional<uint32_t>();
  const std::optional<int64_t> value = ParseInt64(*text);
  if (!value) return Bad(entry, name, Cat("is not a number: ", Printable(*text, 40)));
  if (*value < std::numeric_limits<int32_t>::min() ||
      *value > std::numeric_limits<uint32_t>::max()) {
    return Bad(entry, name, Cat("is out of range: ", *value));
  }
  return std::optional<uint32_t>(static_cast<uint32_t>(*value));
}

// An account of a domain (S-1-5-21-...) that the domain was born with. On a tombstone nothing else
// may be left that tells.
bool IsBuiltIn(const Entry& entry) {
  const std::string* const raw = entry.First(kObjectSid);
  const auto sid = raw == nullptr ? std::nullopt : monitor::Sid::FromBytes(*raw);
  constexpr std::string_view kDomainPrefix("\x01\x05\0\0\0\0\0\x05\x15\0\0\0", 12);
  if (!sid || !std::string_view(sid->bytes).starts_with(kDomainPrefix)) return false;
  return RidOf(*sid) < kFirstMadeRid;
}

}  // namespace

uint32_t RidOf(const monitor::Sid& sid) {
  uint32_t rid = 0;
  for (size_t i = 0; i < 4 && sid.bytes.size() >= 4; ++i) {
    const auto byte = static_cast<unsigned char>(sid.bytes[sid.bytes.size() - 4 + i]);
    rid |= static_cast<uint32_t>(byte) << (8 * i);
  }
  return rid;
}

StatusOr<bool> IsPersonalAccount(const Entry& entry) {
  if (entry.attributes.find(kObjectClass) == entry.attributes.end()) {
    return Bad(entry, kObjectClass, "is missing");
  }
  if (!HasClass(entry, "user") || HasMachineClass(entry) || IsBuiltIn(entry)) return false;
  DW_ASSIGN_OR_RETURN(const auto type, Flags(entry, kSamAccountType));
  if (type && *type != kSamUserObject) return false;
  DW_ASSIGN_OR_RETURN(const auto control, Flags(entry, kUserAccountControl));
  if (control && (*control & kMachine) != 0) return false;
  const std::string* const critical = entry.First(kIsCriticalSystemObject);
  if (critical != nullptr && *critical == "TRUE") return false;
  // A read-only controller has a krbtgt_NNNNN of its own, which is not marked as critical.
  const std::string* const name = entry.First(kSamAccountName);
  const std::string sam = name == nullptr ? "" : ToLowerAscii(*name);
  return sam != "krbtgt" && !sam.starts_with("krbtgt_");
}

}  // namespace driftwarden::directory
