#include "watchers/directory/ldap_result.h"

#include <gtest/gtest.h>

#include <string>

namespace driftwarden::directory {
namespace {

Peer Corp() {
  Peer peer;
  peer.source = "corp";
  peer.server = "dc1:636";
  peer.user = "svc-drift@corp.example";
  peer.credentials = "bind.user and password_file";
  return peer;
}

TEST(LdapResult, RefusedBindSaysWhyAndWhatToDo) {
  const LdapResult result{49,
                          "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, "
                          "data 52e, v1db0"};
  const Status status = BindRefused(Corp(), result);
  EXPECT_EQ(status.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(
      std::string(status.message()),
      "corp: bind as svc-drift@corp.example refused by dc1:636 (invalidCredentials, data 52e: "
      "wrong user or password); check bind.user and password_file");
}

TEST(LdapResult, EverySubCodeOfABindHasAMeaning) {
  EXPECT_EQ(BindReason("x, data 533, v"), "data 533: the account is disabled");
  EXPECT_EQ(BindReason("x, data 775, v"), "data 775: the account is locked");
  EXPECT_EQ(BindReason("x, data 999, v"), "data 999");
  EXPECT_EQ(BindReason("data "), "");
  EXPECT_EQ(BindReason("nothing"), "");
}

TEST(LdapResult, CodesMapNarrowly) {
  const auto code = [](int ldap) {
    return SearchRefused(Corp(), "DC=corp", LdapResult{ldap, ""}).code();
  };
  EXPECT_EQ(code(3), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(4), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(11), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(32), StatusCode::kNotFound);
  EXPECT_EQ(code(34), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(50), StatusCode::kPermissionDenied);
  EXPECT_EQ(code(51), StatusCode::kUnavailable);
  EXPECT_EQ(code(52), StatusCode::kUnavailable);
  EXPECT_EQ(code(53), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(1), StatusCode::kUnavailable);
  EXPECT_EQ(code(4711), StatusCode::kUnavailable);
}

TEST(LdapResult, TheServersWordsArePrintedSafely) {
  const Status status = SearchRefused(Corp(), "DC=corp\n", LdapResult{4711, "a\r\nb"});
  EXPECT_EQ(std::string(status.message()),
            "corp: search of \"DC=corp\\x0a\" refused by dc1:636 (result code 4711: a\\x0d\\x0ab)");
}

}  // namespace
}  // namespace driftwarden::directory
