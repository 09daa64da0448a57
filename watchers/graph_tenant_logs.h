#pragma once

// Reads one tenant's logs and its people's devices from Graph. What the application may not read,
// what the tenant has no licence for and what this cloud does not have is a limitation: it is in
// the answer, and a finding of the tenant's.
//
// Reports go at their own pace (graph::ReportPace) and behind everything else; devices are no
// reports and go as other reads of the lowest priority.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "watchers/graph/client.h"
#include "watchers/graph/log_json.h"
#include "watchers/graph/report_pace.h"
#include "watchers/tenant_logs.h"
#include "watchers/tenant_sight.h"

namespace driftwarden::watchers {

class GraphTenantLogs final : public TenantLogs {
 public:
  // All references must outlive it.
  GraphTenantLogs(monitor::SourceName name, graph::GraphClient& client, Scheduler& scheduler,
                  std::shared_ptr<TenantSight> sight, Logger& log);

  asio::awaitable<StatusOr<monitor::LogLook>> ReadChanges(monitor::TenantLog log, absl::Time from,
                                                          monitor::BatchId batch,
                                                          LogPage* page) override;
  asio::awaitable<StatusOr<monitor::LogLook>> ReadSignIns(monitor::TenantLog log,
                                                          std::string entra_id, absl::Time from,
                                                          monitor::BatchId batch,
                                                          LogPage* page) override;
  asio::awaitable<StatusOr<monitor::DeviceLook>> ReadDevices(std::string entra_id,
                                                             monitor::BatchId batch) override;

 private:
  // How much of the filter the service is trusted with; the rest is done here. Whether each form is
  // taken is nowhere promised, so a refusal leads to the next.
  enum class Filter { kWhole, kTime, kNone };
  // Where a reading of several pages stands; LogPage::next is its text.
  struct Place {
    absl::Time asked;  // the tenant's clock, by the first page
    uint64_t pages = 0;
    std::string link;
  };
  struct Question {
    monitor::TenantLog log = monitor::TenantLog::kDirectoryAudits;
    std::string entra_id;  // sign-ins: whose; empty: changes of everybody
    absl::Time from;
    std::string batch;
  };
  // A page's text, or a limit.
  struct Answer {
    monitor::LogLimit limit = monitor::LogLimit::kNone;
    std::string limit_detail;
    std::string body;
  };

  static std::string TextOf(const Place& place);
  static StatusOr<Place> ReadPlace(const std::string& text);
  std::string UrlOf(const Question& question, Filter filter) const;
  asio::awaitable<StatusOr<Answer>> Ask(Question question, Place* place);
  // Nothing: ask again with less of a filter.
  std::optional<StatusOr<Answer>> Judge(monitor::TenantLog log, const graph::GraphReply& reply,
                                        bool first);
  // What follows from a page's link; `ended`: what is behind it is not wanted.
  Status TurnPage(const Place& place, std::string next_link, bool ended, monitor::LogLook* look,
                  absl::Time from, LogPage* page) const;
  Status TakeChanges(const Question& question, const Place& place, const std::string& body,
                     monitor::LogLook* look, LogPage* page);
  Status TakeSignIns(const Question& question, const Place& place, const std::string& body,
                     monitor::LogLook* look, LogPage* page);
  asio::awaitable<StatusOr<monitor::LogLook>> ReadPage(Question question, LogPage* page);
  void NoteLeftOut(std::string_view what, size_t count, const std::string& batch);

  asio::awaitable<Status> Collect(graph::GraphReply reply, bool owned, std::string batch,
                                  std::map<std::string, monitor::Device>* devices);
  asio::awaitable<Status> CountUsers(monitor::DeviceLook* look);

  const monitor::SourceName name_;
  graph::GraphClient& client_;
  graph::ReportPace pace_;
  const std::shared_ptr<TenantSight> sight_;
  Logger& log_;
  std::map<monitor::TenantLog, Filter> filters_;  // as far as the service takes them
  bool cast_devices_ = true;
  std::set<std::string> left_out_;  // told already
};

}  // namespace driftwarden::watchers
