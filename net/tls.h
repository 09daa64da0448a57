#pragma once

// Certificates as PEM text: reading those of a configuration, and making short-lived ones for the
// demo, the simulator and the tests.

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"

namespace driftwarden::net {

struct PemPair {
  std::string certificate_pem;
  std::string key_pem;

  PemPair() = default;
  PemPair(std::string certificate, std::string key)
      : certificate_pem(std::move(certificate)), key_pem(std::move(key)) {}
};

// What a TLS server shows and asks for. With a client CA every client must show a certificate that
// the CA signed.
struct TlsServerConfig {
  PemPair identity;  // the certificate may be followed by its chain
  std::string client_ca_pem;

  TlsServerConfig() = default;
  explicit TlsServerConfig(PemPair pair) : identity(std::move(pair)) {}
};

// `client_ca_file` may be empty. The error names the file.
StatusOr<TlsServerConfig> LoadTlsServerConfig(const std::string& cert_file,
                                              const std::string& key_file,
                                              const std::string& client_ca_file);

// EC P-256, valid from an hour before `now` for ten years (CA) or one year.
StatusOr<PemPair> MakeCa(const std::string& name, absl::Time now);
// For servers and clients alike; `dns` and `ips` become subject alternative names, the first of
// them the common name.
StatusOr<PemPair> IssueServerCertificate(const PemPair& ca, const std::vector<std::string>& dns,
                                         const std::vector<std::string>& ips, absl::Time now);

// A self-signed certificate with an RSA key, as applications have them: for the simulator and the
// tests.
struct RsaIdentityOptions {
  std::string name;  // common name
  absl::Time not_before;
  absl::Time not_after;
  int bits = 2048;
};
StatusOr<PemPair> MakeRsaIdentity(const RsaIdentityOptions& options);

// When the first certificate of the text ends to be valid.
StatusOr<absl::Time> CertificateExpiry(const std::string& certificate_pem);

}  // namespace driftwarden::net
