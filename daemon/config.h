#pragma once

// The configuration file as a value (contract, section Configuration). Loading is strict: unknown
// keys, wrong types, bad values and missing files are errors that name FILE:LINE:COLUMN and the
// mend. Defaults stand here, once. yaml-cpp is hidden in config*.cpp.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "monitor/policy.h"
#include "watchers/directory/bind_options.h"
#include "watchers/directory/scope.h"
#include "watchers/graph/credential_options.h"

namespace driftwarden::daemon {

struct TlsFiles {
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

// "localhost" or an address of this machine alone.
bool IsLoopbackAddress(const std::string& address);

struct HttpConfig {
  std::string address = "127.0.0.1";
  uint16_t port = 9742;
  TlsFiles tls;
  std::string tokens_file;
  bool IsLoopback() const;
};

struct DirectoryConfig {
  monitor::SourceName name;
  std::vector<std::string> servers;  // ldaps://host[:port] or ldap://host[:port]; empty: by DNS
  std::string domain;                // as written, or as base_dn or the account's name tell
  std::string name_server;           // ADDRESS[:PORT]; empty: the system's
  bool start_tls = false;
  std::string ca_file;
  directory::BindOptions bind;
  std::string base_dn;
  bool dirsync = false;  // change_tracking
  bool notifications = true;
  absl::Duration poll_interval = absl::Seconds(5);
  int page_size = 1000;
  std::vector<std::string> source_anchor = {"mS-DS-ConsistencyGuid", "objectGUID"};
  directory::ScopeOptions scope;
  friend bool operator==(const DirectoryConfig&, const DirectoryConfig&) = default;
};

// Graph's change notifications of one tenant. Off without a public_url.
struct GraphNotificationsConfig {
  std::string address;
  uint16_t port = 0;
  TlsFiles tls;
  std::string public_url;  // where Graph finds the listener; without a slash at its end
  absl::Duration lifetime = absl::Hours(24);
  bool enabled() const { return !public_url.empty(); }
  friend bool operator==(const GraphNotificationsConfig&,
                         const GraphNotificationsConfig&) = default;
};

struct EntraConfig {
  monitor::SourceName name;
  std::string tenant_id;
  std::string cloud = "global";  // global | usgov | usgov-dod | china
  std::string login_endpoint;    // base URLs; empty: the cloud's
  std::string graph_endpoint;
  std::string ca_file;
  std::string proxy;  // http://host:port or https://host:port; empty: none
  std::string proxy_credentials_file;
  graph::CredentialOptions credential;
  absl::Duration poll_interval = absl::Seconds(15);
  bool directory_audits = true;  // evidence
  bool sign_ins = true;
  bool residue = true;
  GraphNotificationsConfig notifications;
  // Where Graph sends this tenant's notifications: the public_url with the source's name.
  std::string NotificationUrl() const { return notifications.public_url + "/" + name.value; }
  friend bool operator==(const EntraConfig&, const EntraConfig&) = default;
};

struct AlertingConfig {
  std::string external_url;
  std::vector<std::string> alertmanagers;
  absl::Duration resend_interval = absl::Seconds(60);
  int collapse_after = 20;
};

// A file of departures to come. Off without one.
struct ExpectedLeaversConfig {
  std::string csv_file;
  absl::Duration poll_interval = absl::Minutes(1);
  friend bool operator==(const ExpectedLeaversConfig&, const ExpectedLeaversConfig&) = default;
};

struct Config {
  std::string path;
  std::string data_dir;
  HttpConfig http;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
  uint64_t memory_budget = uint64_t{256} << 20;
  std::vector<DirectoryConfig> directories;
  std::vector<EntraConfig> tenants;
  std::vector<monitor::Policy> links;  // one a link, complete
  AlertingConfig alerting;
  ExpectedLeaversConfig expected_leavers;

  const DirectoryConfig* FindDirectory(const monitor::SourceName& name) const;
  const EntraConfig* FindTenant(const monitor::SourceName& name) const;
};

// All faults that one reading finds, each "FILE:LINE:COLUMN: what; how to mend it", one a line of
// the error text (InvalidArgument). Files the configuration names must be readable.
StatusOr<Config> LoadConfig(const std::string& path);
// The same from text; `check_files` off for tests of the text alone.
StatusOr<Config> ParseConfig(const std::string& path, const std::string& text, bool check_files);

}  // namespace driftwarden::daemon
