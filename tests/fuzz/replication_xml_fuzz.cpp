#include "tests/fuzz/target.h"
#include "watchers/directory/replication_metadata.h"

namespace driftwarden::directory {

// One value as a controller gives it; twice the same attribute is always refused.
DW_FUZZ_TARGET(replication_xml) {
  const std::string value(input);
  const auto stamps = DecodeReplicationXml({value});
  if (!stamps.ok()) {
    DW_HOLDS(absl::IsDataLoss(stamps.status()));
    return;
  }
  const bool wanted = stamps->user_account_control || stamps->is_deleted ||
                      stamps->password_last_set || stamps->account_expires;
  DW_HOLDS(DecodeReplicationXml({value, value}).ok() == !wanted);
}

}  // namespace driftwarden::directory
