#pragma once

// replPropertyMetaData of one object, as bytes (MS-DRSR PROPERTY_META_DATA_EXT_VECTOR in its stored
// form): a header of version 1 and count, then 48 bytes for each attribute, ascending by attribute
// id.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace driftwarden::simulator {

inline constexpr uint32_t kAttDescription = 0x0000000d;
inline constexpr uint32_t kAttIsDeleted = 0x00020030;
inline constexpr uint32_t kAttUserAccountControl = 0x00090008;
inline constexpr uint32_t kAttPwdLastSet = 0x00090060;
inline constexpr uint32_t kAttAccountExpires = 0x0009009f;
inline constexpr uint32_t kAttSamAccountName = 0x000900dd;
inline constexpr uint32_t kAttLastKnownParent = 0x0009030d;
inline constexpr uint32_t kAttIsRecycled = 0x0009080a;

struct Stamp {
  uint32_t version = 0;
  absl::Time originating_time;  // stored as whole seconds
  std::string invocation_id;    // 16 raw bytes
  int64_t originating_usn = 0;
  int64_t local_usn = 0;
};

using Stamps = std::map<uint32_t, Stamp>;  // by attribute id

std::string EncodeReplPropertyMetaData(const Stamps& stamps);
// One value of msDS-ReplAttributeMetaData (MS-ADTS 3.1.1.4.5.16), with the zero at its end that
// Windows sends.
std::string AttributeMetaDataXml(uint32_t attribute, const Stamp& stamp, std::string_view dsa_dn);
// As the schema spells it; empty for an id that no attribute here has.
std::string_view AttributeName(uint32_t attribute);

// 100 ns since 1601-01-01 UTC, as in accountExpires; and "20261121020215.0Z", as in whenChanged.
int64_t ToFileTime(absl::Time at);
absl::Time FromFileTime(int64_t file_time);  // to the microsecond
std::string ToGeneralizedTime(absl::Time at);

}  // namespace driftwarden::simulator
