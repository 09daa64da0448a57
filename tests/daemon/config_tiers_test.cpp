// Tiers of the configuration: what cannot be meant is a fault, what may be a mistake is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "daemon/config.h"
#include "daemon/config_advice.h"

namespace driftwarden::daemon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Ends in the middle of the link, so that a policy of its own can follow.
constexpr char kLink[] = R"(data_dir: /var/lib/driftwarden
active_directory:
  - {name: corp, servers: [ldaps://dc1], bind: {user: svc@corp, password_file: /etc/pw}}
entra:
  - name: contoso
    tenant_id: 11111111-2222-3333-4444-555555555555
    credential: {client_id: aaaaaaaa-0000-4000-8000-000000000001, secret_file: /etc/secret}
alerting: {alertmanagers: [{url: "http://127.0.0.1:9093"}]}
links:
  - name: corp-contoso
    active_directory: [corp]
    entra: contoso
)";

StatusOr<Config> WithTiers(const std::string& tiers) {
  return ParseConfig("f.yaml", Cat(kLink, "policy:\n  tiers:\n", tiers), false);
}

std::string FaultOf(const StatusOr<Config>& config) {
  return config.ok() ? "" : std::string(Message(config.status()));
}

std::vector<std::string> AdviceOf(const StatusOr<Config>& config) {
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? AdviceAbout(*config) : std::vector<std::string>();
}

TEST(ConfigTiers, OneNameTwiceIsAFaultAtTheSecond) {
  const auto twice = WithTiers(
      "    - {name: vip, match: {groups: [a]}}\n"
      "    - {warn_after: 1m, match: {groups: [b]}, name: vip}\n");
  EXPECT_EQ(FaultOf(twice),
            "f.yaml:16:52: policy.tiers[].name: tier \"vip\" stands twice; make one entry of both, "
            "or give this one another name");
  EXPECT_THAT(FaultOf(WithTiers("    - {name: standard}\n    - {name: standard}\n")),
              HasSubstr("f.yaml:16:14: policy.tiers[].name: tier \"standard\" stands twice"));
  EXPECT_EQ(FaultOf(WithTiers("    - {name: vip, match: {groups: [a]}}\n"
                              "    - {name: vip2, match: {groups: [b]}}\n")),
            "");
}

TEST(ConfigTiers, OneNameTwiceInALinksOwnPolicyIsToldWithItsPath) {
  const auto twice = ParseConfig(
      "f.yaml",
      Cat(kLink,
          "    policy: {tiers: [{name: a, match: {groups: [g]}}, {name: a, match: {groups: "
          "[h]}}]}\n"),
      false);
  EXPECT_THAT(FaultOf(twice), HasSubstr("links[].policy.tiers[].name: tier \"a\" stands twice"));
  const auto overridden =
      ParseConfig("f.yaml",
                  Cat(kLink, "    policy: {tiers: [{name: a, match: {groups: [g]}}]}\n",
                      "policy: {tiers: [{name: a, match: {groups: [h]}}]}\n"),
                  false);
  EXPECT_EQ(FaultOf(overridden), "") << "a link's tier replaces the file's of that name";
}

TEST(ConfigTiers, ATierOfNobodyIsAdvisedAbout) {
  const std::string advice =
      "its match is missing or empty, so it takes nobody; add match: {admin_count: true}, or "
      "groups, entra_roles or ous, or remove the tier";
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: tier0, warn_after: 1m}\n")),
              Contains(Cat("link corp-contoso, tier tier0: ", advice)));
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: vip, match: {groups: []}}\n")),
              Contains(Cat("link corp-contoso, tier vip: ", advice)));
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: vip, match: {groups: [a]}}\n")), IsEmpty());
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: standard, warn_after: 1m}\n")), IsEmpty());
}

TEST(ConfigTiers, StandardTakesWhomNoOtherTook) {
  EXPECT_EQ(FaultOf(WithTiers("    - {name: standard, match: {groups: [a]}}\n")),
            "f.yaml:15:31: policy.tiers[].match: tier \"standard\" takes whomever no other tier "
            "takes; remove match, or name the tier otherwise");
  EXPECT_EQ(FaultOf(WithTiers("    - {name: standard, match: {admin_count: false, ous: []}}\n")),
            "");
  const auto first = WithTiers(
      "    - {name: standard}\n"
      "    - {name: vip, match: {groups: [a]}}\n");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->links[0].tiers.back().name.value, "standard") << "wherever it stands";
  EXPECT_THAT(AdviceOf(first), IsEmpty());
}

TEST(ConfigTiers, AnOuThatIsNoDnIsAFault) {
  for (const std::string none : {"not a dn", "", "Staff", "OU=", "=Staff", "OU=A,,DC=b", "OU=A,"}) {
    EXPECT_THAT(FaultOf(WithTiers(Cat("    - {name: vip, match: {ous: ['", none, "']}}\n"))),
                HasSubstr("f.yaml:15:33: policy.tiers[].match.ous"))
        << none;
  }
  EXPECT_THAT(FaultOf(WithTiers("    - {name: vip, match: {ous: ['OU=A,DC=b', 'not a dn']}}\n")),
              HasSubstr("f.yaml:15:46: policy.tiers[].match.ous is \"not a dn\"; it must be the DN "
                        "of an OU, such as OU=Staff,DC=corp,DC=example"));
  for (const std::string dn :
       {"OU=A,DC=b", "ou=staff, dc=corp", "OU=A\\, B,DC=c", "CN=Users,DC=c", "OU=A=B,DC=c",
        "OU=Ünits (x)/y,DC=c", "OU=A\\2C B,DC=c", "2.5.4.11=A,DC=c", "OU = A , DC = c"}) {
    EXPECT_EQ(FaultOf(WithTiers(Cat("    - {name: vip, match: {ous: ['", dn, "']}}\n"))), "") << dn;
  }
  EXPECT_THAT(FaultOf(ParseConfig(
                  "f.yaml", Cat(kLink, "policy: {classes: {service: {ous: [Robots]}}}\n"), false)),
              HasSubstr("f.yaml:13:36: policy.classes.service.ous is \"Robots\""));
  EXPECT_EQ(
      FaultOf(ParseConfig(
          "f.yaml", Cat(kLink, "policy: {classes: {service: {ous: ['OU=R,DC=c']}}}\n"), false)),
      "");
}

TEST(ConfigTiers, ThresholdsOutOfReasonAreRefusedOrAdvised) {
  EXPECT_THAT(FaultOf(WithTiers("    - {name: standard, warn_after: 99999999999h}\n")),
              HasSubstr("f.yaml:15:36: policy.tiers[].warn_after: \"99999999999h\" is too long"));
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: standard, warn_after: 31d, breach_after: 31d}\n")),
              ElementsAre("link corp-contoso, tier standard: warn_after is 31 d 0 h: for so long "
                          "nobody is paged about who is live in Entra",
                          "link corp-contoso, tier standard: breach_after is 31 d 0 h: for so long "
                          "nobody is paged critically about who is live in Entra"));
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: standard, warn_after: 30d, breach_after: 30d}\n")),
              IsEmpty());
  EXPECT_THAT(AdviceOf(WithTiers("    - {name: standard, warn_after: 2h, breach_after: 1h}\n")),
              ElementsAre(HasSubstr("warn_after is later than breach_after")));
}

TEST(ConfigTiers, NobodyToTellIsAdvised) {
  std::string text = kLink;
  const std::string told = "alerting: {alertmanagers: [{url: \"http://127.0.0.1:9093\"}]}\n";
  text.erase(text.find(told), told.size());
  EXPECT_THAT(AdviceOf(ParseConfig("f.yaml", text, false)),
              ElementsAre(HasSubstr("alerting.alertmanagers is empty: nobody is told")));
}

}  // namespace
}  // namespace driftwarden::daemon
