#pragma once

// When, where and how often each attribute was written: replPropertyMetaData (MS-ADTS 3.1.1.1.9,
// wire form 2.2.20.3), or msDS-ReplAttributeMetaData (MS-ADTS 3.1.1.3.1.1.3's XML,
// DS_REPL_ATTR_META_DATA) where the first may not be read. Only the stamps that drift is judged by
// are kept. Pure and total.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
// One value an attribute. DataLoss: more than flat elements of text, a field missing, twice or out
// of range, an attribute twice, a value over 8 KiB, more than 10,000 values.
StatusOr<AccountStamps> DecodeReplicationXml(const std::vector<std::string>& values);

}  // namespace driftwarden::directory
