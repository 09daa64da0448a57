#include "monitor/observation.h"

namespace driftwarden::monitor {

int CompareStamps(const MetadataStamp& a, const MetadataStamp& b) {
  if (a.version != b.version) return a.version < b.version ? -1 : 1;
  if (a.originating_time != b.originating_time) {
    return a.originating_time < b.originating_time ? -1 : 1;
  }
  if (a.invocation_id != b.invocation_id) return a.invocation_id < b.invocation_id ? -1 : 1;
  return 0;
}

const std::vector<std::string>& ResetReasonsOf(SourceKind kind) {
  static const std::vector<std::string> kAd = {kCursorUnreadable, kDcChanged,      kInvocationId,
                                               kUsnWentBack,      kCookieRejected, kReadingChanged};
  static const std::vector<std::string> kEntra = {kCursorUnreadable, kTokenExpired,
                                                  kTokenRefused,     kPagingLoop,
                                                  kSelectChanged,    kEndpointChanged};
  return kind == SourceKind::kActiveDirectory ? kAd : kEntra;
}

std::optional<bool> AdView::Disabled() const {
  constexpr uint32_t kAccountDisable = 0x2;  // MS-ADTS 2.2.16, ADS_UF_ACCOUNT_DISABLE
  if (!user_account_control) return std::nullopt;
  return (*user_account_control & kAccountDisable) != 0;
}

}  // namespace driftwarden::monitor
