// The configuration: what a whole one means, and that every fault names its place and its mend.

#include "daemon/config.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "daemon/config_changes.h"

namespace driftwarden::daemon {
namespace {

constexpr char kWhole[] = R"(data_dir: /var/lib/driftwarden
http: {listen: "127.0.0.1:0"}
active_directory:
  - name: corp
    servers: [ldaps://dc1.corp.example]
    ca_file: /etc/ca.pem
    bind: {method: simple, user: svc@corp.example, password_file: /etc/pw}
entra:
  - name: contoso
    tenant_id: 11111111-2222-3333-4444-555555555555
    credential: {client_id: aaaaaaaa-0000-4000-8000-000000000001, secret_file: /etc/secret}
links:
  - name: corp-contoso
    active_directory: [corp]
    entra: contoso
)";

StatusOr<Config> Parse(const std::string& text) {
  return ParseConfig("f.yaml", text, false);
}

// The whole file with one line's text replaced; must occur.
std::string With(const std::string& from, const std::string& to) {
  std::string text = kWhole;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string WithBind(const std::string& keys) {
  return With("method: simple, user: svc@corp.example, password_file: /etc/pw", keys);
}

TEST(Config, ATenantsLogsAreReadUnlessTheyAreSwitchedOff) {
  const auto as_is = Parse(kWhole);
  ASSERT_TRUE(as_is.ok()) << as_is.status();
  EXPECT_TRUE(as_is->tenants[0].directory_audits && as_is->tenants[0].sign_ins);
  const std::string tenant = "    tenant_id:";
  EXPECT_TRUE(as_is->tenants[0].residue);
  const auto off =
      Parse(With(tenant, Cat("    evidence: {sign_ins: false, residue: false}\n", tenant)));
  ASSERT_TRUE(off.ok()) << off.status();
  EXPECT_TRUE(off->tenants[0].directory_audits);
  EXPECT_FALSE(off->tenants[0].residue);
  EXPECT_FALSE(off->tenants[0].sign_ins);
  EXPECT_FALSE(off->tenants[0] == as_is->tenants[0]) << "a reload says that it needs a restart";
}

TEST(Config, WithoutServersControllersAreLookedForInTheDomainThatIsKnown) {
  const std::string servers = "    servers: [ldaps://dc1.corp.example]\n";
  const auto domain_of = [](const StatusOr<Config>& config) {
    return config.ok() ? config->directories[0].domain : std::string(Message(config.status()));
  };
  EXPECT_EQ(domain_of(Parse(With(servers, ""))), "corp.example") << "by the account's name";
  EXPECT_EQ(domain_of(Parse(With(servers, "    base_dn: OU=Staff,DC=sub,DC=corp\n"))), "sub.corp");
  EXPECT_EQ(domain_of(Parse(With(servers, "    base_dn: DC=sub\n    domain: other.example\n"))),
            "other.example");
  const auto named = Parse(With(servers, "    servers: []\n    name_server: 10.0.0.53:5353\n"));
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_TRUE(named->directories[0].servers.empty());
  EXPECT_EQ(named->directories[0].name_server, "10.0.0.53:5353");
}

std::string WithCredential(const std::string& keys) {
  return With("client_id: aaaaaaaa-0000-4000-8000-000000000001, secret_file: /etc/secret", keys);
}

TEST(Config, EveryKindOfCredentialIsRead) {
  using Kind = graph::CredentialOptions::Kind;
  const auto read = [](const std::string& keys) {
    const auto config = Parse(WithCredential(keys));
    EXPECT_TRUE(config.ok()) << config.status();
    return config.ok() ? config->tenants[0].credential : graph::CredentialOptions();
  };
  EXPECT_EQ(read("client_id: a, secret_file: /s").kind, Kind::kSecret);
  const auto pem = read(
      "client_id: a, certificate_file: /c, private_key_file: /k, passphrase_file: /p, assertion: "
      "rs256");
  EXPECT_EQ(pem.kind, Kind::kCertificate);
  EXPECT_EQ(pem.certificate_file + pem.private_key_file + pem.passphrase_file, "/c/k/p");
  EXPECT_TRUE(pem.rs256);
  EXPECT_FALSE(read("client_id: a, certificate_file: /c.pfx").rs256);
  EXPECT_EQ(read("client_id: a, federated_token_file: /f").federated_token_file, "/f");
  EXPECT_EQ(read("managed_identity: {}").kind, Kind::kManagedIdentity);
  EXPECT_EQ(read("managed_identity: {client_id: m}").client_id, "m");
  const auto proxied = Parse(With("    credential:",
                                  "    proxy: http://proxy.corp.example:3128/\n"
                                  "    proxy_credentials_file: /etc/proxy\n    credential:"));
  ASSERT_TRUE(proxied.ok()) << proxied.status();
  EXPECT_EQ(proxied->tenants[0].proxy, "http://proxy.corp.example:3128");
  EXPECT_EQ(proxied->tenants[0].proxy_credentials_file, "/etc/proxy");
}

TEST(Config, KerberosNeedsNoTls) {
  std::string text = WithBind(
      "method: gssapi, principal: svc@CORP.EXAMPLE, keytab_file: /etc/kt, krb5_config: /etc/k5");
  for (const std::string server : {"ldap://dc1.corp.example", "ldaps://dc1.corp.example"}) {
    std::string edited = text;
    edited.replace(edited.find("ldaps://dc1.corp.example"), 24, server);
    const auto config = Parse(edited);
    ASSERT_TRUE(config.ok()) << config.status();
    const directory::BindOptions& bind = config->directories[0].bind;
    EXPECT_EQ(bind.method, directory::BindOptions::Method::kGssapi);
    EXPECT_EQ(bind.principal, "svc@CORP.EXAMPLE");
    EXPECT_EQ(bind.keytab_file, "/etc/kt");
    EXPECT_EQ(bind.krb5_config, "/etc/k5");
  }
  EXPECT_TRUE(Parse(WithBind("method: gssapi, credential_cache: /run/cc")).ok());
}

TEST(Config, ChangesAreFollowedAsTheFileSays) {
  const auto plain = Parse(kWhole);
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_FALSE(plain->directories[0].dirsync);
  EXPECT_TRUE(plain->directories[0].notifications);
  const auto other = Parse(With("    ca_file: /etc/ca.pem\n",
                                "    change_tracking: dirsync\n    notifications: false\n"));
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_TRUE(other->directories[0].dirsync);
  EXPECT_FALSE(other->directories[0].notifications);
  EXPECT_FALSE(Parse(With("    ca_file: /etc/ca.pem\n", "    change_tracking: cookies\n")).ok());
}

TEST(Config, WhoExpiredIsActedOnWhereThePolicySaysSo) {
  const auto config = Parse(Cat(kWhole, "policy: {act_on_expired: true}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->links[0].act_on_expired);
}

TEST(Config, AWholeFileGetsTheDefaultsOfTheContract) {
  const auto config = Parse(kWhole);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->http.port, 0);
  EXPECT_TRUE(config->http.IsLoopback());
  EXPECT_EQ(config->memory_budget, uint64_t{256} << 20);
  ASSERT_EQ(config->links.size(), 1u);
  const monitor::Policy& link = config->links[0];
  EXPECT_EQ(link.link.value, "corp-contoso");
  EXPECT_EQ(link.remediation.mode, monitor::Mode::kObserve);
  EXPECT_TRUE(link.require_revocation);
  EXPECT_FALSE(link.act_on_expired);
  ASSERT_EQ(link.tiers.size(), 2u);
  EXPECT_EQ(link.tiers[0].name.value, "tier0");
  EXPECT_TRUE(link.tiers[0].match.admin_count);
  EXPECT_EQ(link.tiers[1].name.value, "standard");
  EXPECT_FALSE(link.tiers[1].warn_after.has_value());
  EXPECT_EQ(link.poll_intervals.at(monitor::SourceName("corp")), absl::Seconds(5));
  EXPECT_EQ(link.poll_intervals.at(monitor::SourceName("contoso")), absl::Seconds(15));
}

TEST(Config, WrittenThresholdsAndModesAreKept) {
  const auto config = Parse(std::string(kWhole) + R"(policy:
  settle: 0s
  access_token_lifetime: 8h
  tiers:
    - {name: standard, warn_after: 10s, breach_after: 1m}
    - {name: vip, match: {ous: ["OU=VIP,DC=corp"]}, revoke_after: 2s}
remediation:
  mode: auto
  modes: [{tier: vip, mode: observe}]
  budgets: {per_10m: 7, per_person: 3/1h}
  breakers: {max_percent_per_day: 2.5, quiet_after_first_baseline: 0s}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  const monitor::Policy& link = config->links[0];
  EXPECT_EQ(link.settle, absl::ZeroDuration());
  EXPECT_EQ(link.access_token_lifetime, absl::Hours(8));
  ASSERT_EQ(link.tiers.size(), 2u);
  EXPECT_EQ(link.tiers[0].name.value, "vip");  // standard always comes last
  EXPECT_EQ(link.tiers[1].warn_after, absl::Seconds(10));
  EXPECT_EQ(link.remediation.mode, monitor::Mode::kAuto);
  EXPECT_EQ(monitor::ModeFor(link, monitor::TierName("vip"), monitor::ActionKind::kRevokeSessions),
            monitor::Mode::kObserve);
  EXPECT_EQ(link.remediation.budgets.per_10m, 7);
  EXPECT_EQ(link.remediation.budgets.per_person, 3);
  EXPECT_EQ(link.remediation.budgets.per_person_window, absl::Hours(1));
  EXPECT_DOUBLE_EQ(link.remediation.breakers.max_percent_per_day, 2.5);
}

TEST(Config, AnEmptyListOfActionsLeavesNone) {
  const auto actions = [](const std::string& written) {
    const auto config = Parse(std::string(kWhole) + "remediation: {mode: auto" + written + "}\n");
    EXPECT_TRUE(config.ok()) << config.status();
    return config.ok() ? config->links[0].remediation.actions : std::vector<monitor::ActionKind>();
  };
  const std::vector<monitor::ActionKind> revoke = {monitor::ActionKind::kRevokeSessions};
  EXPECT_TRUE(actions(", actions: []").empty());
  EXPECT_EQ(actions(", actions: [revoke_sessions]"), revoke);
  EXPECT_EQ(actions(", actions: [revoke_sessions, revoke_sessions]"), revoke);
  EXPECT_EQ(actions(", actions: "), revoke);
  EXPECT_EQ(actions(""), revoke);
}

TEST(Config, AModeMayNameTheTiersOfAnyLinkOrOfItsOwn) {
  const std::string text = With("    entra: contoso\n", R"(    entra: contoso
    policy: {tiers: [{name: vip, match: {ous: ["OU=VIP,DC=corp"]}}]}
  - {name: b, active_directory: [corp], entra: fabrikam}
)");
  std::string whole = text;
  whole.insert(whole.find("links:"),
               "  - name: fabrikam\n"
               "    tenant_id: 11111111-2222-3333-4444-666666666666\n"
               "    credential: {client_id: aaaaaaaa-0000-4000-8000-000000000001, "
               "secret_file: /etc/secret}\n");
  const auto parse = [&](const std::string& mode) {
    return Parse(whole + "remediation:\n  modes:\n    - {" + mode + ", mode: auto}\n");
  };
  EXPECT_TRUE(parse("tier: vip").ok()) << parse("tier: vip").status();
  EXPECT_TRUE(parse("tier: vip, link: corp-contoso").ok());
  EXPECT_TRUE(parse("tier: standard, link: b").ok());
  const auto wrong = parse("tier: vip, link: b");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(Message(wrong.status()),
            "f.yaml:23:14: remediation.modes[].tier: there is no tier \"vip\"; name one of "
            "standard, tier0");
}

TEST(Config, TheAuthenticationModeIsOneOfFour) {
  const auto mode = [](const std::string& written) {
    const auto config =
        Parse(With("    entra: contoso\n", "    entra: contoso\n    auth_mode: " + written + "\n"));
    EXPECT_TRUE(config.ok()) << config.status();
    return config.ok() ? config->links[0].auth_mode : std::nullopt;
  };
  EXPECT_EQ(mode("password_hash_sync"), monitor::AuthMode::kPasswordHashSync);
  EXPECT_EQ(mode("pass_through"), monitor::AuthMode::kPassThrough);
  EXPECT_EQ(mode("federated"), monitor::AuthMode::kFederated);
  EXPECT_EQ(mode("auto"), std::nullopt) << "the tenant tells";
  const auto unknown =
      Parse(With("    entra: contoso\n", "    entra: contoso\n    auth_mode: kerberos\n"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(Message(unknown.status()),
            "f.yaml:16:16: links[].auth_mode is \"kerberos\"; it must be one of auto, "
            "password_hash_sync, pass_through, federated");
}

TEST(Config, ADomainMayHaveAnAuthenticationModeOfItsOwn) {
  const auto with = [](const std::string& domains) {
    return Parse(
        With("    entra: contoso\n", "    entra: contoso\n    domains: " + domains + "\n"));
  };
  const auto config = with("{A.Example: federated, b.example: pass_through}");
  ASSERT_TRUE(config.ok()) << config.status();
  const std::map<std::string, monitor::AuthMode> expected = {
      {"a.example", monitor::AuthMode::kFederated}, {"b.example", monitor::AuthMode::kPassThrough}};
  EXPECT_EQ(config->links[0].auth_domains, expected);
  EXPECT_FALSE(with("{a.example: auto}").ok());
  EXPECT_FALSE(with("[a.example]").ok());
}

TEST(Config, TiersByRoleAndFurtherActorsAreRead) {
  const auto config = Parse(With("    entra: contoso\n",
                                 "    entra: contoso\n    sync_actors: [sync@corp.example]\n"
                                 "    policy: {tiers: [{name: tier0, match: "
                                 "{entra_roles: [Global Administrator]}}]}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  const monitor::Policy& link = config->links[0];
  EXPECT_EQ(link.sync_actors, std::vector<std::string>{"sync@corp.example"});
  EXPECT_EQ(link.tiers.front().match.entra_roles, std::vector<std::string>{"Global Administrator"});
}

struct Fault {
  std::string name;
  std::string text;
  std::string expected;  // FILE:LINE:COLUMN: and the beginning of what
};

class ConfigFault : public ::testing::TestWithParam<Fault> {};

TEST_P(ConfigFault, NamesFileLineColumnAndMend) {
  const auto config = Parse(GetParam().text);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Message(config.status()).find(GetParam().expected), std::string_view::npos)
      << Message(config.status());
}

INSTANTIATE_TEST_SUITE_P(
    All, ConfigFault,
    ::testing::Values(
        Fault{"UnknownKey", With("    ca_file: /etc", "    ca_fiel: /etc"),
              "f.yaml:6:5: unknown key active_directory[].ca_fiel; known here: base_dn"},
        Fault{"WrongDuration",
              With("    entra: contoso\n", "    entra: contoso\n    policy: {settle: 5 minutes}\n"),
              "f.yaml:16:22: links[].policy.settle: \"5 minutes\" is not a duration"},
        Fault{"TokensTooShort",
              With("    entra: contoso\n",
                   "    entra: contoso\n    policy: {access_token_lifetime: 9m}\n"),
              "f.yaml:16:37: links[].policy.access_token_lifetime"},
        Fault{"TokensTooLong",
              With("    entra: contoso\n",
                   "    entra: contoso\n    policy: {access_token_lifetime: 25h}\n"),
              "f.yaml:16:37: links[].policy.access_token_lifetime"},
        Fault{"TooShort", With("    ca_file: /etc/ca.pem", "    poll_interval: 100ms"),
              "f.yaml:6:20: active_directory[].poll_interval is \"100ms\"; it must be at least "
              "200ms"},
        Fault{"PasswordOverOpenConnection", With("ldaps://dc1", "ldap://dc1"),
              "f.yaml:5:14: active_directory[].servers: \"ldap://dc1.corp.example\" does not fit "
              "start_tls"},
        Fault{"NobodySaysWhichDomain",
              With("    servers: [ldaps://dc1.corp.example]\n    ca_file: /etc/ca.pem\n    bind: "
                   "{method: simple, user: svc@corp.example,",
                   "    bind: {user: CORP\\svc,"),
              "f.yaml:4:5: active_directory[].servers is missing, and no domain"},
        Fault{"NameServerByName",
              With("    ca_file: /etc/ca.pem", "    name_server: dns.corp.example"),
              "f.yaml:6:18: active_directory[].name_server is \"dns.corp.example\"; it must be an "
              "IPv4 ADDRESS"},
        Fault{"MissingPassword", With(", password_file: /etc/pw", ""),
              "f.yaml:7:11: active_directory[].bind.password_file is missing"},
        Fault{"MissingKeytab", WithBind("method: gssapi, principal: svc@CORP.EXAMPLE"),
              "f.yaml:7:11: active_directory[].bind.keytab_file is missing; add keytab_file"},
        Fault{"KeytabOfNobody", WithBind("method: gssapi, keytab_file: /etc/kt"),
              "f.yaml:7:11: active_directory[].bind.principal is missing; add principal: "
              "svc-drift@CORP.EXAMPLE"},
        Fault{"PrincipalWithoutRealm",
              WithBind("method: gssapi, keytab_file: /etc/kt, principal: svc"),
              "f.yaml:7:61: active_directory[].bind.principal is \"svc\"; it must be NAME@REALM"},
        Fault{"KeytabAndCache",
              WithBind("method: gssapi, keytab_file: /a, credential_cache: /b, principal: s@R"),
              "f.yaml:7:11: active_directory[].bind.keytab_file and credential_cache exclude each "
              "other"},
        Fault{"PasswordForKerberos",
              WithBind("method: gssapi, keytab_file: /a, principal: s@R, password_file: /p"),
              "f.yaml:7:76: active_directory[].bind.password_file belongs to method: simple"},
        Fault{"KeytabForAPassword", WithBind("user: u, password_file: /p, keytab_file: /a"),
              "f.yaml:7:53: active_directory[].bind.keytab_file belongs to method: gssapi"},
        Fault{"NoCredential", WithCredential("client_id: a"),
              "f.yaml:11:17: entra[].credential.secret_file is missing"},
        Fault{"TwoCredentials",
              WithCredential("client_id: a, secret_file: /s, certificate_file: /c"),
              "f.yaml:11:17: entra[].credential.secret_file and certificate_file exclude each "
              "other"},
        Fault{"KeyWithoutCertificate",
              WithCredential("client_id: a, secret_file: /s, private_key_file: /k"),
              "f.yaml:11:67: entra[].credential.private_key_file belongs to certificate_file"},
        Fault{"ApplicationOfAMachine", WithCredential("client_id: a, managed_identity: {}"),
              "f.yaml:11:29: entra[].credential.client_id has no meaning for a managed identity"},
        Fault{"PasswordInAProxy",
              With("    credential:", "    proxy: http://u:secret@p:1\n    credential:"),
              "f.yaml:11:12: entra[].proxy must be http://HOST:PORT or https://HOST:PORT; user "
              "and password go to proxy_credentials_file"},
        Fault{"ProxyCredentialsAlone",
              With("    credential:", "    proxy_credentials_file: /p\n    credential:"),
              "f.yaml:11:29: entra[].proxy_credentials_file belongs to proxy"},
        Fault{"UnknownSource", With("active_directory: [corp]", "active_directory: [other]"),
              "f.yaml:14:24: links[].active_directory is \"other\"; it must be a name from "
              "active_directory"},
        Fault{"TenantTwice",
              std::string(kWhole) + "  - {name: b, active_directory: [corp], entra: contoso}\n",
              "f.yaml:16:48: entra \"contoso\" stands in the links corp-contoso and b; a tenant "
              "stands in exactly one link"},
        Fault{"LinkTwice",
              std::string(kWhole) +
                  "  - {name: corp-contoso, active_directory: [corp], entra: contoso}\n",
              "f.yaml:16:12: link \"corp-contoso\" stands twice; names must differ"},
        Fault{"DirectoryTwice",
              With("entra:\n", "  - {servers: [ldaps://b], name: corp}\nentra:\n"),
              "f.yaml:8:34: active_directory \"corp\" stands twice; names must differ"},
        Fault{"TenantNamedTwice", With("links:\n", "  - name: contoso\nlinks:\n"),
              "f.yaml:12:11: entra \"contoso\" stands twice; names must differ"},
        Fault{"OneNameForTwoSources", With("  - name: contoso", "  - name: corp"),
              "f.yaml:9:11: \"corp\" names both an active_directory and an entra entry"},
        Fault{"KeyInARowOfKeys", With("{listen: \"127.0.0.1:0\"}", "{lisen: 127.0.0.1:0}"),
              "f.yaml:2:8: unknown key http.lisen; known here: listen"},
        Fault{"EntryThatIsNoMapping", With("links:\n", "  - contoso\nlinks:\n"),
              "f.yaml:12:5: entra[] must be a mapping of keys to values\n"
              "f.yaml:12:5: entra[].name is missing"},
        Fault{"SectionOfAnEntryMissing",
              With("    bind: {method: simple, user: svc@corp.example, password_file: /etc/pw}\n",
                   ""),
              "f.yaml:4:5: active_directory[].bind.user is missing"},
        Fault{"ModeOfNoTier",
              std::string(kWhole) + "remediation: {modes: [{tier: vpi, mode: auto}]}\n",
              "f.yaml:16:30: remediation.modes[].tier: there is no tier \"vpi\"; name one of "
              "standard, tier0"},
        Fault{"ModeOfNoLink",
              std::string(kWhole) + "remediation: {modes: [{mode: auto, link: corp}]}\n",
              "f.yaml:16:42: remediation.modes[].link: there is no link \"corp\"; name one of "
              "corp-contoso"},
        Fault{"OffLoopbackWithoutTls", With("127.0.0.1:0", "0.0.0.0:9742"),
              "f.yaml:2:7: http.listen 0.0.0.0 is not loopback"},
        Fault{"ModeOfALaterVersion", std::string(kWhole) + "remediation: {mode: approve}\n",
              "f.yaml:16:21: remediation.mode is \"approve\"; it must be observe or auto"},
        Fault{"ActionOfALaterVersion",
              std::string(kWhole) + "remediation: {actions: [disable_account]}\n",
              "f.yaml:16:25: remediation.actions is \"disable_account\"; it must be "
              "revoke_sessions"},
        Fault{
            "ClassByASecret",
            std::string(kWhole) + "policy: {classes: {service: {attribute: {unicodePwd: x}}}}\n",
            "f.yaml:16:42: policy.classes.service.attribute: unicodepwd holds secrets and is never "
            "read"},
        Fault{"ClassByNoAttribute",
              std::string(kWhole) + "policy: {classes: {service: {attribute: {'a;b': x}}}}\n",
              "f.yaml:16:42: policy.classes.service.attribute takes the name of an AD attribute"},
        Fault{"ClassThatIsNone", std::string(kWhole) + "policy: {classes: {robots: {}}}\n",
              "f.yaml:16:20: unknown key policy.classes.robots"},
        Fault{"NotYaml", "data_dir: [", "f.yaml:1:"},
        Fault{"NotAMapping", "- a\n", "f.yaml:1:1: the file must be a YAML mapping"},
        Fault{"KeyTwice", With("http:", "data_dir: /x\nhttp:"),
              "f.yaml:2:1: data_dir stands here twice"},
        Fault{"NoLinks",
              With("links:\n  - name: corp-contoso\n    active_directory: [corp]\n"
                   "    entra: contoso\n",
                   ""),
              "f.yaml:1:1: links is empty"},
        Fault{"LinksEmpty",
              With("links:\n  - name: corp-contoso\n    active_directory: [corp]\n"
                   "    entra: contoso\n",
                   "links: []\n"),
              "f.yaml:12:8: links is empty"}),
    [](const auto& fault) { return fault.param.name; });

TEST(Config, AllFaultsOfOneReadingAreToldInOrder) {
  const auto config = Parse("datadir: /x\nlog: {level: loud}\n");
  ASSERT_FALSE(config.ok());
  const std::vector<std::string> lines = SplitString(Message(config.status()), '\n');
  ASSERT_GE(lines.size(), 3u);
  EXPECT_NE(lines.back().find("f.yaml:2:14: log.level"), std::string::npos) << lines.back();
}

TEST(Config, AMissingFileIsNamedAtItsPlaceWithTheSystemsReason) {
  const auto config = ParseConfig("f.yaml", kWhole, true);
  ASSERT_FALSE(config.ok());
  EXPECT_NE(Message(config.status())
                .find("f.yaml:6:14: active_directory[].ca_file: cannot read "
                      "/etc/ca.pem: No such file or directory"),
            std::string_view::npos)
      << Message(config.status());
}

TEST(Config, AFileThatIsNotThereIsAFaultOfItsFirstPlace) {
  const auto config = LoadConfig("/nonexistent/driftwarden.yaml");
  ASSERT_FALSE(config.ok());
  EXPECT_TRUE(Message(config.status()).starts_with("/nonexistent/driftwarden.yaml:1:1: "));
}

TEST(Config, AListThatHoldsItselfIsAFaultLikeAnyOther) {
  const auto config = Parse("data_dir: x\nactive_directory: &a [*a, b]\nentra: &e [*e, *e]\n");
  ASSERT_FALSE(config.ok());
  EXPECT_NE(Message(config.status()).find("f.yaml:2:"), std::string::npos) << config.status();
}

TEST(Config, ClassesAreTheFilesUnlessTheLinkHasItsOwn) {
  const std::string text =
      With("    entra: contoso\n",
           "    entra: contoso\n    policy: {classes: {service: {ous: ['OU=Robots,DC=corp']}}}\n") +
      "policy: {classes: {break_glass: {upns: [a@b], attribute: {employeeType: Emergency}}}}\n";
  const auto config = ParseConfig("f.yaml", text, false);
  ASSERT_TRUE(config.ok()) << config.status();
  const auto& classes = config->links.front().classes;
  ASSERT_EQ(classes.size(), 1u);
  EXPECT_EQ(classes.at(monitor::PersonClass::kService).ous,
            std::vector<std::string>{"OU=Robots,DC=corp"});
  const auto base =
      ParseConfig("f.yaml", std::string(kWhole) + text.substr(text.rfind("policy:")), false);
  ASSERT_TRUE(base.ok()) << base.status();
  EXPECT_EQ(base->links.front().classes.at(monitor::PersonClass::kBreakGlass).attribute,
            (std::map<std::string, std::string>{{"employeetype", "Emergency"}}));
}

TEST(Config, ScopesAndTierGroupsAreRead) {
  const std::string text =
      With("    ca_file: /etc/ca.pem\n",
           "    scope: {include: ['OU=A,DC=c'], exclude: ['OU=B,DC=c'], filter: '(!(a=b))'}\n") +
      "policy: {tiers: [{name: tier0, match: {groups: [Domain Admins, 'CN=x,DC=c']}}]}\n";
  const auto config = ParseConfig("f.yaml", text, false);
  ASSERT_TRUE(config.ok()) << config.status();
  const DirectoryConfig& directory = config->directories.front();
  EXPECT_EQ(directory.scope.include, std::vector<std::string>{"OU=A,DC=c"});
  EXPECT_EQ(directory.scope.exclude, std::vector<std::string>{"OU=B,DC=c"});
  EXPECT_EQ(directory.scope.filter, "(!(a=b))");
  EXPECT_EQ(TierGroupsOf(*config, directory.name),
            (std::vector<std::string>{"CN=x,DC=c", "Domain Admins"}));
}

}  // namespace
}  // namespace driftwarden::daemon
