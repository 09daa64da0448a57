#include "watchers/graph/token_factory.h"

#include "watchers/graph/certificate_credential.h"
#include "watchers/graph/client_credentials.h"
#include "watchers/graph/credential.h"
#include "watchers/graph/managed_identity.h"

namespace driftwarden::graph {
namespace {

std::unique_ptr<Credential> MakeCredential(const CredentialOptions& options) {
  if (options.kind == CredentialOptions::Kind::kCertificate) {
    SigningFiles files;
    files.certificate_file = options.certificate_file;
    files.private_key_file = options.private_key_file;
    files.passphrase_file = options.passphrase_file;
    return std::make_unique<CertificateCredential>(
        std::move(files), options.rs256 ? AssertionForm::kRs256 : AssertionForm::kPs256);
  }
  if (options.kind == CredentialOptions::Kind::kFederated) {
    return std::make_unique<FederatedTokenCredential>(options.federated_token_file);
  }
  return std::make_unique<SecretFileCredential>(options.secret_file);
}

std::unique_ptr<TokenIssuer> MakeIssuer(const std::string& tenant_id, const Endpoints& endpoints,
                                        const CredentialOptions& options, const TokenParts& parts) {
  if (options.kind == CredentialOptions::Kind::kManagedIdentity) {
    ManagedIdentityOptions identity;
    identity.tenant_id = tenant_id;
    identity.client_id = options.client_id;
    identity.resource = endpoints.graph;
    identity.place = ManagedIdentityPlace::FromEnvironment();
    return std::make_unique<ManagedIdentityIssuer>(
        std::move(identity), parts.direct, parts.scheduler, parts.rng, parts.log, parts.observer);
  }
  TokenOptions token;
  token.tenant_id = tenant_id;
  token.client_id = options.client_id;
  token.endpoints = endpoints;
  return std::make_unique<ClientCredentialsIssuer>(std::move(token), MakeCredential(options),
                                                   parts.http, parts.scheduler, parts.rng,
                                                   parts.log, parts.observer);
}

}  // namespace

std::unique_ptr<TokenSource> MakeTokenSource(const std::string& tenant_id,
                                             const Endpoints& endpoints,
                                             const CredentialOptions& options,
                                             const TokenParts& parts) {
  return std::make_unique<CachedTokenSource>(MakeIssuer(tenant_id, endpoints, options, parts),
                                             tenant_id, parts.scheduler, parts.rng, parts.log);
}

}  // namespace driftwarden::graph
