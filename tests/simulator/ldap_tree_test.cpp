#include "simulator/ldap_tree.h"

#include <gtest/gtest.h>

#include <set>

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

class LdapTreeTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 2500;
    return options;
  }
  absl::Time Now() const { return world_.options().start + absl::Minutes(1); }

  std::vector<LdapEntry> Find(const std::string& filter, bool deleted = false,
                              const std::string& base = "DC=corp,DC=example",
                              LdapSearchRequest::Scope scope = LdapSearchRequest::Scope::kSubtree,
                              std::vector<std::string> attributes = {}) {
    LdapSearchRequest request{base, scope, *ParseLdapFilter(filter), attributes, deleted};
    std::unique_ptr<LdapSearch> search;
    last_ = tree_.Open(request, /*authenticated=*/true, search);
    std::vector<LdapEntry> entries;
    while (search != nullptr && !search->done()) {
      for (LdapEntry& entry : search->Next(100, Now())) entries.push_back(std::move(entry));
    }
    return entries;
  }

  World world_{Options()};
  LdapTree tree_{world_, 0};
  LdapResult last_;
};

TEST_F(LdapTreeTest, ASubtreeSearchFindsEverybodyAndTheContainersOnce) {
  const auto people = Find("(&(objectCategory=person)(objectClass=user))");
  std::set<std::string> dns;
  for (const auto& entry : people) dns.insert(entry.dn);
  EXPECT_EQ(people.size(), 2500U);
  EXPECT_EQ(dns.size(), 2500U);
  EXPECT_EQ(Find("(objectClass=organizationalUnit)").size(), 7U);
}

TEST_F(LdapTreeTest, AUsnFilterCostsOnlyWhatChanged) {
  const int64_t bound = world_.directory().dc().highest_usn;
  ASSERT_TRUE(world_.directory().Disable("u0000042", Now()).ok());
  const auto changed =
      Find(Cat("(&(objectCategory=person)(objectClass=user)(uSNChanged>=", bound + 1, "))"));
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].Find("useraccountcontrol")->front(), "514");
  EXPECT_EQ(changed[0].Find("samaccountname")->front(), "u0000042");
}

TEST_F(LdapTreeTest, BitFiltersFindTheDisabled) {
  ASSERT_TRUE(world_.directory().Disable("u0000042", Now()).ok());
  const auto found = Find("(userAccountControl:1.2.840.113556.1.4.803:=2)");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(Find("(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))").size(),
            2499U);
}

TEST_F(LdapTreeTest, TombstonesNeedTheControlAndAreStripped) {
  ASSERT_TRUE(world_.directory().Delete("u0000042", Now()).ok());
  EXPECT_TRUE(Find("(sAMAccountName=u0000042)").empty());
  EXPECT_TRUE(Find("(&(objectCategory=person)(sAMAccountName=u0000042))", true).empty());
  const auto found = Find("(&(isDeleted=TRUE)(objectClass=user)(uSNChanged>=1))", true,
                          "CN=Deleted Objects,DC=corp,DC=example");
  ASSERT_EQ(found.size(), 1U);
  const LdapEntry& tomb = found[0];
  EXPECT_EQ(tomb.Find("userprincipalname"), nullptr);
  EXPECT_EQ(tomb.Find("ms-ds-consistencyguid"), nullptr);
  EXPECT_NE(tomb.Find("objectguid"), nullptr);
  EXPECT_NE(tomb.Find("useraccountcontrol"), nullptr);
  EXPECT_NE(tomb.Find("lastknownparent"), nullptr);
  const auto by_dn = Find("(objectClass=*)", true, tomb.dn, LdapSearchRequest::Scope::kBase);
  EXPECT_EQ(by_dn.size(), 1U);
  // The well-known GUID leads to the container.
  EXPECT_EQ(
      Find("(objectClass=*)", true, "<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,DC=corp,DC=example>",
           LdapSearchRequest::Scope::kOne)
          .size(),
      1U);
}

TEST_F(LdapTreeTest, GuidBasesReachPeopleAndTheDcsOwnObject) {
  const Person p = world_.people().At(9);
  const auto person = Find("(objectClass=*)", false, Cat("<GUID=", HexEncode(p.object_guid), ">"),
                           LdapSearchRequest::Scope::kBase);
  ASSERT_EQ(person.size(), 1U);
  EXPECT_EQ(person[0].dn, p.dn);
  const auto root = Find("(objectClass=*)", false, "", LdapSearchRequest::Scope::kBase);
  ASSERT_EQ(root.size(), 1U);
  EXPECT_EQ(root[0].Find("issynchronized")->front(), "TRUE");
  const auto ntds = Find("(objectClass=*)", false, root[0].Find("dsservicename")->front(),
                         LdapSearchRequest::Scope::kBase, {"invocationId", "objectGUID"});
  ASSERT_EQ(ntds.size(), 1U);
  EXPECT_EQ(ntds[0].attributes.size(), 2U);
  EXPECT_EQ(ntds[0].Find("invocationid")->front(), world_.directory().dc().invocation_id);
}

TEST_F(LdapTreeTest, MetadataComesOnlyByName) {
  EXPECT_EQ(Find("(sAMAccountName=u0000001)")[0].Find("replpropertymetadata"), nullptr);
  const auto found = Find("(sAMAccountName=u0000001)", false, "DC=corp,DC=example",
                          LdapSearchRequest::Scope::kSubtree, {"replPropertyMetaData"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].Find("replpropertymetadata")->front().size() % 48, 16U);
  EXPECT_EQ(found[0].attributes.size(), 1U);
  const auto all = Find("(sAMAccountName=u0000001)", false, "DC=corp,DC=example",
                        LdapSearchRequest::Scope::kSubtree, {"*", "replPropertyMetaData"});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_GT(all[0].attributes.size(), 20U);
}

TEST_F(LdapTreeTest, ModifyAndDeleteDriveTheDirectory) {
  const std::string dn = world_.people().At(5).dn;
  using Change = LdapTree::Change;
  EXPECT_TRUE(
      tree_.Modify(dn, {{Change::Kind::kReplace, "userAccountControl", {"514"}}}, Now()).ok());
  EXPECT_FALSE(world_.directory().IsEnabled(5));
  EXPECT_TRUE(tree_.Modify(dn, {{Change::Kind::kReplace, "description", {"leaver"}}}, Now()).ok());
  EXPECT_EQ(world_.directory().Read(5).description, "leaver");
  EXPECT_EQ(tree_.Modify(dn, {{Change::Kind::kReplace, "userAccountControl", {"x"}}}, Now()).code,
            kLdapInvalidAttributeSyntax);
  EXPECT_EQ(tree_.Modify("CN=nobody", {}, Now()).code, kLdapNoSuchObject);
  EXPECT_TRUE(tree_.Delete(dn, Now()).ok());
  EXPECT_EQ(tree_.Delete(dn, Now()).code, kLdapNoSuchObject);
}

TEST_F(LdapTreeTest, AnonymousReadsOnlyTheRootDse) {
  std::unique_ptr<LdapSearch> search;
  LdapSearchRequest request{
      "", LdapSearchRequest::Scope::kBase, *ParseLdapFilter("(objectClass=*)"), {}, false};
  EXPECT_TRUE(tree_.Open(request, false, search).ok());
  request.base = "DC=corp,DC=example";
  EXPECT_EQ(tree_.Open(request, false, search).code, kLdapOperationsError);
}

TEST(LdapFilter, TextBecomesAFilterAndNonsenseIsRefused) {
  LdapEntry entry;
  entry.Add("cn", "Ada (u1)");
  entry.Add("uSNChanged", "99");
  for (const char* yes : {"(cn=*)", "(cn=ada \\28u1\\29)", "(cn=a*u1*)", "(uSNChanged>=9)",
                          "(|(cn=x)(uSNChanged<=100))", "(!(cn=bob))", "(!(mail=*))"}) {
    const auto filter = ParseLdapFilter(yes);
    ASSERT_TRUE(filter.ok()) << yes;
    EXPECT_TRUE(Matches(*filter, entry)) << yes;
  }
  for (const char* no : {"(cn=ada)", "(uSNChanged>=100)", "(mail=x)", "(cn:1.2.3:=4)"}) {
    const auto filter = ParseLdapFilter(no);
    ASSERT_TRUE(filter.ok()) << no;
    EXPECT_FALSE(Matches(*filter, entry)) << no;
  }
  for (const char* bad :
       {"", "cn=x", "(cn=x", "(&(cn=x)", "(cn=\\2)", "(!(a=1)(b=2))", "(cn=x))", "(:=)"}) {
    const auto filter = ParseLdapFilter(bad);
    EXPECT_TRUE(!filter.ok() || filter->kind == LdapFilter::Kind::kNever) << bad;
  }
}

}  // namespace
}  // namespace driftwarden::simulator
