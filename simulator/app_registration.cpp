#include "simulator/app_registration.h"

#include <algorithm>

#include "base/strings.h"
#include "simulator/web_token.h"

namespace driftwarden::simulator {
namespace {

constexpr absl::Duration kSkew = absl::Minutes(5);  // Entra tolerates that much
constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

std::string_view FieldOf(const net::QueryPairs& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return "";
}

bool InTime(const WebToken& token, absl::Time now) {
  const auto end = token.Number("exp");
  const auto begin = token.Number("nbf");
  if (!end || now > absl::FromUnixSeconds(*end) + kSkew) return false;
  return !begin || now + kSkew >= absl::FromUnixSeconds(*begin);
}

std::optional<TokenRefusal> JudgeFederated(const WebToken& token, const FederatedTrust& trust,
                                           absl::Time now) {
  if (token.Claim("iss") != trust.issuer) {
    return TokenRefusal(700211, Cat("No matching federated identity record found for presented "
                                    "assertion issuer '",
                                    Printable(token.Claim("iss"), 100), "'."));
  }
  if (token.Claim("aud") != trust.audience) {
    return TokenRefusal(700212, Cat("No matching federated identity record found for presented "
                                    "assertion audience '",
                                    Printable(token.Claim("aud"), 100), "'."));
  }
  if (token.Claim("sub") != trust.subject) {
    return TokenRefusal(700213, Cat("No matching federated identity record found for presented "
                                    "assertion subject '",
                                    Printable(token.Claim("sub"), 100), "'."));
  }
  const auto der = CertificateDer(trust.certificate_pem);
  if (!der.ok() || !Verifies(token, *der)) {
    return TokenRefusal(50013,
                        "Assertion failed signature validation. [Reason - The key was not "
                        "found.]");
  }
  if (!InTime(token, now)) return AppRegistration::RefusalOf(700024);
  return std::nullopt;
}

}  // namespace

Status AppRegistration::AddCertificate(const std::string& pem) {
  Certificate certificate;
  DW_ASSIGN_OR_RETURN(certificate.der, CertificateDer(pem));
  certificate.sha1 = Sha1Of(certificate.der);
  certificate.sha256 = Sha256Of(certificate.der);
  certificates_.push_back(std::move(certificate));
  return OkStatus();
}

TokenRefusal AppRegistration::RefusalOf(int code) {
  switch (code) {
    case 7000222:
      return TokenRefusal(code, "The provided client secret keys for app are expired.");
    case 700024:
      return TokenRefusal(code, "Client assertion is not within its valid time range.");
    case 700016:
      return TokenRefusal(400, "unauthorized_client", code,
                          "Application was not found in the directory.");
    case 7000112:
      return TokenRefusal(400, "unauthorized_client", code, "Application is disabled.");
    case 90002:
      return TokenRefusal(400, "invalid_request", code, "Tenant not found.");
    case 500011:
      return TokenRefusal(400, "invalid_resource", code, "The resource principal was not found.");
    case 90033:
      return TokenRefusal(503, "temporarily_unavailable", code,
                          "A transient error has occurred. Please try again.");
    case 90055:
      return TokenRefusal(429, "temporarily_unavailable", code, "There are too many requests.");
    case 7000215:
      return TokenRefusal(code, "Invalid client secret provided.");
    default:
      return TokenRefusal(code, "The credential was refused.");
  }
}

std::optional<TokenRefusal> AppRegistration::Judge(const net::QueryPairs& form,
                                                   const std::vector<std::string>& audiences,
                                                   absl::Time now) const {
  if (!EqualsIgnoreCase(FieldOf(form, "client_id"), client_id)) return RefusalOf(700016);
  const std::string_view secret = FieldOf(form, "client_secret");
  const std::string_view assertion = FieldOf(form, "client_assertion");
  if (!secret.empty()) {
    if (!client_secret.empty() && secret == client_secret) return std::nullopt;
    return RefusalOf(7000215);
  }
  if (assertion.empty()) {
    return TokenRefusal(7000218,
                        "The request body must contain the following parameter: "
                        "'client_assertion' or 'client_secret'.");
  }
  if (FieldOf(form, "client_assertion_type") != kJwtBearer) {
    return TokenRefusal(400, "invalid_request", 900144,
                        "The request body must contain client_assertion_type of jwt-bearer.");
  }
  return JudgeAssertion(assertion, audiences, now);
}

std::optional<TokenRefusal> AppRegistration::JudgeAssertion(
    std::string_view assertion, const std::vector<std::string>& audiences, absl::Time now) const {
  const auto token = ParseWebToken(assertion);
  if (!token) return TokenRefusal(50027, "JWT token is invalid or malformed.");
  if (trust && !EqualsIgnoreCase(token->Claim("iss"), client_id)) {
    return JudgeFederated(*token, *trust, now);
  }
  if (!EqualsIgnoreCase(token->Claim("iss"), client_id) ||
      !EqualsIgnoreCase(token->Claim("sub"), client_id)) {
    return TokenRefusal(700021,
                        "Client assertion application identifier doesn't match "
                        "'client_id' parameter.");
  }
  const auto known = std::find_if(certificates_.begin(), certificates_.end(),
                                  [&token](const Certificate& certificate) {
                                    return token->HeaderText("x5t#S256") == certificate.sha256 ||
                                           token->HeaderText("x5t") == certificate.sha1;
                                  });
  if (known == certificates_.end()) {
    return TokenRefusal(700027,
                        "The certificate with identifier used to sign the client assertion "
                        "is not registered on application. [Reason - The key was not "
                        "found.]");
  }
  if (!Verifies(*token, known->der)) {
    return TokenRefusal(700027, "Client assertion contains an invalid signature.");
  }
  if (std::find(audiences.begin(), audiences.end(), token->Claim("aud")) == audiences.end()) {
    return TokenRefusal(700023, "Client assertion audience claim does not match Realm issuer.");
  }
  // The same assertion may be sent again within its time, as Entra allows.
  if (!InTime(*token, now)) return RefusalOf(700024);
  return std::nullopt;
}

}  // namespace driftwarden::simulator
