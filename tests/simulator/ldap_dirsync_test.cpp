#include "simulator/ldap_dirsync.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "simulator/ber.h"
#include "simulator/ldap_connection.h"

namespace driftwarden::simulator {
namespace {

constexpr const char* kBase = "DC=corp,DC=example";

class DirSyncTest : public ::testing::Test {
 protected:
  static WorldOptions Options() {
    WorldOptions options;
    options.forests[0].people.count = 40;
    return options;
  }
  absl::Time Now() const { return world_.options().start + absl::Minutes(1); }
  DirSyncAnswer Read(const std::string& cookie) {
    search_.base = kBase;
    search_.filter = *ParseLdapFilter(filter_);
    search_.attributes = attributes_;
    DirSyncRequest request;
    request.flags = flags_;
    request.cookie = cookie;
    return ReadDirSync(world_, 0, search_, request, rights_, Now());
  }
  std::string CookieNow() {
    DirSyncAnswer answer = Read("");
    while (answer.more) answer = Read(answer.cookie);
    return answer.cookie;
  }

  World world_{Options()};
  LdapSearchRequest search_;
  DirSyncRights rights_;
  int32_t flags_ = 0;
  std::string filter_ = "(objectClass=user)";
  std::vector<std::string> attributes_ = {"userAccountControl", "isDeleted", "displayName"};
};

TEST_F(DirSyncTest, BeginsWithEverybodyInPages) {
  rights_.max_entries = 15;
  size_t seen = 0;
  int pages = 0;
  std::string cookie;
  DirSyncAnswer answer;
  do {
    answer = Read(cookie);
    ASSERT_TRUE(answer.result.ok()) << answer.result.message;
    EXPECT_LE(answer.entries.size(), 15U);
    seen += answer.entries.size();
    cookie = answer.cookie;
  } while (answer.more && ++pages < 20);
  EXPECT_EQ(seen, 40U);
  EXPECT_TRUE(Read(cookie).entries.empty());
}

TEST_F(DirSyncTest, LaterTellsOnlyWhatChangedOfWhatWasAskedFor) {
  const std::string cookie = CookieNow();
  ASSERT_TRUE(world_.directory().Describe("u0000003", "new", Now()).ok());
  EXPECT_TRUE(Read(cookie).entries.empty()) << "nobody asked for the description";
  ASSERT_TRUE(world_.directory().Disable("u0000004", Now()).ok());
  const DirSyncAnswer answer = Read(cookie);
  ASSERT_EQ(answer.entries.size(), 1U);
  const LdapEntry& row = answer.entries[0];
  EXPECT_EQ(row.Find("useraccountcontrol")->front(), "514");
  EXPECT_NE(row.Find("objectguid"), nullptr);
  EXPECT_NE(row.Find("instancetype"), nullptr);
  EXPECT_EQ(row.Find("displayname"), nullptr);
}

TEST_F(DirSyncTest, DeletionsNeedIsDeletedAndAFilterThatTombstonesMatch) {
  const std::string cookie = CookieNow();
  ASSERT_TRUE(world_.directory().Delete("u0000004", Now()).ok());
  const DirSyncAnswer answer = Read(cookie);
  ASSERT_EQ(answer.entries.size(), 1U);
  EXPECT_EQ(answer.entries[0].Find("isdeleted")->front(), "TRUE");
  attributes_ = {"userAccountControl"};
  EXPECT_TRUE(Read(cookie).entries.empty());
  attributes_.push_back("isDeleted");
  filter_ = "(&(objectCategory=person)(objectClass=user))";
  EXPECT_TRUE(Read(cookie).entries.empty());
}

TEST_F(DirSyncTest, WithoutTheRightOnlyByObjectAndWithoutDeletions) {
  const std::string cookie = CookieNow();
  ASSERT_TRUE(world_.directory().Delete("u0000004", Now()).ok());
  ASSERT_TRUE(world_.directory().Disable("u0000005", Now()).ok());
  rights_.replicate = false;
  EXPECT_EQ(Read(cookie).result.code, kLdapInsufficientAccess);
  flags_ = 1;
  EXPECT_EQ(Read(cookie).entries.size(), 1U);
}

TEST_F(DirSyncTest, RefusesStrangersCookiesAndOtherBases) {
  EXPECT_EQ(Read("garbage").result.code, kLdapUnavailableCriticalExtension);
  const DirSyncRequest request;
  search_.base = Cat("OU=People,", kBase);
  EXPECT_EQ(ReadDirSync(world_, 0, search_, request, rights_, Now()).result.code,
            kLdapInsufficientAccess);
}

class FixedClock final : public Clock {
 public:
  explicit FixedClock(absl::Time at) : at_(at) {}
  absl::Time Wall() const override { return at_; }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }

 private:
  const absl::Time at_;
};

// Requests one by one, without a socket.
class NotifyTest : public DirSyncTest {
 protected:
  NotifyTest() {
    options_.accounts.push_back({"svc", "secret"});
    LdapMessage bind;
    bind.operation = LdapOperation::kBind;
    bind.simple = true;
    bind.name = "svc";
    bind.password = "secret";
    EXPECT_NE(connection_.Handle(bind, /*secure=*/true).bytes, "");
  }
  // The answer; empty: it was accepted.
  std::string Watch(int32_t id, const std::string& filter = "(objectClass=*)",
                    const std::string& base = kBase) {
    LdapMessage search;
    search.id = id;
    search.operation = LdapOperation::kSearch;
    search.name = base;
    search.scope = LdapSearchRequest::Scope::kSubtree;
    search.filter = *ParseLdapFilter(filter);
    search.attributes = {"sAMAccountName", "isDeleted", "userAccountControl"};
    search.controls.push_back({std::string(kControlNotification), true, ""});
    return connection_.Handle(search, /*secure=*/true).bytes;
  }
  uint64_t Person(const std::string& sam) { return *world_.people().BySam(sam); }

  FixedClock clock_{Now()};
  LdapServerOptions options_;
  LdapFaults faults_;
  LdapConnection connection_{world_, clock_, options_, faults_};
};

TEST_F(NotifyTest, TellsOfChangesAndOfDeletionsAsWindowsDoes) {
  EXPECT_EQ(Watch(2), "");
  EXPECT_NE(connection_.Tell(Person("u0000004")).find("u0000004"), std::string::npos);
  ASSERT_TRUE(world_.directory().Delete("u0000004", Now()).ok());
  const std::string told = connection_.Tell(Person("u0000004"));
  EXPECT_NE(told.find("isDeleted"), std::string::npos);
  EXPECT_NE(told.find("CN=Deleted Objects"), std::string::npos);
}

TEST_F(NotifyTest, FiveOnAConnectionAndTheSixthIsRefused) {
  for (int32_t id = 2; id < 7; ++id) EXPECT_EQ(Watch(id), "");
  EXPECT_NE(Watch(7).find("MaxNotificationPerConn"), std::string::npos);
  LdapMessage abandon;
  abandon.operation = LdapOperation::kAbandon;
  abandon.abandoned = 3;
  connection_.Handle(abandon, /*secure=*/true);
  EXPECT_EQ(Watch(8), "") << "one was given up";
}

TEST_F(NotifyTest, OnlyPlainFiltersAndHeads) {
  EXPECT_NE(Watch(2, "(objectClass=user)").find("too complex"), std::string::npos);
  EXPECT_NE(Watch(3, "(objectClass=*)", Cat("OU=People,", kBase)), "");
  faults_.mute_notify = true;
  EXPECT_EQ(Watch(4), "");
  EXPECT_EQ(connection_.Tell(Person("u0000004")), "");
}

TEST(AttributeMetaData, IsXmlWithTheWritersTime) {
  Stamp stamp;
  stamp.version = 3;
  stamp.originating_time = *ParseRfc3339("2026-11-21T02:02:15Z");
  stamp.invocation_id = std::string(16, 'i');
  stamp.originating_usn = 9004;
  const std::string xml = AttributeMetaDataXml(kAttUserAccountControl, stamp, "CN=NTDS Settings");
  EXPECT_NE(xml.find("<pszAttributeName>userAccountControl</pszAttributeName>"), std::string::npos);
  EXPECT_NE(xml.find("<dwVersion>3</dwVersion>"), std::string::npos);
  EXPECT_NE(xml.find(">2026-11-21T02:02:15Z<"), std::string::npos);
  EXPECT_NE(xml.find("<usnOriginatingChange>9004<"), std::string::npos);
}

}  // namespace
}  // namespace driftwarden::simulator
