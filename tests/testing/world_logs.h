#pragma once

// The logs and devices of a tenant of the simulated world, without the bytes.

#include <string>

#include "tests/testing/world_adapters.h"
#include "watchers/tenant_logs.h"

namespace driftwarden::testing {

class WorldTenantLogs final : public watchers::TenantLogs {
 public:
  WorldTenantLogs(Wire& wire, size_t tenant, monitor::SourceName name)
      : wire_(wire), tenant_(tenant), name_(std::move(name)) {}

  asio::awaitable<StatusOr<monitor::LogLook>> ReadChanges(monitor::TenantLog log, absl::Time from,
                                                          monitor::BatchId batch,
                                                          watchers::LogPage* page) override;
  asio::awaitable<StatusOr<monitor::LogLook>> ReadSignIns(monitor::TenantLog log,
                                                          std::string entra_id, absl::Time from,
                                                          monitor::BatchId batch,
                                                          watchers::LogPage* page) override;
  asio::awaitable<StatusOr<monitor::DeviceLook>> ReadDevices(std::string entra_id,
                                                             monitor::BatchId batch) override;

 private:
  simulator::Tenant& tenant() { return wire_.world().tenant(tenant_); }
  void TakeAudits(absl::Time from, monitor::LogLook* look);
  void TakeSignIns(absl::Time from, monitor::LogLook* look);

  Wire& wire_;
  const size_t tenant_;
  const monitor::SourceName name_;
};

}  // namespace driftwarden::testing
