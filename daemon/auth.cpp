#include "daemon/auth.h"

#include <openssl/crypto.h>
#include <pwd.h>
#include <unistd.h>

#include "base/strings.h"

namespace driftwarden::daemon {
namespace {

std::string UserName(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return std::to_string(uid);
}

std::string_view RoleText(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kApprover:
      return "approver";
    case Role::kAdmin:
      return "admin";
  }
  return "viewer";
}

}  // namespace

StatusOr<Caller> Authenticator::Identify(const net::ServerRequest& request) const {
  if (request.over_unix) {
    const bool known = request.peer_uid.has_value();
    if (!known || (*request.peer_uid != 0 && *request.peer_uid != ::geteuid())) {
      return PermissionError("control.sock is for root and the daemon's own user; use sudo");
    }
    return Caller{Cat("uid:", UserName(*request.peer_uid)), Role::kAdmin};
  }
  if (tokens_.empty()) return Caller{"anonymous", Role::kViewer};
  const std::string* header = request.Find("Authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (header == nullptr || !header->starts_with(kBearer)) {
    return UnauthenticatedError("send a token: Authorization: Bearer TOKEN");
  }
  const Sha256Digest digest = Sha256(std::string_view(*header).substr(kBearer.size()));
  std::optional<Caller> caller;
  for (const Token& token : tokens_) {  // every one is compared, in constant time
    if (CRYPTO_memcmp(token.digest.data(), digest.data(), digest.size()) == 0) {
      caller = Caller{token.name, token.role};
    }
  }
  if (!caller.has_value()) return UnauthenticatedError("unknown token; see http.tokens_file");
  return *caller;
}

Status Authenticator::Require(const Caller& caller, Role role) const {
  if (caller.role >= role) return OkStatus();
  if (tokens_.empty()) {
    return PermissionError(
        "this listener only reads; write over control.sock in data_dir, as root or the daemon's "
        "own user (the command line with --config does)");
  }
  return PermissionError(
      Cat("\"", caller.actor, "\" is ", RoleText(caller.role), "; this needs ", RoleText(role)));
}

}  // namespace driftwarden::daemon
