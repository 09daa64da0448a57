// Graph's change notifications in the configuration.

#include <gtest/gtest.h>

#include "base/strings.h"
#include "daemon/config.h"

namespace driftwarden::daemon {
namespace {

StatusOr<Config> WithNotifications(const std::string& notifications) {
  const std::string text = Cat(R"(data_dir: /var/lib/driftwarden
http: {listen: "127.0.0.1:9742"}
active_directory:
  - name: corp
    servers: [ldaps://dc1.corp.example]
    bind: {method: simple, user: svc@corp.example, password_file: /etc/pw}
entra:
  - name: contoso
    tenant_id: 11111111-2222-3333-4444-555555555555
    credential: {client_id: a, secret_file: /etc/secret}
    notifications: )",
                               notifications, R"(
links:
  - {name: corp-contoso, active_directory: [corp], entra: contoso}
)");
  return ParseConfig("f.yaml", text, false);
}

TEST(Config, ChangeNotificationsAreOffUntilTheyAreWhole) {
  const auto off = WithNotifications("{}");
  ASSERT_TRUE(off.ok()) << off.status();
  EXPECT_FALSE(off->tenants[0].notifications.enabled());
  const auto on = WithNotifications(
      "{listen: '[::1]:9743', public_url: 'https://hooks.corp.example/dw/', lifetime: 2h}");
  ASSERT_TRUE(on.ok()) << on.status();
  const EntraConfig& tenant = on->tenants[0];
  EXPECT_TRUE(tenant.notifications.enabled());
  EXPECT_EQ(tenant.notifications.address, "::1");
  EXPECT_EQ(tenant.notifications.port, 9743);
  EXPECT_EQ(tenant.notifications.lifetime, absl::Hours(2));
  EXPECT_EQ(tenant.NotificationUrl(), "https://hooks.corp.example/dw/contoso");
  EXPECT_FALSE(tenant == off->tenants[0]) << "a reload must tell the difference";
  const auto open = WithNotifications(
      "{listen: '0.0.0.0:1', public_url: 'https://h', tls: {cert_file: /c, key_file: /k}}");
  EXPECT_TRUE(open.ok()) << open.status();
}

TEST(Config, FaultsOfChangeNotificationsAreToldAtTheirPlace) {
  const std::pair<const char*, const char*> faults[] = {
      {"{listen: '127.0.0.1:1'}", "notifications.public_url is missing; add public_url: https://"},
      {"{public_url: 'https://h'}", "notifications.listen is missing; add listen: "},
      {"{listen: '127.0.0.1:1', public_url: 'http://h'}", "as the tenant reaches it; Graph takes"},
      {"{listen: '127.0.0.1:1', public_url: 'https://h?a=b'}", "notifications.public_url is"},
      {"{listen: nowhere, public_url: 'https://h'}", "it must be ADDRESS:PORT"},
      {"{listen: '10.0.0.1:1', public_url: 'https://h'}", "is not loopback; off loopback"},
      {"{listen: '127.0.0.1:1', public_url: 'https://h', lifetime: 700h}", "at most 696h"},
      {"{listen: '127.0.0.1:1', public_url: 'https://h', tls: {cert_file: /c}}", "needs both"},
      {"{listen: '127.0.0.1:1', public_url: 'https://h', secret: x}", "unknown key"},
      {"{listen: '127.0.0.1:9742', public_url: 'https://h'}", "give it a port of its own"}};
  for (const auto& [text, fault] : faults) {
    const auto config = WithNotifications(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_NE(Message(config.status()).find(fault), std::string_view::npos) << config.status();
    EXPECT_NE(Message(config.status()).find("f.yaml:"), std::string_view::npos);
  }
}

}  // namespace
}  // namespace driftwarden::daemon
