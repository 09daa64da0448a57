#include "watchers/graph/credential.h"

#include <boost/json.hpp>

#include "base/hex.h"
#include "base/secret.h"
#include "base/strings.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;

// The second part of a JSON web token; nothing when the text is none.
std::optional<json::object> ClaimsOf(std::string_view token) {
  const auto parts = SplitString(token, '.');
  if (parts.size() != 3 || parts[0].empty() || parts[2].empty()) return std::nullopt;
  const auto text = Base64UrlDecode(parts[1]);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text->data(), text->size()), error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string Describe(const json::object& claims) {
  std::string out;
  for (const char* name : {"iss", "sub", "aud"}) {
    const json::value* value = claims.if_contains(name);
    if (value == nullptr) continue;
    const std::string text =
        value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
    out += Cat(out.empty() ? "" : ", ", name, " ", Printable(text, 200));
  }
  return out;
}

}  // namespace

net::QueryPairs AssertionFields(std::string assertion) {
  net::QueryPairs fields;
  fields.emplace_back("client_assertion_type",
                      "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  fields.emplace_back("client_assertion", std::move(assertion));
  return fields;
}

StatusOr<net::QueryPairs> SecretFileCredential::FormFields(const ProofRequest& /*request*/) {
  DW_ASSIGN_OR_RETURN(const Secret secret, ReadSecretFile(path_));
  net::QueryPairs fields;
  fields.emplace_back("client_secret", std::string(secret.Reveal()));
  return fields;
}

std::string SecretFileCredential::Mend(TokenFault fault) const {
  if (fault == TokenFault::kExpiredSecret) {
    return Cat(
        "the client secret has expired: add a new one to the application and write its "
        "value to ",
        path_);
  }
  return Cat("write a current client secret (its value, not its id) to ", path_);
}

StatusOr<net::QueryPairs> FederatedTokenCredential::FormFields(const ProofRequest& /*request*/) {
  DW_ASSIGN_OR_RETURN(const Secret token, ReadSecretFile(path_));
  const std::string text(TrimAscii(token.Reveal()));
  const auto claims = ClaimsOf(text);
  if (!claims) {
    return InvalidError(Cat("federated token file ", path_,
                            " holds no JSON web token; name the file that your platform writes it "
                            "to"));
  }
  claims_ = Describe(*claims);
  return AssertionFields(text);
}

std::string FederatedTokenCredential::Mend(TokenFault fault) const {
  if (fault == TokenFault::kAssertionTime) {
    return Cat("the token in ", path_,
               " is outside its time: see why nothing renews it, and set this machine's clock");
  }
  if (fault == TokenFault::kUnknownCertificate) {
    return Cat("Entra cannot verify the signature of the token in ", path_, " (", claims_,
               "): it must reach the issuer's published keys");
  }
  return Cat("a federated credential of the application must name what the token in ", path_,
             " says: ", claims_);
}

}  // namespace driftwarden::graph
