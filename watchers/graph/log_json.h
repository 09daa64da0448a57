#pragma once

// Graph's JSON of a tenant's logs and of devices, as our values; small documents read seldom, so a
// DOM does. As in tenant_json.h: an item that cannot be used is left out and counted, unknown
// fields are ignored, broken JSON or a document of the wrong shape is DataLoss. What happened is
// told by codes, names of activities and ids, never by a text that is made for people.

#include <string_view>
#include <vector>

#include "base/status.h"
#include "monitor/tenant_log.h"
#include "watchers/graph/tenant_json.h"

namespace driftwarden::graph {

// Of a page no more items than that are read; Graph's own limit is a thousand.
inline constexpr size_t kLogPageItems = 5000;

// A sign-in with the one it is of: a page may hold others' where the filter was not honoured.
struct UserSignIn {
  std::string entra_id;
  monitor::SignIn sign_in;
};

// What a page of a log of changes holds. Records of other things than accounts, and such that tell
// of a failure, are neither items nor left out. `oldest` is that of every dated record.
struct ChangesPage : ListPage<monitor::AuditRecord> {
  absl::Time oldest = absl::InfiniteFuture();
};

// GET /auditLogs/directoryAudits. A change that several records of one operation tell of is told
// once, by the record that is named after it.
StatusOr<ChangesPage> DecodeDirectoryAudits(std::string_view body);
// GET /auditLogs/provisioning; only what Cloud Sync carried into the tenant.
StatusOr<ChangesPage> DecodeProvisioning(std::string_view body);
// GET /auditLogs/signIns
StatusOr<ListPage<UserSignIn>> DecodeSignIns(std::string_view body, bool interactive);
// GET /users/{id}/registeredDevices, /ownedDevices; what is no device is ignored.
StatusOr<ListPage<monitor::Device>> DecodeDevices(std::string_view body);

}  // namespace driftwarden::graph
