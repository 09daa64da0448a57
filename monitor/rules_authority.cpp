// source_of_authority_moved opens when somebody is disabled or deleted in AD and their Entra
// account was handed over to the cloud: no AD disable will ever reach it. It clears when the Entra
// account is disabled or deleted, handed back, or the AD account is enabled again.

#include "monitor/rules.h"

namespace driftwarden::monitor {
namespace {

constexpr char kAuthoritySentence[] =
    "source_of_authority_moved opens when somebody is disabled or deleted in AD and their "
    "Entra account was handed over to the cloud: no AD disable will ever reach it. It clears "
    "when the Entra account is disabled or deleted, handed back, or the AD account is "
    "enabled again.";

std::optional<OpenDrift> OpenAuthority(const Situation& s) {
  if (!s.departed || !s.live || !s.settled || s.entra->cloud_managed != Tri::kYes) {
    return std::nullopt;
  }
  return OpenDrift{DriftKind::kSourceOfAuthorityMoved, s.WarnOrCritical(), s.counts_from};
}

}  // namespace

const Rule kSourceOfAuthorityMovedRule = {DriftKind::kSourceOfAuthorityMoved, kAuthoritySentence,
                                          "warning / critical", OpenAuthority};

}  // namespace driftwarden::monitor
