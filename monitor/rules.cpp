#include "monitor/rules.h"

namespace driftwarden::monitor {

std::span<const Rule* const> AllRules() {
  static constexpr const Rule* kRules[] = {&kSignInAfterDisableRule,
                                           &kAccountExpiredLiveRule,
                                           &kNeverSyncedRule,
                                           &kReverseDriftRule,
                                           &kAnchorConflictRule,
                                           &kScopeExitRule,
                                           &kSourceOfAuthorityMovedRule,
                                           &kSoftDeletedRestoredRule,
                                           &kCloudReenabledRule,
                                           &kDeletedLiveRule,
                                           &kDisableLagRule,
                                           &kTokenNotRevokedRule,
                                           &kLockedOutByUsRule,
                                           &kResetWithoutRevokeRule,
                                           &kDeviceEnabledRule,
                                           &kLeftNotDisabledRule,
                                           &kOrphanSyncedRule};
  return kRules;
}

}  // namespace driftwarden::monitor
