#include "simulator/replication.h"

#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

constexpr int64_t kSecondsFrom1601To1970 = 11644473600;

void Little(std::string& out, uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

std::string EncodeReplPropertyMetaData(const Stamps& stamps) {
  std::string out;
  out.reserve(16 + 48 * stamps.size());
  Little(out, 1, 4);
  Little(out, 0, 4);
  Little(out, stamps.size(), 4);
  Little(out, 0, 4);
  for (const auto& [attribute, stamp] : stamps) {
    Little(out, attribute, 4);
    Little(out, stamp.version, 4);
    const int64_t seconds = absl::ToUnixSeconds(stamp.originating_time) + kSecondsFrom1601To1970;
    Little(out, static_cast<uint64_t>(seconds), 8);
    out += stamp.invocation_id;
    Little(out, static_cast<uint64_t>(stamp.originating_usn), 8);
    Little(out, static_cast<uint64_t>(stamp.local_usn), 8);
  }
  return out;
}

std::string AttributeMetaDataXml(uint32_t attribute, const Stamp& stamp, std::string_view dsa_dn) {
  const std::string at =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", stamp.originating_time, absl::UTCTimeZone());
  std::string out =
      Cat("<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>", AttributeName(attribute),
          "</pszAttributeName>\n\t<dwVersion>", stamp.version,
          "</dwVersion>\n\t<ftimeLastOriginatingChange>", at,
          "</ftimeLastOriginatingChange>\n\t<uuidLastOriginatingDsaInvocationID>",
          GuidText(stamp.invocation_id), "</uuidLastOriginatingDsaInvocationID>\n\t",
          "<usnOriginatingChange>", stamp.originating_usn, "</usnOriginatingChange>\n\t",
          "<usnLocalChange>", stamp.local_usn, "</usnLocalChange>\n\t", "<pszLastOriginatingDsaDN>",
          dsa_dn, "</pszLastOriginatingDsaDN>\n</DS_REPL_ATTR_META_DATA>\n");
  out.push_back('\0');
  return out;
}

std::string_view AttributeName(uint32_t attribute) {
  switch (attribute) {
    case kAttDescription:
      return "description";
    case kAttIsDeleted:
      return "isDeleted";
    case kAttUserAccountControl:
      return "userAccountControl";
    case kAttPwdLastSet:
      return "pwdLastSet";
    case kAttAccountExpires:
      return "accountExpires";
    case kAttSamAccountName:
      return "sAMAccountName";
    case kAttLastKnownParent:
      return "lastKnownParent";
    case kAttIsRecycled:
      return "isRecycled";
    default:
      return "";
  }
}

int64_t ToFileTime(absl::Time at) {
  return (absl::ToUnixMicros(at) + kSecondsFrom1601To1970 * 1000000) * 10;
}

absl::Time FromFileTime(int64_t file_time) {
  return absl::FromUnixMicros(file_time / 10 - kSecondsFrom1601To1970 * 1000000);
}

std::string ToGeneralizedTime(absl::Time at) {
  return absl::FormatTime("%Y%m%d%H%M%S.0Z", at, absl::UTCTimeZone());
}

}  // namespace driftwarden::simulator
