// Who may do what, and the file of tokens.

#include "daemon/auth.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/strings.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::daemon {
namespace {

net::ServerRequest Over(const std::string& token) {
  net::ServerRequest request;
  if (!token.empty()) request.headers.emplace_back("authorization", token);
  return request;
}

net::ServerRequest OverSocket(std::optional<uid_t> uid) {
  net::ServerRequest request;
  request.over_unix = true;
  request.peer_uid = uid;
  return request;
}

Authenticator WithTokens() {
  return Authenticator({{"grafana", Role::kViewer, Sha256("viewing")},
                        {"ops", Role::kOperator, Sha256("operating")}});
}

TEST(Authenticator, ALoopbackListenerWithoutTokensLetsEverybodyRead) {
  const Authenticator open({});
  const auto caller = open.Identify(Over(""));
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->actor, "anonymous");
  EXPECT_TRUE(open.Require(*caller, Role::kViewer).ok());
  const Status refused = open.Require(*caller, Role::kOperator);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(Message(refused).find("control.sock"), std::string_view::npos);
}

TEST(Authenticator, TheSocketIsForRootAndOurselves) {
  const Authenticator open({});
  for (const uid_t uid : {uid_t{0}, ::geteuid()}) {
    const auto caller = open.Identify(OverSocket(uid));
    ASSERT_TRUE(caller.ok()) << caller.status();
    EXPECT_TRUE(caller->actor.starts_with("uid:")) << caller->actor;
    EXPECT_TRUE(open.Require(*caller, Role::kAdmin).ok());
  }
  EXPECT_EQ(open.Identify(OverSocket(::geteuid() + 4711)).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(open.Identify(OverSocket(std::nullopt)).status().code(), StatusCode::kPermissionDenied);
}

TEST(Authenticator, TheSocketNeedsNoTokenWhereOthersDo) {
  EXPECT_TRUE(WithTokens().Identify(OverSocket(::geteuid())).ok());
}

TEST(Authenticator, ATokenGivesItsRole) {
  const Authenticator tokens = WithTokens();
  const auto viewer = tokens.Identify(Over("Bearer viewing"));
  ASSERT_TRUE(viewer.ok());
  EXPECT_EQ(viewer->actor, "grafana");
  EXPECT_TRUE(tokens.Require(*viewer, Role::kViewer).ok());
  const Status refused = tokens.Require(*viewer, Role::kOperator);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Message(refused), "\"grafana\" is viewer; this needs operator");
  const auto op = tokens.Identify(Over("Bearer operating"));
  ASSERT_TRUE(op.ok());
  EXPECT_TRUE(tokens.Require(*op, Role::kOperator).ok());
  EXPECT_FALSE(tokens.Require(*op, Role::kApprover).ok());
  EXPECT_FALSE(tokens.Require(*op, Role::kAdmin).ok());
}

TEST(Authenticator, NoTokenOrAnUnknownOneIsNobody) {
  const Authenticator tokens = WithTokens();
  for (const std::string header : {"", "viewing", "Basic viewing", "Bearer", "Bearer ",
                                   "Bearer viewing ", "Bearer Viewing", "Bearer view"}) {
    EXPECT_EQ(tokens.Identify(Over(header)).status().code(), StatusCode::kUnauthenticated)
        << header;
  }
}

TEST(Authenticator, AnUnknownTokenIsNotRepeated) {
  const auto caller = WithTokens().Identify(Over("Bearer s3cret"));
  EXPECT_EQ(Message(caller.status()).find("s3cret"), std::string_view::npos);
}

class Tokens : public ::testing::Test {
 protected:
  StatusOr<std::vector<Token>> Load(const std::string& text) {
    EXPECT_TRUE(WriteFileAtomic(path_, text, 0600).ok());
    return LoadTokens(path_);
  }
  // Every line of what is wrong, without the file's name.
  std::vector<std::string> Faults(const std::string& text) {
    const auto tokens = Load(text);
    EXPECT_FALSE(tokens.ok()) << text;
    std::vector<std::string> out;
    for (const std::string& line : SplitString(Message(tokens.status()), '\n')) {
      EXPECT_TRUE(line.starts_with(path_ + ":")) << line;
      out.push_back(line.substr(std::min(line.size(), path_.size() + 1)));
    }
    return out;
  }

  const testing::TempDirectory folder_;
  const std::string path_ = folder_.path() + "/tokens.yaml";
};

std::string DigestText(const std::string& token) {
  return HexEncode(DigestBytes(Sha256(token)));
}

TEST_F(Tokens, AreReadWithTheirRoles) {
  const auto tokens = Load(Cat("- {name: grafana, role: viewer, sha256: ", DigestText("a"),
                               "}\n- name: lead\n  role: approver\n  sha256: \"", DigestText("b"),
                               "\"\n- {name: root, role: admin, sha256: ", DigestText("c"), "}\n"));
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  ASSERT_EQ(tokens->size(), 3u);
  EXPECT_EQ((*tokens)[0].name, "grafana");
  EXPECT_EQ((*tokens)[0].role, Role::kViewer);
  EXPECT_EQ((*tokens)[0].digest, Sha256("a"));
  EXPECT_EQ((*tokens)[1].role, Role::kApprover);
  EXPECT_EQ((*tokens)[1].digest, Sha256("b"));
  EXPECT_EQ((*tokens)[2].role, Role::kAdmin);
}

TEST_F(Tokens, EveryFaultNamesItsPlaceAndItsMend) {
  const std::vector<std::string> faults = Faults(
      "- {name: a, role: viewer, sha256: letmein}\n"
      "- {name: b, role: boss, sha256: " +
      DigestText("b") +
      "}\n"
      "- {role: viewer, sha256: " +
      DigestText("c") +
      "}\n"
      "- {name: d, role: viewer}\n"
      "- {name: e, sha256: " +
      DigestText("e") +
      "}\n"
      "- {name: f, role: viewer, sha256: " +
      DigestText("f") + ", rôle: admin}\n");
  ASSERT_EQ(faults.size(), 6u) << JoinStrings(faults, "\n");
  EXPECT_EQ(faults[0],
            "1:35: tokens[].sha256 must be 64 hexadecimal digits (printf %s TOKEN | sha256sum)");
  EXPECT_EQ(faults[1],
            "2:19: tokens[].role is \"boss\"; it must be one of viewer, operator, approver, admin");
  EXPECT_EQ(faults[2], "3:3: tokens[].name is missing; add name: grafana");
  EXPECT_EQ(faults[3], "4:3: tokens[].sha256 is missing; add sha256: the token's SHA-256 in hex");
  EXPECT_EQ(faults[4], "5:3: tokens[].role is missing; add role: viewer");
  EXPECT_TRUE(faults[5].starts_with("6:")) << faults[5];
  EXPECT_NE(faults[5].find("unknown key"), std::string::npos) << faults[5];
}

TEST_F(Tokens, ASecretInThePlaceOfADigestIsNotRepeated) {
  EXPECT_EQ(Faults("- {name: a, role: viewer, sha256: letmein}")[0].find("letmein"),
            std::string::npos);
}

TEST_F(Tokens, TheFileMustBeAListOfMappings) {
  EXPECT_EQ(Faults("{name: a}")[0], "1:1: must be a list of - {name, role, sha256}");
  EXPECT_EQ(Faults("[]")[0], "1:1: must be a list of - {name, role, sha256}");
  EXPECT_TRUE(Faults("- a\n")[0].starts_with("1:3: tokens[] must be a mapping"));
  EXPECT_TRUE(Faults("- {a\n")[0].find("not YAML") != std::string::npos);
}

TEST_F(Tokens, AMissingFileIsNamed) {
  const auto tokens = LoadTokens(folder_.path() + "/none.yaml");
  EXPECT_FALSE(tokens.ok());
  EXPECT_NE(Message(tokens.status()).find("none.yaml"), std::string_view::npos);
}

}  // namespace
}  // namespace driftwarden::daemon
