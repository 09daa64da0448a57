#include "tests/fuzz/target.h"
#include "watchers/graph/log_json.h"

namespace driftwarden::graph {
namespace {

void CheckChanges(const StatusOr<ChangesPage>& page) {
  DW_HOLDS(page.ok() || absl::IsDataLoss(page.status()));
  if (!page.ok()) return;
  for (const monitor::AuditRecord& record : page->items) {
    DW_HOLDS(!record.id.empty() && !record.entra_id.empty());
    DW_HOLDS(record.id.size() <= 256 && record.entra_id.size() <= 256);
    DW_HOLDS(record.actor_name.size() <= 1024);
    DW_HOLDS(record.at >= page->oldest);
  }
}

}  // namespace

DW_FUZZ_TARGET(log_json) {
  const std::string body(input);
  CheckChanges(DecodeDirectoryAudits(body));
  CheckChanges(DecodeProvisioning(body));
  for (const bool interactive : {false, true}) {
    const auto page = DecodeSignIns(body, interactive);
    DW_HOLDS(page.ok() || absl::IsDataLoss(page.status()));
    if (!page.ok()) continue;
    for (const UserSignIn& item : page->items) {
      DW_HOLDS(!item.entra_id.empty() && !item.sign_in.id.empty());
      DW_HOLDS(item.sign_in.at.lo <= item.sign_in.at.hi);
      DW_HOLDS(item.sign_in.interactive == interactive);
    }
  }
  const auto devices = DecodeDevices(body);
  DW_HOLDS(devices.ok() || absl::IsDataLoss(devices.status()));
  if (!devices.ok()) return;
  for (const monitor::Device& device : devices->items) DW_HOLDS(!device.id.empty());
}

}  // namespace driftwarden::graph
