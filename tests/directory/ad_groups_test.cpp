#include "watchers/ad_groups.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "base/strings.h"
#include "tests/directory/fake_controller.h"
#include "tests/directory/run.h"

namespace driftwarden::watchers {
namespace {

using directory::Entry;
using directory::SearchPage;
using directory::SearchRequest;

// Answers by what the filter asks for.
class GroupSession final : public directory::Session {
 public:
  using Answer = std::function<StatusOr<SearchPage>(const SearchRequest&)>;
  explicit GroupSession(Answer answer) : answer_(std::move(answer)) {}
  bool RenewalDue() const override { return false; }
  void RenewalFailed(const Status&) override {}
  asio::awaitable<StatusOr<SearchPage>> Search(SearchRequest request) override {
    StatusOr<SearchPage> page = answer_(request);
    co_return page;
  }

 private:
  Answer answer_;
};

class GroupForest final : public directory::SessionFactory {
 public:
  asio::awaitable<StatusOr<std::unique_ptr<directory::Session>>> Open(
      directory::SessionOptions) override {
    ++opened;
    if (!failure.ok()) co_return failure;
    std::unique_ptr<directory::Session> session =
        std::make_unique<GroupSession>([this](const SearchRequest& r) { return Answer(r); });
    co_return session;
  }

  // A group by any of its names, and who is in it.
  void AddGroup(const std::string& name, int rid, std::vector<std::string> in) {
    sids[name] = monitor::Sid::Parse(Cat("S-1-5-21-1-2-3-", rid))->bytes;
    members[Cat("CN=", name, ",DC=corp")] = std::move(in);
  }

  std::map<std::string, std::string> sids;
  std::map<std::string, std::vector<std::string>> members;  // by DN
  std::vector<std::string> filters;
  Status failure;
  int opened = 0;

 private:
  StatusOr<SearchPage> Answer(const SearchRequest& request) {
    if (!failure.ok()) return failure;
    SearchPage page;
    if (request.base.empty()) {
      page.entries.emplace_back().attributes = {{"dsservicename", {"CN=NTDS Settings"}},
                                                {"highestcommittedusn", {"5"}},
                                                {"defaultnamingcontext", {"DC=corp"}},
                                                {"currenttime", {"20261121020200.0Z"}},
                                                {"issynchronized", {"TRUE"}}};
      return page;
    }
    if (request.base == "CN=NTDS Settings") {
      page.entries.emplace_back().attributes = {{"objectguid", {std::string(16, 'd')}},
                                                {"invocationid", {std::string(16, 'i')}}};
      return page;
    }
    filters.push_back(request.filter);
    if (request.filter.find("objectClass=group") != std::string::npos) {
      for (const auto& [name, sid] : sids) {
        const std::string text = monitor::Sid{sid}.ToString();
        const bool named = request.filter.find(Cat("(cn=", name, ")")) != std::string::npos;
        if (!named && request.filter.find(text) == std::string::npos) continue;
        Entry& entry = page.entries.emplace_back();
        entry.dn = Cat("CN=", name, ",DC=corp");
        entry.attributes = {{"objectsid", {sid}}, {"grouptype", {"-2147483646"}}};
      }
      return page;
    }
    for (const auto& [dn, in] : members) {
      if (request.filter.find(dn) == std::string::npos) continue;
      for (const std::string& account : in) {
        page.entries.emplace_back().attributes = {
            {"objectguid", {FakeController::GuidOf(account)}}};
      }
    }
    return page;
  }
};

class Groups : public ::testing::Test {
 protected:
  Groups() {
    AdSourceOptions options;
    options.name = monitor::SourceName("corp");
    options.servers = {"ldaps://dc1"};
    options.sight = sight_;
    groups_ = std::make_unique<AdGroups>(options, forest_, clock_, quiet_);
    forest_.AddGroup("Admins", 512, {"ada", "bob"});
    forest_.AddGroup("Helpers", 1234, {"bob"});
  }
  // What was told: account to groups.
  std::map<std::string, std::vector<std::string>> Refresh() {
    asio::io_context context;
    const auto changes = RunOn(context, groups_->Refresh());
    EXPECT_TRUE(changes.ok()) << changes.status();
    std::map<std::string, std::vector<std::string>> told;
    for (const monitor::Observation& seen : *changes) {
      const auto& view = std::get<monitor::AdView>(seen.view);
      EXPECT_TRUE(view.partial);
      std::string name(view.object_guid.Raw());
      told[name.substr(0, name.find('.'))] = *view.groups;
    }
    groups_->Told();
    return told;
  }
  static monitor::Guid Guid(const std::string& name) {
    return *monitor::Guid::FromBytes(FakeController::GuidOf(name));
  }
  using Names = std::vector<std::string>;

  GroupForest forest_;
  FakeClock clock_;
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  std::shared_ptr<AdSight> sight_ = std::make_shared<AdSight>(monitor::SourceName("corp"), quiet_);
  std::unique_ptr<AdGroups> groups_;
};

TEST_F(Groups, TellsEverybodyFirstAndThenWhatChanged) {
  EXPECT_FALSE(groups_->GroupsOf(Guid("ada"), nullptr).has_value());
  groups_->SetWanted({"Helpers", "Admins", "Admins"});
  auto told = Refresh();
  EXPECT_EQ(told["ada"], Names({"Admins"}));
  EXPECT_EQ(told["bob"], Names({"Admins", "Helpers"}));
  EXPECT_TRUE(Refresh().empty());
  forest_.members["CN=Admins,DC=corp"] = {"bob", "eve"};
  told = Refresh();
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(told["ada"], Names());
  EXPECT_EQ(told["eve"], Names({"Admins"}));
  EXPECT_EQ(groups_->GroupsOf(Guid("eve"), nullptr), Names({"Admins"}));
  EXPECT_EQ(groups_->GroupsOf(Guid("ada"), nullptr), Names());
  EXPECT_EQ(forest_.opened, 3) << "one a look";
}

TEST_F(Groups, FollowsNestingAndPrimaryGroupsOnTheServer) {
  groups_->SetWanted({"S-1-5-21-1-2-3-512"});
  Refresh();
  ASSERT_EQ(forest_.filters.size(), 2u);
  EXPECT_EQ(forest_.filters[0], "(&(objectClass=group)(objectSid=S-1-5-21-1-2-3-512))");
  EXPECT_EQ(forest_.filters[1],
            "(&(objectCategory=person)(objectClass=user)(|(memberOf:1.2.840.113556.1.4.1941:="
            "CN=Admins,DC=corp)(primaryGroupID=512)))");
}

TEST_F(Groups, AFailureOrALostGroupTakesNobodysTier) {
  groups_->SetWanted({"Admins"});
  Refresh();
  forest_.failure = UnavailableError("down");
  asio::io_context context;
  EXPECT_FALSE(RunOn(context, groups_->Refresh()).ok());
  EXPECT_EQ(groups_->GroupsOf(Guid("ada"), nullptr), Names({"Admins"}));
  forest_.failure = OkStatus();
  forest_.sids.clear();
  EXPECT_TRUE(Refresh().empty());
  EXPECT_EQ(groups_->GroupsOf(Guid("ada"), nullptr), Names({"Admins"}));
  ASSERT_EQ(sight_->findings().size(), 1u);
  EXPECT_EQ(sight_->findings().front().name, kGroupUnknown);
  forest_.AddGroup("Admins", 512, {"ada"});
  Refresh();
  EXPECT_TRUE(sight_->findings().empty());
}

TEST_F(Groups, TokensOfADirectLookAreFresherThanTheList) {
  groups_->SetWanted({"Admins"});
  Refresh();
  const std::vector<std::string> none;
  const std::vector<std::string> tokens = {forest_.sids["Admins"]};
  EXPECT_EQ(groups_->GroupsOf(Guid("ada"), &none), Names());
  EXPECT_EQ(groups_->GroupsOf(Guid("mallory"), &tokens), Names({"Admins"}));
}

}  // namespace
}  // namespace driftwarden::watchers
