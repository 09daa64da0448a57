// check: the tenant's logs and devices, each by reading one item of it.

#include <utility>

#include "base/strings.h"
#include "watchers/graph_check.h"

namespace driftwarden::watchers {
namespace {

// Where a missing licence is told as such, which not every tenant does.
bool IsLicence(const graph::GraphError& error) {
  const std::string code = ToLowerAscii(error.code);
  const std::string message = ToLowerAscii(error.message);
  return code.find("premium") != std::string::npos || message.find("premium") != std::string::npos;
}

constexpr char kAuditLog[] = "AuditLog.Read.All";
constexpr char kLicence[] = "licence for sign-ins";
constexpr char kRefreshes[] = "non-interactive sign-ins";
constexpr char kOff[] = "not tried: switched off by the configuration";

}  // namespace

asio::awaitable<void> GraphCheck::CheckEvidence() {
  Probe audits;
  audits.permission = kAuditLog;
  audits.url = "/auditLogs/directoryAudits?$top=1";
  audits.lost = "who disabled or enabled an account cannot be told from the audit log";
  if (options_.directory_audits) {
    co_await Try(std::move(audits), true);
  } else {
    Find(Level::kOk, kAuditLog, kOff);
  }
  if (options_.sign_ins) {
    std::string interactive = "/auditLogs/signIns?$top=1";
    const bool allowed = co_await TrySignIns(std::move(interactive), kLicence);
    // The same licence and permission; another version, which not every cloud has.
    std::string refreshes = client_.BetaSignInsUrl(
        "$top=1&$filter=signInEventTypes/any(t:%20t%20eq%20'nonInteractiveUser')");
    if (allowed) co_await TrySignIns(std::move(refreshes), kRefreshes);
  } else {
    Find(Level::kOk, kLicence, kOff);
  }
  Probe devices;
  devices.permission = "Device.Read.All";
  devices.lost = "the devices of people with an open episode are not known";
  devices.url = Cat("/users/", graph::PathSegment(person_), "/registeredDevices?$select=id");
  if (person_.empty()) {
    Find(Level::kWarn, devices.permission, "not proven: nobody is visible to try it with");
    co_return;
  }
  co_await Try(std::move(devices), true);
}

asio::awaitable<bool> GraphCheck::TrySignIns(std::string url, std::string topic) {
  auto reply = co_await Get(std::move(url));
  if (!reply) co_return false;
  const bool refreshes = topic == kRefreshes;
  const std::string lost =
      refreshes ? "a client that goes on with its session after a disable cannot be seen"
                : "sign-ins after a disable cannot be seen; nothing else depends on them";
  if (reply->ok()) {
    Find(Level::kOk, topic,
         refreshes ? "GET /beta/auditLogs/signIns answers" : "GET /auditLogs/signIns answers");
    co_return true;
  }
  const std::string what(Message(graph::ToStatus(*reply, "GET /auditLogs/signIns")));
  if (reply->status == 403 || IsLicence(reply->error)) {
    Find(Level::kWarn, topic, Cat("refused, so ", lost, ": ", what),
         IsLicence(reply->error)
             ? "a licence of Entra ID P1 or P2 for the tenant"
             : "AuditLog.Read.All for the application, and Entra ID P1 or P2 for the tenant");
    co_return false;
  }
  Find(Level::kWarn, topic, Cat("not proven, so perhaps ", lost, ": ", what));
  co_return true;
}

}  // namespace driftwarden::watchers
