#include "monitor/rules.h"

namespace driftwarden::monitor {

std::span<const Rule* const> AllRules() {
  static constexpr const Rule* kRules[] = {&kSignInAfterDisableRule, &kCloudReenabledRule,
                                           &kDeletedLiveRule, &kDisableLagRule,
                                           &kTokenNotRevokedRule};
  return kRules;
}

}  // namespace driftwarden::monitor
