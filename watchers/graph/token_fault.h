#pragma once

// Why the token endpoint refused, as far as a person's next step differs. Only texts depend on it:
// whether to try again is decided by `error` and the HTTP status, for codes and texts may change.
// Wire source: "Microsoft Entra authentication and authorization error codes".

#include <string>
#include <string_view>

#include "watchers/graph/json.h"

namespace driftwarden::graph {

enum class TokenFault {
  kOther,
  kCredential,          // refused, and no more is said
  kWrongSecret,         // 7000215
  kExpiredSecret,       // 7000222
  kUnknownCertificate,  // 700027, 50012, 50013 and relatives
  kAssertionTime,       // 700024, 500133
  kFederatedMismatch,   // 700211 issuer, 700212 audience, 700213 subject, 70021 any
  kUnknownApp,          // 700016
  kDisabledApp,         // 7000112
  kUnknownTenant,       // 90002, 900023
  kUnknownResource,     // 500011, 70011
};

TokenFault FaultOf(const TokenReply& reply);

// The mend of a fault that is not the credential's own business; empty for those that are.
std::string MendOf(TokenFault fault);

}  // namespace driftwarden::graph
