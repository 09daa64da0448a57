// Which edits of the configuration a running daemon takes over, and which it refuses as a whole.

#include "daemon/config_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "base/strings.h"

namespace driftwarden::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kRunning[] = R"(data_dir: /var/lib/driftwarden
http: {listen: "127.0.0.1:9742"}
log: {level: info, format: json}
memory_budget: 256MiB
active_directory:
  - name: corp
    servers: [ldaps://dc1.corp.example]
    ca_file: /etc/ca.pem
    bind: {method: simple, user: svc@corp.example, password_file: /etc/pw}
  - name: emea
    servers: [ldaps://dc1.emea.example]
    ca_file: /etc/ca.pem
    bind: {method: simple, user: svc@emea.example, password_file: /etc/pw}
entra:
  - name: contoso
    tenant_id: 11111111-2222-3333-4444-555555555555
    credential: {client_id: aaaaaaaa-0000-4000-8000-000000000001, secret_file: /etc/secret}
  - name: fabrikam
    tenant_id: 11111111-2222-3333-4444-555555555556
    credential: {client_id: aaaaaaaa-0000-4000-8000-000000000002, secret_file: /etc/secret}
policy: {settle: 20s}
remediation: {mode: observe, budgets: {per_10m: 5}, breakers: {max_percent_per_day: 0.5}}
links:
  - name: corp-contoso
    active_directory: [corp]
    entra: contoso
  - name: emea-fabrikam
    active_directory: [emea]
    entra: fabrikam
    policy: {settle: 30s}
alerting: {alertmanagers: [{url: "http://127.0.0.1:9093"}]}
)";

Config Parsed(const std::string& text) {
  auto config = ParseConfig("f.yaml", text, false);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *std::move(config) : Config();
}

Config Edited(const std::string& from, const std::string& to) {
  std::string text = kRunning;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return Parsed(text.replace(at, from.size(), to));
}

std::vector<std::string> Restart(const std::string& from, const std::string& to) {
  return KeysThatNeedARestart(Parsed(kRunning), Edited(from, to));
}

std::vector<std::string> Changed(const std::string& from, const std::string& to) {
  std::vector<std::string> links;
  for (const monitor::Policy& policy : ChangedPolicies(Parsed(kRunning), Edited(from, to))) {
    links.push_back(policy.link.value);
  }
  return links;
}

TEST(ConfigChanges, TheSameFileChangesNothing) {
  EXPECT_THAT(Restart("data_dir", "data_dir"), IsEmpty());
  EXPECT_THAT(Changed("data_dir", "data_dir"), IsEmpty());
  EXPECT_THAT(Changed("memory_budget: 256MiB\n", ""), IsEmpty()) << "the default, written or not";
}

TEST(ConfigChanges, PolicyAndRemediationAreTakenOverInTheLinksTheyReach) {
  const std::pair<std::string, std::string> edits[] = {
      {"mode: observe", "mode: auto"},
      {"mode: observe", "mode: observe, modes: [{tier: tier0, mode: auto}]"},
      {"per_10m: 5", "per_10m: 50"},
      {"per_10m: 5", "per_10m: 5, per_person: 2/10m"},
      {"max_percent_per_day: 0.5", "max_percent_per_day: 2"},
      {"max_percent_per_day: 0.5", "quiet_after_first_baseline: 1h"},
      {"settle: 20s", "require_revocation: false"},
      {"settle: 20s", "tiers: [{name: finance, match: {ous: ['OU=F,DC=corp']}, revoke_after: 3m}]"},
  };
  for (const auto& [from, to] : edits) {
    EXPECT_THAT(Restart(from, to), IsEmpty()) << to;
    EXPECT_THAT(Changed(from, to), ElementsAre("corp-contoso", "emea-fabrikam")) << to;
  }
  EXPECT_THAT(Changed("settle: 20s", "settle: 25s"), ElementsAre("corp-contoso"));
  EXPECT_THAT(Changed("settle: 30s", "settle: 25s"), ElementsAre("emea-fabrikam"));
  EXPECT_THAT(Changed("entra: contoso", "entra: contoso\n    sync_engine: cloud_sync"),
              ElementsAre("corp-contoso"));
}

TEST(ConfigChanges, EverythingElseNeedsARestartAndIsNamed) {
  const std::pair<std::pair<std::string, std::string>, std::string> edits[] = {
      {{"/var/lib/driftwarden", "/srv/driftwarden"}, "data_dir"},
      {{"127.0.0.1:9742", "127.0.0.1:9743"}, "http.listen"},
      {{"127.0.0.1:9742\"", "127.0.0.1:9742\", tokens_file: /etc/tokens"}, "http.tokens_file"},
      {{"127.0.0.1:9742\"", "127.0.0.1:9742\", tls: {cert_file: /a, key_file: /b}"}, "http.tls"},
      {{"level: info", "level: debug"}, "log.level"},
      {{"format: json", "format: logfmt"}, "log.format"},
      {{"256MiB", "512MiB"}, "memory_budget"},
      {{"ldaps://dc1.corp.example", "ldaps://dc2.corp.example"}, "active_directory[corp]"},
      {{"dc1.emea.example]", "dc1.emea.example]\n    poll_interval: 7s"}, "active_directory[emea]"},
      {{"555555555556", "555555555557"}, "entra[fabrikam]"},
      {{"active_directory: [corp]", "active_directory: [corp, emea]"}, "links[corp-contoso]"},
      {{"http://127.0.0.1:9093", "http://127.0.0.1:9094"}, "alerting.alertmanagers"},
      {{"alerting: {", "alerting: {external_url: 'https://x', "}, "alerting.external_url"},
      {{"alerting: {", "alerting: {resend_interval: 30s, "}, "alerting.resend_interval"},
  };
  for (const auto& [edit, key] : edits) {
    EXPECT_THAT(Restart(edit.first, edit.second), ElementsAre(key)) << edit.second;
  }
  // A link or a source that comes, goes or gets another name.
  EXPECT_THAT(Restart("- name: emea-fabrikam", "- name: renamed"),
              ElementsAre("links[emea-fabrikam]", "links[renamed]"));
  // With something that could be taken over: still named, and nothing else is.
  EXPECT_THAT(Restart("256MiB\n", "512MiB\nevidence: {retention: 10h}\n"),
              ElementsAre("memory_budget"));
}

}  // namespace
}  // namespace driftwarden::daemon
