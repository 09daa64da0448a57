#include "watchers/graph/json.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace driftwarden::graph {
namespace {

using monitor::EntraDeletion;

constexpr char kLink[] = R"("@odata.deltaLink":"https://g/v1.0/users/delta?$deltatoken=a")";

class Json : public ::testing::Test {
 protected:
  StatusOr<UsersPage> Page(std::string body) { return decoder.DecodeUsersPage(body); }
  // A page of exactly this element.
  StatusOr<UsersPage> PageOf(std::string_view element) {
    return Page(Cat(R"({"value":[)", element, "],", kLink, "}"));
  }
  StatusOr<DecodedUser> User(std::string body) { return decoder.DecodeUser(body); }

  JsonDecoder decoder;
};

TEST_F(Json, ThePageOfTheDocuments) {
  const auto page = Page(
      R"json({"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(id)",
      "value":[
      {"id":"0B6F0C0E-0001","accountEnabled":false,"onPremisesImmutableId":"MyIRAFVEd2aImaq7zN3u/w=="},
      {"id":"0b6f0c0e-0002","@removed":{"reason":"changed"}},
      {"id":"0b6f0c0e-0003","@removed":{"reason":"deleted"}}],
      "@odata.deltaLink":"https://graph.microsoft.com/v1.0/users/delta?$deltatoken=Opaque_abc"})json");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->users.size(), 3u);
  EXPECT_EQ(page->users[0].id, "0b6f0c0e-0001") << "ids are one case";
  EXPECT_EQ(page->users[0].account_enabled, false);
  EXPECT_EQ(page->users[0].immutable_id->value, "MyIRAFVEd2aImaq7zN3u/w==");
  EXPECT_EQ(page->users[0].deletion, EntraDeletion::kLive);
  EXPECT_FALSE(page->users[0].sync_enabled.has_value()) << "absent is unknown";
  EXPECT_FALSE(page->users[0].upn.has_value());
  EXPECT_EQ(page->users[1].deletion, EntraDeletion::kSoft);
  EXPECT_FALSE(page->users[1].account_enabled.has_value());
  EXPECT_EQ(page->users[2].deletion, EntraDeletion::kHard);
  EXPECT_EQ(page->delta_link,
            "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=Opaque_abc");
  EXPECT_TRUE(page->next_link.empty());
  EXPECT_TRUE(page->flaws.empty());
}

TEST_F(Json, FieldsInAnyOrderAndTheLastOfEqualNamesWins) {
  const auto page = Page(
      R"({"@odata.nextLink":"https://g/n","value":[{"@removed":{"x":1,"reason":"changed"},
      "accountEnabled":true,"unknown":{"deep":[1,{"id":"no"}]},"accountEnabled":false,"id":"a-1"}]})");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->users.size(), 1u);
  EXPECT_EQ(page->users[0].id, "a-1");
  EXPECT_EQ(page->users[0].account_enabled, false);
  EXPECT_EQ(page->users[0].deletion, EntraDeletion::kSoft);
  EXPECT_EQ(page->next_link, "https://g/n");
}

TEST_F(Json, NullIsNotFalse) {
  const auto page = PageOf(
      R"({"id":"a","accountEnabled":null,"userPrincipalName":null,"onPremisesSyncEnabled":null,
      "onPremisesImmutableId":null,"onPremisesSecurityIdentifier":null,
      "signInSessionsValidFromDateTime":null,"deletedDateTime":null,"@removed":null})");
  ASSERT_TRUE(page.ok()) << page.status();
  const monitor::EntraView& user = page->users.at(0);
  EXPECT_FALSE(user.account_enabled.has_value());
  EXPECT_FALSE(user.upn.has_value());
  EXPECT_EQ(user.sync_enabled, false) << "null: never synced";
  ASSERT_TRUE(user.immutable_id.has_value()) << "read, and there is none";
  EXPECT_TRUE(user.immutable_id->empty());
  EXPECT_FALSE(user.on_premises_sid.has_value());
  EXPECT_FALSE(user.sessions_valid_from.has_value()) << "a feed's null says nothing";
  EXPECT_EQ(user.deletion, EntraDeletion::kLive);
  EXPECT_TRUE(page->flaws.empty());
}

TEST_F(Json, WhatTellsWhereAnAccountComesFrom) {
  const auto page = PageOf(
      R"({"id":"a","onPremisesDomainName":"Corp.example","userType":"Member","onPremisesSyncEnabled":false},
      {"id":"b","onPremisesDomainName":null,"userType":"Guest","onPremisesSyncEnabled":null},
      {"id":"c","userType":7,"onPremisesDomainName":{}},{"id":"d","userType":null})");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->users.size(), 4u);
  EXPECT_EQ(page->users[0].on_premises_domain, "Corp.example");
  EXPECT_EQ(page->users[0].guest, false);
  EXPECT_EQ(page->users[0].ever_synced, true) << "false: no longer";
  EXPECT_EQ(page->users[1].on_premises_domain, "") << "read, and there is none";
  EXPECT_EQ(page->users[1].guest, true);
  EXPECT_EQ(page->users[1].ever_synced, false) << "null: never";
  EXPECT_FALSE(page->users[2].guest.has_value());
  EXPECT_FALSE(page->users[2].on_premises_domain.has_value());
  EXPECT_FALSE(page->users[2].ever_synced.has_value());
  EXPECT_EQ(page->users[3].guest, false) << "older than the difference";
  EXPECT_EQ(page->flaws.size(), 1u);
}

TEST_F(Json, ADirectReadsNullSaysNeverRevoked) {
  const auto never = User(R"({"id":"a","signInSessionsValidFromDateTime":null})");
  ASSERT_TRUE(never.ok()) << never.status();
  EXPECT_TRUE(never->view.sessions_valid_from->never);
  const auto at = User(R"({"id":"a","signInSessionsValidFromDateTime":"2026-11-21T02:00:00Z"})");
  ASSERT_TRUE(at.ok()) << at.status();
  EXPECT_FALSE(at->view.sessions_valid_from->never);
  EXPECT_EQ(at->view.sessions_valid_from->at, absl::FromUnixSeconds(1795226400));
  const auto absent = User(R"({"id":"a"})");
  ASSERT_TRUE(absent.ok()) << absent.status();
  EXPECT_FALSE(absent->view.sessions_valid_from.has_value());
}

TEST_F(Json, ADeletedTimeIsASoftDeletion) {
  const auto user = User(R"({"deletedDateTime":"2026-11-20T02:00:00Z","id":"a"})");
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->view.deletion, EntraDeletion::kSoft);
}

TEST_F(Json, OneBadFieldCostsThatFieldOnly) {
  const auto page = PageOf(
      R"({"id":"a","displayName":"\uD800 lone","accountEnabled":"false","userPrincipalName":7,
      "onPremisesSecurityIdentifier":"S-1-x","signInSessionsValidFromDateTime":"yesterday",
      "onPremisesSyncEnabled":tru,"onPremisesSamAccountName":["x"]},{"id":"b","accountEnabled":true})");
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->users.size(), 2u);
  const monitor::EntraView& user = page->users[0];
  EXPECT_FALSE(user.display_name.has_value());
  EXPECT_FALSE(user.account_enabled.has_value()) << "the text \"false\" is not false";
  EXPECT_FALSE(user.upn.has_value());
  EXPECT_FALSE(user.on_premises_sid.has_value());
  EXPECT_FALSE(user.sessions_valid_from.has_value());
  EXPECT_FALSE(user.sync_enabled.has_value());
  EXPECT_FALSE(user.sam_account_name.has_value());
  EXPECT_EQ(page->users[1].account_enabled, true);
  ASSERT_EQ(page->flaws.size(), 1u);
  EXPECT_EQ(page->flaws[0].id, "a");
  EXPECT_NE(page->flaws[0].what.find("displayName, accountEnabled"), std::string::npos)
      << page->flaws[0].what;
}

TEST_F(Json, AnObjectWithoutAUsableIdIsLeftOut) {
  for (const char* element :
       {R"({"accountEnabled":true})", R"({"id":null})", R"({"id":5})", R"({"id":""})",
        R"({"id":"../../me"})", R"({"id":"\uD800"})", "7", "[]", "null"}) {
    const auto page = PageOf(Cat(element, R"(,{"id":"b"})"));
    ASSERT_TRUE(page.ok()) << element << page.status();
    EXPECT_EQ(page->users.size(), 1u) << element;
    EXPECT_GE(page->flaws.size(), 1u) << element;
  }
}

TEST_F(Json, ARemovalOfUnknownKindIsNoDeletion) {
  for (const char* removed : {R"({"reason":"vanished"})", "{}", "true", R"("deleted")", "[]"}) {
    const auto page = PageOf(Cat(R"({"id":"a","@removed":)", removed, "}"));
    ASSERT_TRUE(page.ok()) << removed << page.status();
    ASSERT_EQ(page->users.size(), 1u);
    EXPECT_FALSE(page->users[0].deletion.has_value()) << removed;
    EXPECT_EQ(page->flaws.size(), 1u) << removed;
  }
}

TEST_F(Json, APageOfTheWrongShapeIsDataLoss) {
  const std::string good = Cat(R"({"value":[{"id":"a"}],)", kLink, "}");
  ASSERT_TRUE(Page(good).ok());
  const std::vector<std::string> bad = {
      "",
      " ",
      "null",
      "[]",
      "7",
      "<html>",
      "{",
      R"({"value":[]})",
      Cat("{", kLink, "}"),
      Cat(R"({"value":{},)", kLink, "}"),
      Cat(R"({"value":null,)", kLink, "}"),
      Cat(R"({"value":[],"@odata.nextLink":"https://g/n",)", kLink, "}"),
      R"({"value":[],"@odata.deltaLink":7})",
      R"({"value":[],"@odata.nextLink":null})",
      Cat(good, "x"),
      Cat(good, good),
      Cat(R"({"value":[{"id":"a"} {"id":"b"}],)", kLink, "}"),
      Cat(R"({"value":[{"id" "a"}],)", kLink, "}"),
      Cat("{\"value\":[{\"id\":\"a\",\"displayName\":\"\xff\xfe\"}],", kLink, "}")};
  for (const std::string& body : bad) {
    const auto page = Page(body);
    EXPECT_TRUE(absl::IsDataLoss(page.status())) << body << " gave " << page.status();
  }
  // Every cut is seen: nothing of half a page is acted upon.
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(Page(good.substr(0, size)).status())) << size;
  }
}

TEST_F(Json, DepthCostsNothing) {
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  const auto ignored = PageOf(Cat(R"({"id":"a","x":)", deep, "}"));
  ASSERT_TRUE(ignored.ok()) << ignored.status();
  EXPECT_EQ(ignored->users.size(), 1u);
  const auto as_id = PageOf(Cat(R"({"id":)", deep, "}"));
  ASSERT_TRUE(as_id.ok()) << as_id.status();
  EXPECT_TRUE(as_id->users.empty());
  EXPECT_TRUE(absl::IsDataLoss(Page(std::string(200000, '[')).status()));
  EXPECT_TRUE(absl::IsDataLoss(Page(Cat(R"({"value":)", std::string(200000, '{'))).status()));
}

TEST_F(Json, ErrorsInBothSpellings) {
  for (const char* inner : {"innerError", "innererror"}) {
    std::string body = Cat(R"({"error":{")", inner,
                           R"(":{"request-id":"r","client-request-id":"c"},"message":"m",)"
                           R"("code":"syncStateNotFound"}})");
    const GraphError error = decoder.DecodeError(body);
    EXPECT_EQ(error.code, "syncStateNotFound");
    EXPECT_EQ(error.message, "m");
    EXPECT_EQ(error.request_id, "r");
    EXPECT_EQ(error.client_request_id, "c");
  }
  for (const char* other : {"", "<html>", R"({"error":"invalid_client"})", R"({"error":null})",
                            R"({"error":{"code":7}})", "[]", R"({"error":{"code":"x")"}) {
    std::string body = other;
    EXPECT_EQ(decoder.DecodeError(body).code, "") << other;
  }
}

TEST_F(Json, TokenRepliesOfBothKinds) {
  std::string good = R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,
      "refresh_in":1,"access_token":"eyJ0"})";
  auto reply = decoder.DecodeToken(good);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->access_token.Reveal(), "eyJ0");
  EXPECT_EQ(reply->expires_in, 3599);
  std::string text = R"({"access_token":"x","expires_in":"86399"})";
  EXPECT_EQ(decoder.DecodeToken(text)->expires_in, 86399);
  std::string bad = R"({"error":"invalid_client","error_description":"AADSTS7000215: no",
      "error_codes":[7000215,"50012",null],"trace_id":"t","correlation_id":"c"})";
  reply = decoder.DecodeToken(bad);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->error, "invalid_client");
  EXPECT_EQ(reply->error_codes, "7000215, 50012");
  EXPECT_EQ(reply->trace_id, "t");
}

TEST_F(Json, BatchAnswersInAnyOrder) {
  std::string body = R"({"responses":[
      {"body":{"error":{"code":"TooManyRequests","message":"..."}},"status":429,"id":"1",
       "headers":{"retry-AFTER":"7","Content-Type":"application/json"}},
      {"id":0,"status":200,"headers":{"Retry-After": 3 },"body":{"id":"a","accountEnabled":true} },
      {"id":"2","status":204},{"id":"3","status":"oops","body":"dGV4dA=="},
      {"id":"4","status":200,"body":{}}]})";
  const auto items = decoder.DecodeBatch(body);
  ASSERT_TRUE(items.ok()) << items.status();
  ASSERT_EQ(items->size(), 5u);
  EXPECT_EQ((*items)[0].status, 429);
  EXPECT_EQ((*items)[0].retry_after, "7");
  EXPECT_EQ((*items)[1].id, "0");
  EXPECT_EQ((*items)[1].retry_after, "3");
  std::string inner = (*items)[1].body;
  EXPECT_EQ(decoder.DecodeUser(inner)->view.account_enabled, true);
  EXPECT_EQ((*items)[2].status, 204);
  EXPECT_EQ((*items)[3].status, 0);
  EXPECT_TRUE((*items)[3].body.empty());
  EXPECT_EQ(TrimAscii((*items)[4].body), "{}");
  std::string none = R"({"value":[]})";
  EXPECT_FALSE(decoder.DecodeBatch(none).ok());
}

}  // namespace
}  // namespace driftwarden::graph
