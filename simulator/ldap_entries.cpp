#include "simulator/ldap_entries.h"

#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

std::string ConfigurationDn(const Directory& directory) {
  return Cat("CN=Configuration,", directory.people().base_dn());
}

std::string HostOf(const Directory& directory) {
  const std::string& name = directory.dc().dns_name;
  return name.substr(0, name.find('.'));
}

std::string ServerDn(const Directory& directory) {
  return Cat("CN=", HostOf(directory), ",CN=Servers,CN=", directory.dc().site, ",CN=Sites,",
             ConfigurationDn(directory));
}

LdapEntry Container(const Directory& directory, const std::string& dn, std::string_view class_name,
                    uint64_t number) {
  LdapEntry entry;
  entry.dn = dn;
  entry.Add("objectClass", "top");
  entry.Add("objectClass", std::string(class_name));
  entry.Add("distinguishedName", dn);
  const size_t equals = dn.find('=');
  entry.Add("name", dn.substr(equals + 1, dn.find(',') - equals - 1));
  entry.Add("objectGUID", GuidFrom(directory.people().options().seed ^ 0xc0117a1e, number));
  entry.Add("uSNCreated", Cat(4096 + number));
  entry.Add("uSNChanged", Cat(4096 + number));
  return entry;
}

// Adds what is wanted; values are made only then.
class EntryBuilder {
 public:
  EntryBuilder(LdapEntry& entry, const WantedNames* wanted) : entry_(entry), wanted_(wanted) {}

  template <typename Value>
  void operator()(std::string_view name, Value value) {
    if (Wants(ToLowerAscii(name))) entry_.Add(name, value());
  }
  void operator()(std::string_view name, const std::string& value) {
    if (Wants(ToLowerAscii(name))) entry_.Add(name, value);
  }
  void operator()(std::string_view name, const char* value) { (*this)(name, std::string(value)); }

 private:
  bool Wants(std::string_view lower) const {
    return wanted_ == nullptr || wanted_->contains(lower);
  }

  LdapEntry& entry_;
  const WantedNames* wanted_;
};

// What a person loses by deletion (without a recycle bin).
void AddLiveAttributes(const AdUser& user, const std::string& base_dn, EntryBuilder& add) {
  const Person& p = user.person;
  add("objectCategory", [&] { return Cat("CN=Person,CN=Schema,CN=Configuration,", base_dn); });
  add("sAMAccountType", "805306368");
  add("primaryGroupID", "513");
  add("userPrincipalName", p.upn);
  add("displayName", p.display_name);
  add("givenName", p.given_name);
  add("sn", p.surname);
  add("mail", p.upn);
  add("accountExpires", [&] { return Cat(user.account_expires); });
  add("pwdLastSet", [&] { return Cat(ToFileTime(user.when_created)); });
  if (!user.description.empty()) add("description", user.description);
  if (p.tier0) add("adminCount", "1");
  // The sync engine writes its anchor back where it was empty; half of the people were before that.
  if (p.index % 2 == 0) add("mS-DS-ConsistencyGuid", p.object_guid);
}

}  // namespace

std::string DeletedObjectsDn(const Directory& directory) {
  return Cat("CN=Deleted Objects,", directory.people().base_dn());
}

std::string NtdsSettingsDn(const Directory& directory) {
  return Cat("CN=NTDS Settings,", ServerDn(directory));
}

std::string NormalizeDn(std::string_view dn) {
  std::string out;
  for (const char c : ToLowerAscii(dn)) {
    if (c == ' ' && (out.empty() || out.back() == ',')) continue;
    out.push_back(c);
  }
  return out;
}

LdapEntry UserEntry(const AdUser& user, const Directory& directory, const WantedNames* wanted,
                    const WantedNames& named) {
  const std::string& base_dn = directory.people().base_dn();
  const Person& p = user.person;
  LdapEntry entry;
  entry.dn = user.dn;
  EntryBuilder add(entry, wanted);
  for (const char* name : {"top", "person", "organizationalPerson", "user"}) {
    add("objectClass", name);
  }
  add("distinguishedName", user.dn);
  const std::string rdn = user.deleted ? Cat(p.cn, "\nDEL:", GuidText(p.object_guid)) : p.cn;
  add("cn", rdn);
  add("name", rdn);
  add("objectGUID", p.object_guid);
  add("objectSid", p.object_sid);
  add("sAMAccountName", p.sam);
  add("userAccountControl", [&] { return Cat(user.uac); });
  add("instanceType", "4");
  add("uSNCreated", [&] { return Cat(user.usn_created); });
  add("uSNChanged", [&] { return Cat(user.usn_changed); });
  add("whenCreated", [&] { return ToGeneralizedTime(user.when_created); });
  add("whenChanged", [&] { return ToGeneralizedTime(user.when_changed); });
  if (user.deleted) {
    add("isDeleted", "TRUE");
    add("isRecycled", "TRUE");
    add("lastKnownParent", p.parent_dn);
  } else {
    AddLiveAttributes(user, base_dn, add);
  }
  if (named.contains("replpropertymetadata")) {
    entry.Add("replPropertyMetaData", EncodeReplPropertyMetaData(user.stamps));
  }
  if (named.contains("msds-replattributemetadata")) {
    for (const auto& [attribute, stamp] : user.stamps) {
      entry.Add("msDS-ReplAttributeMetaData",
                AttributeMetaDataXml(attribute, stamp, NtdsSettingsDn(directory)));
    }
  }
  return entry;
}

LdapEntry RootDseEntry(const Directory& directory, absl::Time now) {
  const DomainController& dc = directory.dc();
  const std::string& base = directory.people().base_dn();
  LdapEntry entry;
  entry.Add("currentTime", ToGeneralizedTime(directory.DcTime(now)));
  entry.Add("dsServiceName", NtdsSettingsDn(directory));
  entry.Add("serverName", ServerDn(directory));
  entry.Add("dnsHostName", dc.dns_name);
  entry.Add("defaultNamingContext", base);
  entry.Add("rootDomainNamingContext", base);
  entry.Add("configurationNamingContext", ConfigurationDn(directory));
  entry.Add("schemaNamingContext", Cat("CN=Schema,", ConfigurationDn(directory)));
  entry.Add("namingContexts", base);
  entry.Add("namingContexts", ConfigurationDn(directory));
  entry.Add("highestCommittedUSN", Cat(dc.highest_usn));
  entry.Add("isSynchronized", dc.synchronized ? "TRUE" : "FALSE");
  entry.Add("isGlobalCatalogReady", "TRUE");
  entry.Add("supportedLDAPVersion", "2");
  entry.Add("supportedLDAPVersion", "3");
  entry.Add("supportedControl", std::string(kControlPaged));
  entry.Add("supportedControl", std::string(kControlShowDeleted));
  entry.Add("supportedControl", std::string(kControlDirSync));
  entry.Add("supportedControl", std::string(kControlNotification));
  entry.Add("supportedExtension", std::string(kStartTlsOid));
  entry.Add("domainFunctionality", "7");
  entry.Add("forestFunctionality", "7");
  entry.Add("domainControllerFunctionality", "7");
  return entry;
}

std::vector<LdapEntry> ContainerEntries(const Directory& directory) {
  const std::string& base = directory.people().base_dn();
  std::vector<LdapEntry> entries;
  uint64_t number = 1;
  entries.push_back(Container(directory, base, "domainDNS", number++));
  entries.back().Add("objectSid", directory.people().domain_sid());
  const std::string people_dn = Cat("OU=People,", base);
  entries.push_back(Container(directory, people_dn, "organizationalUnit", number++));
  for (const char* unit : {"Staff", "Sales", "Engineering", "Operations", "Contractors"}) {
    entries.push_back(
        Container(directory, Cat("OU=", unit, ',', people_dn), "organizationalUnit", number++));
  }
  entries.push_back(Container(directory, Cat("OU=Tier0,", base), "organizationalUnit", number++));
  entries.push_back(Container(directory, DeletedObjectsDn(directory), "container", number++));
  entries.back().Add("isDeleted", "TRUE");
  entries.push_back(Container(directory, ConfigurationDn(directory), "configuration", number++));
  entries.push_back(Container(directory, ServerDn(directory), "server", number++));
  entries.back().Add("dNSHostName", directory.dc().dns_name);
  LdapEntry ntds = Container(directory, NtdsSettingsDn(directory), "nTDSDSA", number++);
  ntds.attributes["objectguid"].values = {directory.dc().dsa_guid};
  ntds.Add("invocationId", directory.dc().invocation_id);
  entries.push_back(std::move(ntds));
  return entries;
}

}  // namespace driftwarden::simulator
