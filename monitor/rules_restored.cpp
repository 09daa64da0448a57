// soft_deleted_restored opens, critical for everybody, when an Entra account that had been deleted
// is restored and live while AD still says disabled or deleted, shown as for cloud_reenabled, whose
// place it takes; it clears as that does.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kRestoredSentence[] =
    "soft_deleted_restored opens, critical for everybody, when an Entra account that had "
    "been deleted is restored and live while AD still says disabled or deleted, shown as for "
    "cloud_reenabled, whose place it takes; it clears as that does.";

std::optional<OpenDrift> OpenRestored(const Situation& s) {
  if (s.phase != State::kRegressed || !CameBackByRestore(s)) return std::nullopt;
  return OpenDrift{DriftKind::kSoftDeletedRestored, Severity::kCritical,
                   s.entra->restored_since.hi};
}

}  // namespace

const Rule kSoftDeletedRestoredRule = {DriftKind::kSoftDeletedRestored, kRestoredSentence,
                                       "critical", OpenRestored};

}  // namespace driftwarden::monitor
