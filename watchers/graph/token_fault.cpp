#include "watchers/graph/token_fault.h"

#include <array>
#include <optional>

#include "base/strings.h"

namespace driftwarden::graph {
namespace {

struct CodeFault {
  int64_t code;
  TokenFault fault;
};

constexpr std::array<CodeFault, 20> kCodes = {{
    {7000215, TokenFault::kWrongSecret},       {7000222, TokenFault::kExpiredSecret},
    {700027, TokenFault::kUnknownCertificate}, {7000272, TokenFault::kUnknownCertificate},
    {50012, TokenFault::kUnknownCertificate},  {50013, TokenFault::kUnknownCertificate},
    {5000224, TokenFault::kUnknownTenant},     {700024, TokenFault::kAssertionTime},
    {500133, TokenFault::kAssertionTime},      {70021, TokenFault::kFederatedMismatch},
    {700211, TokenFault::kFederatedMismatch},  {700212, TokenFault::kFederatedMismatch},
    {700213, TokenFault::kFederatedMismatch},  {700016, TokenFault::kUnknownApp},
    {7000112, TokenFault::kDisabledApp},       {90002, TokenFault::kUnknownTenant},
    {900023, TokenFault::kUnknownTenant},      {500011, TokenFault::kUnknownResource},
    {70011, TokenFault::kUnknownResource},     {1002012, TokenFault::kUnknownResource},
}};

std::optional<TokenFault> ByCode(std::string_view codes) {
  for (const std::string& part : SplitString(codes, ',')) {
    const auto code = ParseInt64(TrimAscii(part));
    for (const CodeFault& entry : kCodes) {
      if (code == entry.code) return entry.fault;
    }
  }
  return std::nullopt;
}

TokenFault ByError(std::string_view error) {
  if (error == "invalid_client") return TokenFault::kCredential;
  if (error == "unauthorized_client") return TokenFault::kUnknownApp;
  if (error == "invalid_scope" || error == "invalid_resource") return TokenFault::kUnknownResource;
  return TokenFault::kOther;
}

}  // namespace

TokenFault FaultOf(const TokenReply& reply) {
  return ByCode(reply.error_codes).value_or(ByError(reply.error));
}

std::string MendOf(TokenFault fault) {
  switch (fault) {
    case TokenFault::kUnknownApp:
      return "check tenant_id and client_id: the application must exist in this tenant, be enabled "
             "and have consent";
    case TokenFault::kDisabledApp:
      return "the application is disabled in this tenant: enable sign-in for its enterprise "
             "application";
    case TokenFault::kUnknownTenant:
      return "no such tenant at this login host: check tenant_id and cloud";
    case TokenFault::kUnknownResource:
      return "the tenant does not know this Graph host: check cloud and endpoints.graph";
    case TokenFault::kOther:
      return "check tenant_id, client_id and the credential";
    case TokenFault::kCredential:
    case TokenFault::kWrongSecret:
    case TokenFault::kExpiredSecret:
    case TokenFault::kUnknownCertificate:
    case TokenFault::kAssertionTime:
    case TokenFault::kFederatedMismatch:
      break;
  }
  return "";
}

}  // namespace driftwarden::graph
