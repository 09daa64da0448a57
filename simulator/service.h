#pragma once

// The simulated world on real time and real sockets: LDAP(S) for each forest, Graph and the token
// endpoint for the tenants, the control API, an alert receiver; with certificates and passwords of
// its own, written below one folder. For `driftwarden simulate`, `driftwarden demo` and tests.
// One executor: construct, Start and Stop on it; the world may be touched on it only.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "base/time.h"
#include "simulator/alert_receiver.h"
#include "simulator/app_registration.h"
#include "simulator/config_writer.h"
#include "simulator/ldap_server.h"
#include "simulator/world.h"

namespace driftwarden::simulator {

struct SimulatorOptions {
  uint64_t users = 2000;
  uint64_t seed = 1;
  size_t forests = 1;
  size_t tenants = 1;  // tenant i is fed by forest i modulo forests
  uint64_t tier0_every = 500;
  uint64_t leavers_every = 0;   // disabled on both sides since long ago
  uint64_t unlinked_every = 0;  // without an Entra account
  absl::Duration cycle = absl::Minutes(30);
  absl::Duration processing = absl::Seconds(5);
  AuthMode auth_mode = AuthMode::kPasswordHashSync;
  absl::Duration stubborn_after = absl::InfiniteDuration();  // see ActorOptions
  // What the application has beside its secret, and the configuration names.
  CredentialKind credential = CredentialKind::kSecret;
  std::string folder;  // for ca.pem, passwords and secrets; made when it is not there
  std::string address = "127.0.0.1";
  uint16_t ldaps_port = 0;  // of the first forest; 0: the system chooses, as everywhere
  uint16_t ldap_port = 0;
  uint16_t graph_port = 0;
  uint16_t control_port = 0;
  bool alert_receiver = true;
  uint16_t alerts_port = 0;
};

struct SimulatorEndpoints : ConfigTargets {
  std::string control_url;  // http
  std::string admin_user;   // may modify and delete
  std::string admin_password_file;
  std::string imds_url;  // with CredentialKind::kManagedIdentity; http
};

class SimulatorService {
 public:
  // `clock` must outlive it.
  SimulatorService(asio::any_io_executor executor, const Clock& clock, SimulatorOptions options);
  ~SimulatorService();  // Stop() must have been awaited if Start() was called
  SimulatorService(const SimulatorService&) = delete;
  SimulatorService& operator=(const SimulatorService&) = delete;

  // Makes the world and brings every endpoint up. After an error await Stop() all the same.
  Status Start();
  asio::awaitable<void> Stop();

  // After Start().
  const SimulatorEndpoints& endpoints() const;
  // Writes the configuration, mode 0600. Atomic: when it is there, everything answers.
  Status WriteConfig(const std::string& path, const ConfigOptions& options) const;
  World& world();
  AlertReceiver& alerts();
  LdapServer& ldap(size_t forest = 0);
  AppRegistration& app();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden::simulator
