#pragma once

// Names and numbers of the directory's schema, as the wire has them (MS-ADA, MS-ADTS 2.2.16).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace driftwarden::directory {

// Attribute names in lower case, as Entry holds them; servers compare without case.
inline constexpr std::string_view kObjectGuid = "objectguid";
inline constexpr std::string_view kObjectSid = "objectsid";
inline constexpr std::string_view kObjectClass = "objectclass";
inline constexpr std::string_view kSamAccountName = "samaccountname";
inline constexpr std::string_view kSamAccountType = "samaccounttype";
inline constexpr std::string_view kUserPrincipalName = "userprincipalname";
inline constexpr std::string_view kDisplayName = "displayname";
inline constexpr std::string_view kConsistencyGuid = "ms-ds-consistencyguid";
inline constexpr std::string_view kMail = "mail";
inline constexpr std::string_view kPwdLastSet = "pwdlastset";
inline constexpr std::string_view kLockoutTime = "lockouttime";
inline constexpr std::string_view kWhenChanged = "whenchanged";
inline constexpr std::string_view kSidHistory = "sidhistory";
inline constexpr std::string_view kRecipientType = "msexchrecipienttypedetails";
inline constexpr std::string_view kTokenGroups = "tokengroups";
inline constexpr std::string_view kUserAccountControl = "useraccountcontrol";
inline constexpr std::string_view kAdminCount = "admincount";
inline constexpr std::string_view kAccountExpires = "accountexpires";
inline constexpr std::string_view kIsDeleted = "isdeleted";
inline constexpr std::string_view kIsCriticalSystemObject = "iscriticalsystemobject";
inline constexpr std::string_view kLastKnownParent = "lastknownparent";
inline constexpr std::string_view kUsnChanged = "usnchanged";
inline constexpr std::string_view kReplMetaData = "replpropertymetadata";
inline constexpr std::string_view kReplMetaDataXml = "msds-replattributemetadata";

inline constexpr std::string_view kDsServiceName = "dsservicename";
inline constexpr std::string_view kHighestCommittedUsn = "highestcommittedusn";
inline constexpr std::string_view kDefaultNamingContext = "defaultnamingcontext";
inline constexpr std::string_view kDnsHostName = "dnshostname";
inline constexpr std::string_view kCurrentTime = "currenttime";
inline constexpr std::string_view kIsSynchronized = "issynchronized";
inline constexpr std::string_view kInvocationId = "invocationid";
inline constexpr std::string_view kSupportedCapabilities = "supportedcapabilities";
// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID (MS-ADTS 3.1.1.3.4.3): a read-only controller.
inline constexpr std::string_view kReadOnlyCapability = "1.2.840.113556.1.4.1920";

// What every look at an account asks for; see also RequestedAttributes (observe.h).
inline std::vector<std::string> AccountAttributes() {
  return {"objectGUID",
          "objectSid",
          "sIDHistory",
          "objectClass",
          "sAMAccountName",
          "sAMAccountType",
          "userPrincipalName",
          "displayName",
          "mS-DS-ConsistencyGuid",
          "userAccountControl",
          "adminCount",
          "accountExpires",
          "isDeleted",
          "isCriticalSystemObject",
          "lastKnownParent",
          "uSNChanged",
          "replPropertyMetaData",
          "mail",
          "pwdLastSet",
          "lockoutTime",
          "whenChanged",
          "msExchRecipientTypeDetails"};
}

inline std::vector<std::string> RootDseAttributes() {
  return {"dsServiceName", "highestCommittedUSN", "defaultNamingContext", "dnsHostName",
          "currentTime",   "isSynchronized",      "supportedCapabilities"};
}

// userAccountControl (MS-ADTS 2.2.16): accounts of trusts, workstations and servers.
inline constexpr uint32_t kUacInterdomainTrust = 0x0800;
inline constexpr uint32_t kUacWorkstationTrust = 0x1000;
inline constexpr uint32_t kUacServerTrust = 0x2000;
// The last part of a domain's SIDs: below are the accounts that every domain is born with
// (Administrator 500, Guest 501, krbtgt 502, DefaultAccount 503), from here on those that somebody
// made (MS-DTYP 2.4.2.4).
inline constexpr uint32_t kFirstMadeRid = 1000;
// sAMAccountType (MS-SAMR 2.2.1.9).
inline constexpr uint32_t kSamUserObject = 0x30000000;

// The container of deleted objects, by its well-known GUID (MS-ADTS 6.1.1.4).
inline constexpr std::string_view kDeletedObjectsWellKnownGuid = "18E2EA80684F11D2B9AA00C04F79F805";

}  // namespace driftwarden::directory
