#include "watchers/graph/certificate_credential.h"

#include <boost/json.hpp>

#include "base/hex.h"
#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;

constexpr absl::Duration kClocksDiffer = absl::Minutes(1);
constexpr absl::Duration kLife = absl::Minutes(10);

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

StatusOr<std::string> MakeAssertion(const SigningIdentity& identity, AssertionForm form,
                                    const ProofRequest& request) {
  const bool pss = form == AssertionForm::kPs256;
  json::object header = {{"alg", pss ? "PS256" : "RS256"}, {"typ", "JWT"}};
  header[pss ? "x5t#S256" : "x5t"] =
      Base64UrlEncode(pss ? identity.Sha256Thumbprint() : identity.Sha1Thumbprint());
  const int64_t from = absl::ToUnixSeconds(request.now - kClocksDiffer);
  const json::object claims = {{"aud", request.token_url},
                               {"iss", request.client_id},
                               {"sub", request.client_id},
                               {"jti", MakeUuid(*request.rng)},
                               {"nbf", from},
                               {"iat", from},
                               {"exp", from + absl::ToInt64Seconds(kLife)}};
  const std::string text =
      Cat(Base64UrlEncode(json::serialize(header)), ".", Base64UrlEncode(json::serialize(claims)));
  DW_ASSIGN_OR_RETURN(
      const std::string signature,
      identity.Sign(text, pss ? SigningIdentity::Padding::kPss : SigningIdentity::Padding::kPkcs1));
  return Cat(text, ".", Base64UrlEncode(signature));
}

StatusOr<net::QueryPairs> CertificateCredential::FormFields(const ProofRequest& request) {
  DW_ASSIGN_OR_RETURN(const SigningIdentity identity, SigningIdentity::Load(files_));
  thumbprint_ = Upper(HexEncode(identity.Sha1Thumbprint()));
  valid_until_ = identity.not_after();
  if (request.now >= identity.not_after()) {
    return PreconditionError(Cat("the certificate in ", files_.certificate_file, " expired at ",
                                 FormatRfc3339(identity.not_after()),
                                 "; write a new one, and upload it to the application"));
  }
  if (request.now + kClocksDiffer < identity.not_before()) {
    return PreconditionError(
        Cat("the certificate in ", files_.certificate_file, " is not valid before ",
            FormatRfc3339(identity.not_before()),
            "; set this machine's clock, or use the one before it until then"));
  }
  DW_ASSIGN_OR_RETURN(std::string assertion, MakeAssertion(identity, form_, request));
  return AssertionFields(std::move(assertion));
}

std::string CertificateCredential::Mend(TokenFault fault) const {
  if (fault == TokenFault::kAssertionTime) {
    return "the assertion is outside its time for Entra: set this machine's clock (chrony, "
           "systemd-timesyncd)";
  }
  return Cat("upload the certificate in ", files_.certificate_file, " (thumbprint ", thumbprint_,
             ") to the application's certificates");
}

}  // namespace driftwarden::graph
