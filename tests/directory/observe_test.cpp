#include "watchers/directory/observe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/rng.h"
#include "base/time.h"
#include "tests/directory/metadata_bytes.h"

namespace driftwarden::directory {
namespace {

Entry Person() {
  Entry entry;
  entry.dn = "CN=Ada,OU=Staff,DC=corp,DC=example";
  entry.attributes = {
      {"objectclass", {"top", "person", "organizationalPerson", "user"}},
      {"objectguid", {*HexDecode("45bb89f72622c940956977e293f6ac3a")}},
      {"objectsid", {*HexDecode("010500000000000515000000010000000200000003000000e8030000")}},
      {"samaccountname", {"ada"}},
      {"samaccounttype", {"805306368"}},
      {"userprincipalname", {"ada@corp.example"}},
      {"displayname", {"Ada L."}},
      {"useraccountcontrol", {"514"}},
      {"accountexpires", {"9223372036854775807"}},
      {"usnchanged", {"9004"}},
      {"replpropertymetadata", {MetadataBytes({{0x00090008, 3, 13'439'700'135}})}},
  };
  return entry;
}

monitor::AdView View(const Entry& entry, ObserveOptions options = {}) {
  const auto view = ObserveAccount(entry, options);
  EXPECT_TRUE(view.ok()) << view.status();
  EXPECT_TRUE(view.ok() && view->has_value());
  return view.ok() && view->has_value() ? **view : monitor::AdView();
}

bool IsIgnored(const Entry& entry) {
  const auto view = ObserveAccount(entry, {});
  EXPECT_TRUE(view.ok()) << view.status();
  return view.ok() && !view->has_value();
}

TEST(ObserveAccount, ReadsAPerson) {
  const monitor::AdView view = View(Person());
  EXPECT_EQ(view.object_guid.ToString(), "f789bb45-2226-40c9-9569-77e293f6ac3a");
  EXPECT_EQ(view.sid->ToString(), "S-1-5-21-1-2-3-1000");
  EXPECT_EQ(view.sam_account_name, "ada");
  EXPECT_EQ(view.upn, "ada@corp.example");
  EXPECT_EQ(view.display_name, "Ada L.");
  EXPECT_EQ(view.dn, "CN=Ada,OU=Staff,DC=corp,DC=example");
  EXPECT_EQ(view.user_account_control, 514u);
  EXPECT_EQ(view.Disabled(), true);
  EXPECT_EQ(view.account_expires, absl::InfiniteFuture());
  EXPECT_EQ(view.usn_changed, 9004u);
  EXPECT_EQ(FormatRfc3339(view.uac_stamp->originating_time), "2026-11-21T02:02:15Z");
  EXPECT_EQ(view.deleted, false);
  EXPECT_EQ(view.admin_count, false);
  EXPECT_EQ(view.consistency_guid, "");
  EXPECT_FALSE(view.deleted_stamp.has_value());
}

TEST(ObserveAccount, WhatWasNotReturnedStaysUnknown) {
  Entry entry = Person();
  for (const char* name :
       {"objectsid", "samaccountname", "samaccounttype", "userprincipalname", "displayname",
        "useraccountcontrol", "accountexpires", "usnchanged", "replpropertymetadata"}) {
    entry.attributes.erase(name);
  }
  const monitor::AdView view = View(entry);
  EXPECT_FALSE(view.user_account_control.has_value());
  EXPECT_FALSE(view.Disabled().has_value());
  EXPECT_FALSE(view.sid.has_value());
  EXPECT_FALSE(view.upn.has_value());
  EXPECT_FALSE(view.account_expires.has_value());
  EXPECT_FALSE(view.admin_count.has_value());
  EXPECT_FALSE(view.consistency_guid.has_value());
  EXPECT_FALSE(view.deleted.has_value());
  EXPECT_FALSE(view.uac_stamp.has_value());
}

TEST(ObserveAccount, ReadsATombstone) {
  Entry entry = Person();
  entry.dn = "CN=Ada\\0ADEL:f789bb45-2226-40c9-9569-77e293f6ac3a,CN=Deleted Objects,DC=corp";
  entry.attributes["isdeleted"] = {"TRUE"};
  entry.attributes["replpropertymetadata"] = {
      MetadataBytes({{0x00020030, 1, 13'439'700'200}, {0x00090008, 3, 13'439'700'135}})};
  for (const char* name :
       {"samaccounttype", "userprincipalname", "displayname", "accountexpires"}) {
    entry.attributes.erase(name);
  }
  const monitor::AdView view = View(entry);
  EXPECT_EQ(view.deleted, true);
  EXPECT_EQ(view.deleted_stamp->version, 1u);
  EXPECT_EQ(view.uac_stamp->version, 3u);
  EXPECT_FALSE(view.consistency_guid.has_value()) << "stripped from a tombstone, not empty";
  EXPECT_FALSE(view.admin_count.has_value());
}

TEST(ObserveAccount, AnchorFollowsTheConfiguredOrder) {
  Entry entry = Person();
  entry.attributes["ms-ds-consistencyguid"] = {std::string("\0\1\2", 3)};
  EXPECT_EQ(View(entry).consistency_guid, std::string("\0\1\2", 3));
  ObserveOptions options;
  options.use_consistency_guid = false;
  EXPECT_EQ(View(entry, options).consistency_guid, "");
}

TEST(ObserveAccount, ExpiryIsAFiletime) {
  Entry entry = Person();
  entry.attributes["accountexpires"] = {"134397001355000000"};
  EXPECT_EQ(FormatRfc3339(*View(entry).account_expires), "2026-11-21T02:02:15.5Z");
  entry.attributes["accountexpires"] = {"0"};
  EXPECT_EQ(View(entry).account_expires, absl::InfiniteFuture());
}

TEST(ObserveAccount, AdminCountAndNegativeFlags) {
  Entry entry = Person();
  entry.attributes["admincount"] = {"1"};
  entry.attributes["useraccountcontrol"] = {"-2147483646"};
  EXPECT_EQ(View(entry).admin_count, true);
  EXPECT_EQ(View(entry).user_account_control, 0x80000002u);
}

TEST(ObserveAccount, IgnoresWhatIsNoPersonsAccount) {
  Entry computer = Person();
  computer.attributes["objectclass"].push_back("computer");
  EXPECT_TRUE(IsIgnored(computer));
  Entry managed = Person();
  managed.attributes["objectclass"].push_back("msDS-GroupManagedServiceAccount");
  EXPECT_TRUE(IsIgnored(managed));
  Entry contact = Person();
  contact.attributes["objectclass"] = {"top", "person", "contact"};
  EXPECT_TRUE(IsIgnored(contact));
  Entry trust = Person();
  trust.attributes["samaccounttype"] = {"805306370"};
  EXPECT_TRUE(IsIgnored(trust));
  Entry deleted_trust = Person();
  deleted_trust.attributes.erase("samaccounttype");
  deleted_trust.attributes["useraccountcontrol"] = {"2080"};
  EXPECT_TRUE(IsIgnored(deleted_trust));
  Entry critical = Person();
  critical.attributes["iscriticalsystemobject"] = {"TRUE"};
  EXPECT_TRUE(IsIgnored(critical));
  Entry krbtgt = Person();
  krbtgt.attributes["samaccountname"] = {"krbtgt_12345"};
  EXPECT_TRUE(IsIgnored(krbtgt));
  // What a domain is born with, by its RID, whatever it is called: Administrator, Guest, krbtgt.
  for (const char* rid : {"f4010000", "f5010000", "f6010000"}) {
    Entry born = Person();
    born.attributes["objectsid"] = {
        *HexDecode(std::string("010500000000000515000000010000000200000003000000") + rid)};
    EXPECT_TRUE(IsIgnored(born)) << rid;
  }
}

TEST(ObserveAccount, ReadsWhatSurroundsTheState) {
  Entry entry = Person();
  entry.attributes["mail"] = {"ada@corp.example"};
  entry.attributes["pwdlastset"] = {"134397001355000000"};
  entry.attributes["lockouttime"] = {"134397001350000000"};
  entry.attributes["whenchanged"] = {"20261121020215.0Z"};
  entry.attributes["msexchrecipienttypedetails"] = {"34359738368"};
  entry.attributes["employeetype"] = {"Service", "A\nB"};
  entry.attributes["replpropertymetadata"] = {
      MetadataBytes({{0x00090060, 2, 13'439'700'135}, {0x0009009f, 1, 13'439'700'100}})};
  ObserveOptions options;
  options.kept_attributes = {"employeetype", "department"};
  const monitor::AdView view = View(entry, options);
  EXPECT_EQ(view.mail, "ada@corp.example");
  EXPECT_EQ(FormatRfc3339(*view.password_set), "2026-11-21T02:02:15.5Z");
  EXPECT_EQ(FormatRfc3339(*view.locked_at), "2026-11-21T02:02:15Z");
  EXPECT_EQ(FormatRfc3339(*view.when_changed), "2026-11-21T02:02:15Z");
  EXPECT_EQ(view.recipient_type, uint64_t{1} << 35);
  EXPECT_EQ(view.password_stamp->version, 2u);
  EXPECT_EQ(view.expires_stamp->version, 1u);
  ASSERT_EQ(view.attributes->size(), 1u);
  EXPECT_EQ(view.attributes->at("employeetype").size(), 2u);
  EXPECT_EQ(view.attributes->at("employeetype").front().find('\n'), std::string::npos);
  // None of these is worth losing the account over.
  for (const char* name :
       {"pwdlastset", "lockouttime", "whenchanged", "msexchrecipienttypedetails"}) {
    entry.attributes[name] = {"nonsense", "twice"};
  }
  const monitor::AdView odd = View(entry, options);
  EXPECT_FALSE(odd.password_set.has_value());
  EXPECT_EQ(odd.recipient_type, 0u);
}

TEST(ObserveAccount, AsksForWhatItReads) {
  ObserveOptions options;
  options.xml_metadata = true;
  options.kept_attributes = {"employeetype", "MAIL"};
  const std::vector<std::string> names = RequestedAttributes(options);
  const auto count = [&](const std::string& name) {
    return std::count(names.begin(), names.end(), name);
  };
  EXPECT_EQ(count("msDS-ReplAttributeMetaData"), 1);
  EXPECT_EQ(count("employeetype"), 1);
  EXPECT_EQ(count("mail"), 1);
  EXPECT_EQ(count("MAIL"), 0);
}

TEST(ObserveAccount, TakesTheXmlFormWhereTheOtherIsNotGiven) {
  Entry entry = Person();
  entry.attributes.erase("replpropertymetadata");
  entry.attributes["msds-replattributemetadata"] = {
      "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>userAccountControl</pszAttributeName>\n"
      "\t<dwVersion>7</dwVersion>\n"
      "\t<ftimeLastOriginatingChange>2026-11-21T02:02:15Z</ftimeLastOriginatingChange>\n"
      "\t<uuidLastOriginatingDsaInvocationID>f789bb45-2226-40c9-9569-77e293f6ac3a"
      "</uuidLastOriginatingDsaInvocationID>\n"
      "\t<usnOriginatingChange>9004</usnOriginatingChange>\n"
      "\t<usnLocalChange>9004</usnLocalChange>\n"
      "\t<pszLastOriginatingDsaDN></pszLastOriginatingDsaDN>\n</DS_REPL_ATTR_META_DATA>\n"};
  EXPECT_EQ(View(entry).uac_stamp->version, 7u);
}

TEST(ObserveAccount, BadValuesNameTheAttributeAndTheObject) {
  const std::pair<const char*, std::string> cases[] = {
      {"objectguid", "short"},
      {"objectguid", std::string(16, '\0')},
      {"objectsid", "x"},
      {"useraccountcontrol", "five"},
      {"useraccountcontrol", "99999999999"},
      {"accountexpires", "-1"},
      {"accountexpires", "99999999999999999999999"},
      {"usnchanged", "-3"},
      {"isdeleted", "maybe"},
      {"admincount", ""},
      {"ms-ds-consistencyguid", std::string(65, 'x')},
      {"replpropertymetadata", "\1"},
  };
  for (const auto& [name, value] : cases) {
    Entry entry = Person();
    entry.attributes[name] = {value};
    const auto view = ObserveAccount(entry, {});
    ASSERT_FALSE(view.ok()) << name;
    EXPECT_EQ(view.status().code(), StatusCode::kDataLoss);
    const std::string text(view.status().message());
    EXPECT_NE(text.find(name), std::string::npos) << text;
    EXPECT_NE(text.find("CN=Ada"), std::string::npos) << text;
  }
  Entry two = Person();
  two.attributes["useraccountcontrol"] = {"512", "514"};
  EXPECT_FALSE(ObserveAccount(two, {}).ok());
  Entry nobody = Person();
  nobody.attributes.erase("objectclass");
  EXPECT_FALSE(ObserveAccount(nobody, {}).ok());
}

TEST(ObserveAccount, AHostileNameDoesNotHideItsAccount) {
  Entry entry = Person();
  entry.attributes["displayname"] = {std::string("\xff\x00\x1b[31m", 7)};
  entry.attributes["userprincipalname"] = {std::string(1 << 20, 'u')};
  entry.dn = std::string(1 << 20, 'd');
  const monitor::AdView view = View(entry);
  EXPECT_EQ(view.display_name, "\\xff\\x00\\x1b[31m");
  EXPECT_LT(view.upn->size(), 2000u);
  EXPECT_LT(view.dn->size(), 5000u);
  EXPECT_EQ(view.Disabled(), true);
}

TEST(ObserveAccount, AnyEntryGivesAnAnswer) {
  SeededRng rng(7);
  for (int round = 0; round < 20'000; ++round) {
    Entry entry = Person();
    entry.attributes["isdeleted"] = {"FALSE"};
    entry.attributes["admincount"] = {"1"};
    const uint64_t changes = 1 + rng.Below(4);
    for (uint64_t i = 0; i < changes; ++i) {
      auto at = entry.attributes.begin();
      std::advance(at, static_cast<long>(rng.Below(entry.attributes.size())));
      if (at->second.empty()) continue;
      std::string& value = at->second.front();
      switch (rng.Below(4)) {
        case 0:
          value.resize(rng.Below(64), static_cast<char>(rng.Next()));
          break;
        case 1:
          if (!value.empty()) value[rng.Below(value.size())] = static_cast<char>(rng.Next());
          break;
        case 2:
          at->second.clear();
          break;
        default:
          at->second.push_back(value);
      }
    }
    const auto view = ObserveAccount(entry, {});
    if (!view.ok()) {
      EXPECT_EQ(view.status().code(), StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace driftwarden::directory
