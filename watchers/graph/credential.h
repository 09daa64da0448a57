#pragma once

// What proves to the token endpoint that we are the application. Wire source: the Entra v2.0 token
// endpoint, client credentials grant (RFC 6749 section 4.4, RFC 7523).

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/rng.h"
#include "base/status.h"
#include "net/url.h"
#include "watchers/graph/token_fault.h"

namespace driftwarden::graph {

// The token request that is to be proven.
struct ProofRequest {
  std::string token_url;
  std::string client_id;
  absl::Time now;
  Rng* rng = nullptr;  // not null
};

// One executor.
class Credential {
 public:
  virtual ~Credential() = default;
  // The form fields beside client_id, scope and grant_type. Made anew of the files for each token
  // request, so that what was rotated works without a restart. An error names the file and the
  // mend, never what is in it.
  virtual StatusOr<net::QueryPairs> FormFields(const ProofRequest& request) = 0;
  // What a person does about a refusal; of the faults that are not the credential's, anything.
  virtual std::string Mend(TokenFault fault) const = 0;
  // When what FormFields last used ends to be valid, where a person has to renew it.
  virtual std::optional<absl::Time> ValidUntil() const { return std::nullopt; }
};

class SecretFileCredential final : public Credential {
 public:
  explicit SecretFileCredential(std::string path) : path_(std::move(path)) {}
  StatusOr<net::QueryPairs> FormFields(const ProofRequest& request) override;
  std::string Mend(TokenFault fault) const override;

 private:
  const std::string path_;
};

// Workload identity federation: a token that somebody else signed and renews (Kubernetes, a SPIFFE
// agent), sent unchanged.
class FederatedTokenCredential final : public Credential {
 public:
  explicit FederatedTokenCredential(std::string path) : path_(std::move(path)) {}
  StatusOr<net::QueryPairs> FormFields(const ProofRequest& request) override;
  std::string Mend(TokenFault fault) const override;

 private:
  const std::string path_;
  std::string claims_;  // iss, sub and aud of the last token, as text: they are no secrets
};

// client_assertion_type and client_assertion.
net::QueryPairs AssertionFields(std::string assertion);

}  // namespace driftwarden::graph
