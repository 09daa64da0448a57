#pragma once

// The application that a tenant knows, its credentials, and what the token endpoint makes of the
// proofs that clients send. Shares nothing with the product's own making of such proofs.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "net/url.h"

namespace driftwarden::simulator {

// A token of another issuer that the application trusts.
struct FederatedTrust {
  std::string issuer;
  std::string subject;
  std::string audience = "api://AzureADTokenExchange";
  std::string certificate_pem;  // of the issuer's key
};

// Why a token is refused, as Entra answers.
struct TokenRefusal {
  int http_status = 401;
  std::string error = "invalid_client";
  int code = 0;  // AADSTS
  std::string text;

  TokenRefusal() = default;
  TokenRefusal(int aadsts, std::string why) : code(aadsts), text(std::move(why)) {}
  TokenRefusal(int status, std::string oauth_error, int aadsts, std::string why)
      : http_status(status), error(std::move(oauth_error)), code(aadsts), text(std::move(why)) {}
};

class AppRegistration {
 public:
  std::string client_id = "aaaaaaaa-0000-4000-8000-000000000001";
  std::string client_secret = "simulated-secret";  // empty: it has none
  std::optional<FederatedTrust> trust;

  // InvalidArgument when the text holds no certificate with an RSA key.
  Status AddCertificate(const std::string& pem);
  void RemoveCertificates() { certificates_.clear(); }

  // The refusal of a token request, or nothing when it proves the application. `audiences` are the
  // values of an assertion's `aud` that mean this endpoint.
  std::optional<TokenRefusal> Judge(const net::QueryPairs& form,
                                    const std::vector<std::string>& audiences,
                                    absl::Time now) const;

  // The endpoint's refusal of that AADSTS code, for tests that want it whatever was sent.
  static TokenRefusal RefusalOf(int code);

 private:
  struct Certificate {
    std::string der;
    std::string sha1;    // base64url
    std::string sha256;  // base64url
  };
  std::optional<TokenRefusal> JudgeAssertion(std::string_view assertion,
                                             const std::vector<std::string>& audiences,
                                             absl::Time now) const;

  std::vector<Certificate> certificates_;
};

}  // namespace driftwarden::simulator
