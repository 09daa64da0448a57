#pragma once

// How a tenant's application proves itself, as configured.

#include <string>

namespace driftwarden::graph {

struct CredentialOptions {
  enum class Kind { kSecret, kCertificate, kFederated, kManagedIdentity };

  Kind kind = Kind::kSecret;
  std::string client_id;  // of the application; of a user-assigned managed identity, else empty
  std::string secret_file;
  std::string certificate_file;
  std::string private_key_file;
  std::string passphrase_file;
  bool rs256 = false;  // the older form of assertion
  std::string federated_token_file;
  friend bool operator==(const CredentialOptions&, const CredentialOptions&) = default;
};

}  // namespace driftwarden::graph
