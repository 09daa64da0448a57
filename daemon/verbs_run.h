#pragma once

// The verbs that run something: the monitor, the simulator, both.

#include <string>

namespace driftwarden::daemon {

int VerbRun(const std::string& config, bool once);

struct SimulateOptions {
  unsigned long long users = 1000;
  unsigned long long seed = 1;
  unsigned forests = 1;
  unsigned tenants = 1;  // tenant i is fed by forest i modulo forests
  std::string config_out;
  std::string control = "127.0.0.1:0";
  std::string cycle = "30s";
  std::string auth_mode = "password_hash_sync";
  std::string credential = "secret";  // secret | certificate | federated | managed_identity
  std::string folder;                 // certificates, secrets, data; empty: a temporary one
};
int VerbSimulate(const SimulateOptions& options);

struct DemoOptions {
  unsigned long long users = 3000;
  unsigned long long seed = 1;
  double speed = 1.0;
  bool exit_when_settled = false;
  std::string break_part;  // for the test of the judge: no_receiver, ignore_revoke, lose_disable
};
int VerbDemo(const DemoOptions& options);

}  // namespace driftwarden::daemon
