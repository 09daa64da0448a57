#pragma once

// JSON web tokens (RFC 7519): reading, verifying and making them with RSA keys.

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace driftwarden::simulator {

struct WebToken {
  boost::json::object header;
  boost::json::object claims;
  std::string signed_text;
  std::string signature;

  std::string HeaderText(const char* name) const;  // empty when it is no string
  std::string Claim(const char* name) const;
  std::optional<int64_t> Number(const char* name) const;
};

// Nothing when the text is no signed JSON web token.
std::optional<WebToken> ParseWebToken(std::string_view text);

// A certificate's DER form; InvalidArgument for anything else than PEM with an RSA key.
StatusOr<std::string> CertificateDer(const std::string& pem);
// Digests of the DER form, base64url.
std::string Sha1Of(std::string_view der);
std::string Sha256Of(std::string_view der);

// Whether the certificate's key made the signature: PS256 (salt of 32 bytes) or RS256 by `alg`.
bool Verifies(const WebToken& token, const std::string& certificate_der);

// An RS256 token; `key_pem` is an unencrypted private key.
StatusOr<std::string> MakeWebToken(const boost::json::object& header,
                                   const boost::json::object& claims, const std::string& key_pem);

}  // namespace driftwarden::simulator
