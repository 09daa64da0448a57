#include "watchers/directory/replication_metadata.h"

#include "tests/directory/metadata_bytes.h"
#include "tests/fuzz/target.h"

namespace driftwarden::directory {
namespace {

MetadataEntry EntryOf(uint32_t attribute, const monitor::MetadataStamp& stamp) {
  constexpr int64_t kSecondsFrom1601To1970 = 11'644'473'600;
  MetadataEntry entry;
  entry.attribute = attribute;
  entry.version = stamp.version;
  entry.seconds =
      static_cast<uint64_t>(absl::ToUnixSeconds(stamp.originating_time) + kSecondsFrom1601To1970);
  entry.invocation = std::string(stamp.invocation_id.Raw());
  entry.usn = stamp.originating_usn;
  return entry;
}

}  // namespace

// What was decoded, written as a controller would, decodes to the same.
DW_FUZZ_TARGET(replication_metadata) {
  const auto stamps = DecodeReplicationMetadata(input);
  if (!stamps.ok()) {
    DW_HOLDS(absl::IsDataLoss(stamps.status()));
    return;
  }
  std::vector<MetadataEntry> entries;
  const auto add = [&entries](uint32_t attribute, const auto& stamp) {
    if (stamp.has_value()) entries.push_back(EntryOf(attribute, *stamp));
  };
  add(0x00090008, stamps->user_account_control);
  add(0x00020030, stamps->is_deleted);
  add(0x00090060, stamps->password_last_set);
  add(0x0009009f, stamps->account_expires);
  const auto again = DecodeReplicationMetadata(MetadataBytes(entries));
  DW_HOLDS(again.ok());
  DW_HOLDS(again->user_account_control == stamps->user_account_control);
  DW_HOLDS(again->is_deleted == stamps->is_deleted);
  DW_HOLDS(again->password_last_set == stamps->password_last_set);
  DW_HOLDS(again->account_expires == stamps->account_expires);
}

}  // namespace driftwarden::directory
