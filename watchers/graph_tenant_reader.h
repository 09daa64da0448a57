#pragma once

// Reads what one tenant says of itself. What the application may not read, or what the tenant does
// not offer, is a finding of the tenant's and leaves its part of the look absent: no error.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "watchers/graph/client.h"
#include "watchers/graph/tenant_json.h"
#include "watchers/tenant_sight.h"
#include "watchers/tenant_truth.h"

namespace driftwarden::watchers {

class GraphTenantReader final : public TenantTruth {
 public:
  // All references must outlive it.
  GraphTenantReader(monitor::SourceName name, graph::GraphClient& client,
                    std::shared_ptr<TenantSight> sight, Logger& log);

  asio::awaitable<Status> ReadSync(monitor::TenantLook* look, bool jobs) override;
  asio::awaitable<Status> ReadRest(monitor::TenantLook* look,
                                   std::vector<std::string> roles) override;
  asio::awaitable<Status> ReadTransfers(monitor::TenantLook* look,
                                        std::vector<std::string> ids) override;

 private:
  // One thing to be read: how it is named in the metrics, and what is told when it cannot be.
  struct Ask {
    std::string_view route;
    const char* finding;
    std::string_view mend;  // what follows from it, and what to grant
    graph::Priority priority = graph::Priority::kEvidence;
  };
  // The answer to a GET. Nothing: refused, which is a finding now.
  asio::awaitable<StatusOr<std::optional<std::string>>> Get(std::string url, Ask ask,
                                                            std::string batch);
  template <typename T>
  using Decode = StatusOr<graph::ListPage<T>> (*)(std::string_view);
  // A whole collection, page after page. Nothing: as above.
  template <typename T>
  asio::awaitable<StatusOr<std::optional<std::vector<T>>>> GetAll(std::string url, Ask ask,
                                                                  std::string batch,
                                                                  Decode<T> decode);

  asio::awaitable<Status> ReadOrganization(monitor::TenantLook* look);
  asio::awaitable<Status> ReadJobs(monitor::TenantLook* look);
  asio::awaitable<Status> ReadSynchronization(monitor::TenantLook* look);
  asio::awaitable<Status> ReadDomains(monitor::TenantLook* look);
  asio::awaitable<Status> ReadTokenLifetime(monitor::TenantLook* look);
  asio::awaitable<Status> ReadRoles(monitor::TenantLook* look, std::vector<std::string> wanted);
  asio::awaitable<Status> ReadHolders(monitor::TenantLook* look, graph::Role role,
                                      std::vector<std::string> named);
  asio::awaitable<Status> ReadPermitted(monitor::TenantLook* look);
  asio::awaitable<Status> ReadErrors(monitor::TenantLook* look);
  asio::awaitable<Status> ReadSomeTransfers(monitor::TenantLook* look,
                                            std::vector<std::string> ids);
  void NoteJobs(const std::vector<monitor::SyncJob>& jobs);
  // True when the status is no error but a limitation, which is a finding from then on.
  bool Limits(const Status& status, const Ask& ask);

  const monitor::SourceName name_;
  graph::GraphClient& client_;
  const std::shared_ptr<TenantSight> sight_;
  Logger& log_;
};

}  // namespace driftwarden::watchers
