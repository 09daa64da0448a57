#include "simulator/truth.h"

namespace driftwarden::simulator {

const char* ToText(AdChangeKind kind) {
  switch (kind) {
    case AdChangeKind::kDisabled:
      return "disabled";
    case AdChangeKind::kEnabled:
      return "enabled";
    case AdChangeKind::kDeleted:
      return "deleted";
    case AdChangeKind::kExpirySet:
      return "expiry_set";
    case AdChangeKind::kEdited:
      return "edited";
  }
  return "unknown";
}

const char* ToText(EntraChangeKind kind) {
  switch (kind) {
    case EntraChangeKind::kDisabled:
      return "disabled";
    case EntraChangeKind::kEnabled:
      return "enabled";
    case EntraChangeKind::kSoftDeleted:
      return "soft_deleted";
    case EntraChangeKind::kPurged:
      return "purged";
    case EntraChangeKind::kRestored:
      return "restored";
    case EntraChangeKind::kRevoked:
      return "revoked";
  }
  return "unknown";
}

const char* ToText(Actor actor) {
  switch (actor) {
    case Actor::kSync:
      return "sync";
    case Actor::kApi:
      return "api";
    case Actor::kOperator:
      return "operator";
  }
  return "unknown";
}

const char* ToText(CallKind kind) {
  switch (kind) {
    case CallKind::kRevoke:
      return "revoke";
    case CallKind::kDisable:
      return "disable";
    case CallKind::kEnable:
      return "enable";
  }
  return "unknown";
}

}  // namespace driftwarden::simulator
