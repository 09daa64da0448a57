#pragma once

// A certificate as credential: each token request carries an assertion that its private key signed
// (RFC 7523, private_key_jwt). Wire source: "Microsoft identity platform application authentication
// certificate credentials".

#include <optional>
#include <string>

#include "watchers/graph/credential.h"
#include "watchers/graph/signing_identity.h"

namespace driftwarden::graph {

enum class AssertionForm {
  kPs256,  // RSASSA-PSS with x5t#S256
  kRs256,  // PKCS#1 v1.5 with x5t (SHA-1 of the certificate), for set-ups that know no other
};

class CertificateCredential final : public Credential {
 public:
  CertificateCredential(SigningFiles files, AssertionForm form)
      : files_(std::move(files)), form_(form) {}
  // Beside the files' own errors, FailedPrecondition for a certificate that is not valid now.
  StatusOr<net::QueryPairs> FormFields(const ProofRequest& request) override;
  std::string Mend(TokenFault fault) const override;
  std::optional<absl::Time> ValidUntil() const override { return valid_until_; }

 private:
  const SigningFiles files_;
  const AssertionForm form_;
  std::string thumbprint_;  // SHA-1 in hexadecimal, as Entra's pages show it
  std::optional<absl::Time> valid_until_;
};

// The signed JSON web token. Valid from a minute before `request.now`, for clocks differ, for ten
// minutes.
StatusOr<std::string> MakeAssertion(const SigningIdentity& identity, AssertionForm form,
                                    const ProofRequest& request);

}  // namespace driftwarden::graph
