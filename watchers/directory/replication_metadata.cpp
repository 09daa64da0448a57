#include "watchers/directory/replication_metadata.h"

#include <cstdint>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kHeaderSize = 16;
constexpr size_t kEntrySize = 48;
constexpr size_t kMaxEntries = 10'000;  // far above any schema
constexpr uint32_t kAttUserAccountControl = 0x00090008;
constexpr uint32_t kAttPwdLastSet = 0x00090060;
constexpr uint32_t kAttAccountExpires = 0x0009009f;
constexpr uint32_t kAttIsDeleted = 0x00020030;
constexpr int64_t kSecondsFrom1601To1970 = 11'644'473'600;
constexpr uint64_t kSecondsUntilYear10000 = 265'046'774'400;  // since 1601

uint64_t Little(std::string_view bytes, size_t at, int width) {
  uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)]);
  }
  return value;
}

uint32_t Little32(std::string_view bytes, size_t at) {
  return static_cast<uint32_t>(Little(bytes, at, 4));
}

std::optional<monitor::MetadataStamp>* Wanted(AccountStamps& stamps, uint32_t attribute) {
  switch (attribute) {
    case kAttUserAccountControl:
      return &stamps.user_account_control;
    case kAttPwdLastSet:
      return &stamps.password_last_set;
    case kAttAccountExpires:
      return &stamps.account_expires;
    case kAttIsDeleted:
      return &stamps.is_deleted;
    default:
      return nullptr;
  }
}

}  // namespace

StatusOr<AccountStamps> DecodeReplicationMetadata(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) {
    return DataLossError(Cat("replication metadata of ", bytes.size(), " bytes"));
  }
  if (const uint32_t version = Little32(bytes, 0); version != 1) {
    return DataLossError(Cat("replication metadata of version ", version));
  }
  const size_t count = Little32(bytes, 8);
  if (count > kMaxEntries || bytes.size() != kHeaderSize + count * kEntrySize) {
    return DataLossError(
        Cat("replication metadata of ", bytes.size(), " bytes for ", count, " attributes"));
  }
  AccountStamps stamps;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view entry = bytes.substr(kHeaderSize + i * kEntrySize, kEntrySize);
    const uint32_t attribute = Little32(entry, 0);
    std::optional<monitor::MetadataStamp>* const slot = Wanted(stamps, attribute);
    if (slot == nullptr) continue;
    if (slot->has_value()) {
      return DataLossError(Cat("replication metadata names attribute ", attribute, " twice"));
    }
    const uint64_t seconds = Little(entry, 8, 8);
    const auto invocation = monitor::Guid::FromBytes(entry.substr(16, 16));
    if (seconds >= kSecondsUntilYear10000 || !invocation) {
      return DataLossError(Cat("replication metadata has a bad time for attribute ", attribute));
    }
    monitor::MetadataStamp stamp;
    stamp.version = Little32(entry, 4);
    stamp.originating_time =
        absl::FromUnixSeconds(static_cast<int64_t>(seconds) - kSecondsFrom1601To1970);
    stamp.invocation_id = *invocation;
    stamp.originating_usn = Little(entry, 32, 8);
    *slot = stamp;
  }
  return stamps;
}

}  // namespace driftwarden::directory
