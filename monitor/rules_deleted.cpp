// deleted_live opens when the AD account is deleted by a tombstone and the Entra account is still
// enabled; timers, severity and clearing are those of disable_lag, which it takes the place of.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kDeletedSentence[] =
    "deleted_live opens when the AD account is deleted by a tombstone and the Entra account is "
    "still enabled; timers, severity and clearing are those of disable_lag, which it takes the "
    "place of.";

std::optional<OpenDrift> OpenDeleted(const Situation& s) {
  if (!s.departed || !s.ad->deleted || !s.settled) return std::nullopt;
  if (!IsOpenPhase(s.phase) || s.phase == State::kUnsealed || s.phase == State::kRegressed) {
    return std::nullopt;
  }
  return OpenDrift{DriftKind::kDeletedLive, LagSeverity(s, DriftKind::kDeletedLive), s.counts_from};
}

}  // namespace

const Rule kDeletedLiveRule = {DriftKind::kDeletedLive, kDeletedSentence, "as `disable_lag`",
                               OpenDeleted};

}  // namespace driftwarden::monitor
