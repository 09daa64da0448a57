#pragma once

// replPropertyMetaData (MS-ADTS 3.1.1.1.9, wire form 2.2.20.3): when, where and how often each
// attribute was written. Only the stamps that drift is judged by are kept. Pure and total.

#include <optional>
#include <string_view>

#include "base/status.h"
#include "monitor/observation.h"

namespace driftwarden::directory {

struct AccountStamps {
  std::optional<monitor::MetadataStamp> user_account_control;
  std::optional<monitor::MetadataStamp> is_deleted;
  std::optional<monitor::MetadataStamp> password_last_set;
  std::optional<monitor::MetadataStamp> account_expires;
};

// DataLoss: not version 1, a length that does not fit the count, a time past the year 9999, or an
// attribute twice.
StatusOr<AccountStamps> DecodeReplicationMetadata(std::string_view bytes);

}  // namespace driftwarden::directory
