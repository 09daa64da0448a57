#pragma once

// A ready configuration for `driftwarden run` against a running simulator, as YAML. Written by
// hand from the contract: the simulator knows the daemon only from outside.

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace driftwarden::simulator {

struct ConfigTier {
  std::string name;              // "standard" and "tier0" have a meaning of their own
  bool admin_count = false;      // matches administrators
  std::vector<std::string> ous;  // matches these units
  std::optional<absl::Duration> warn_after;
  std::optional<absl::Duration> revoke_after;
  std::optional<absl::Duration> breach_after;
};

struct ConfigMode {
  std::string tier;
  std::string mode;  // observe | auto
};

// What a user of the simulator may want otherwise than by default. Unset: the daemon's default,
// or, for the intervals of polling, what suits loopback.
struct ConfigOptions {
  std::string data_dir;  // needed
  std::string http_listen = "127.0.0.1:0";
  std::string log_level = "info";
  absl::Duration ad_poll = absl::Seconds(1);
  absl::Duration entra_poll = absl::Seconds(2);
  bool start_tls = false;  // reach the directory by StartTLS instead of LDAPS
  std::optional<absl::Duration> settle;
  std::vector<ConfigTier> tiers;  // empty: the daemon's
  std::string mode = "observe";
  std::vector<ConfigMode> modes;
  std::optional<int> budget_per_10m;
  std::optional<int> budget_per_hour;
  std::string budget_per_person;  // "1/10m"
  std::optional<double> max_percent_per_day;
  std::optional<absl::Duration> quiet_after_first_baseline;
  std::vector<std::string> alertmanagers;  // empty: the simulator's own receiver, if it runs
  std::optional<absl::Duration> resend_interval;
  std::optional<int> collapse_after;
};

// How the daemon proves to the simulated tenants that it is the application.
enum class CredentialKind { kSecret, kCertificate, kFederated, kManagedIdentity };

// Where things are; filled by SimulatorService.
struct ConfigTargets {
  struct Forest {
    std::string name;  // of the source: corp
    std::string ldaps_url;
    std::string ldap_url;
    std::string bind_user;
  };
  struct TenantLink {
    std::string name;  // of the source: contoso
    std::string tenant_id;
    std::string forest;
  };
  std::vector<Forest> forests;
  std::vector<TenantLink> tenants;
  std::string graph_url;
  std::string alerts_url;  // empty: none
  std::string ca_file;
  std::string password_file;
  std::string client_id;
  CredentialKind credential = CredentialKind::kSecret;
  std::string secret_file;
  std::string certificate_file;  // PEM; these three are there for their kind of credential only
  std::string private_key_file;
  std::string federated_token_file;
  std::string auth_mode;  // password_hash_sync | pass_through | federated
};

std::string ConfigYaml(const ConfigTargets& targets, const ConfigOptions& options);

}  // namespace driftwarden::simulator
