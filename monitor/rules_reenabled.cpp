// cloud_reenabled opens, critical for everybody, when a person who had converged is live in Entra
// again while AD still says disabled or deleted, shown by two direct reads 60 s apart or
// by an audit record; it clears when the Entra account is disabled or deleted again, or the AD
// account is enabled.

#include <algorithm>

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kReenabledSentence[] =
    "cloud_reenabled opens, critical for everybody, when a person who had converged is live in "
    "Entra again while AD still says disabled or deleted, shown by two direct reads 60 s apart or "
    "by an audit record; it clears when the Entra account is disabled or deleted again, or the "
    "AD account is enabled.";

std::optional<OpenDrift> OpenReenabled(const Situation& s) {
  if (s.phase != State::kRegressed || CameBackByRestore(s)) return std::nullopt;
  const absl::Time back = std::max(s.entra->enabled_since.hi, s.entra->restored_since.hi);
  const absl::Time since = back == absl::InfinitePast() ? s.entra->live_direct_first : back;
  return OpenDrift{DriftKind::kCloudReenabled, Severity::kCritical, since};
}

}  // namespace

bool CameBackByRestore(const Situation& s) {
  const absl::Time restored = s.entra->restored_since.hi;
  return restored != absl::InfinitePast() && restored >= s.entra->enabled_since.hi;
}

const Rule kCloudReenabledRule = {DriftKind::kCloudReenabled, kReenabledSentence, "critical",
                                  OpenReenabled};

}  // namespace driftwarden::monitor
