#include "watchers/directory/ldap_result.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

constexpr int kInvalidCredentials = 49;

constexpr std::array<std::pair<int, std::string_view>, 27> kNames = {{
    {1, "operationsError"},
    {2, "protocolError"},
    {3, "timeLimitExceeded"},
    {4, "sizeLimitExceeded"},
    {7, "authMethodNotSupported"},
    {8, "strongerAuthRequired"},
    {10, "referral"},
    {11, "adminLimitExceeded"},
    {12, "unavailableCriticalExtension"},
    {13, "confidentialityRequired"},
    {14, "saslBindInProgress"},
    {16, "noSuchAttribute"},
    {18, "inappropriateMatching"},
    {21, "invalidAttributeSyntax"},
    {32, "noSuchObject"},
    {33, "aliasProblem"},
    {34, "invalidDNSyntax"},
    {36, "aliasDereferencingProblem"},
    {48, "inappropriateAuthentication"},
    {49, "invalidCredentials"},
    {50, "insufficientAccessRights"},
    {51, "busy"},
    {52, "unavailable"},
    {53, "unwillingToPerform"},
    {54, "loopDetect"},
    {71, "affectsMultipleDSAs"},
    {80, "other"},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kBindReasons = {{
    {"51f", "the controller cannot reach a logon server"},
    {"525", "no such user"},
    {"52e", "wrong user or password"},
    {"52f", "an account restriction forbids it"},
    {"530", "not permitted at this hour"},
    {"531", "not permitted from this machine"},
    {"532", "the password has expired"},
    {"533", "the account is disabled"},
    {"701", "the account has expired"},
    {"773", "the password must be changed first"},
    {"775", "the account is locked"},
    {"80090346",
     "the controller demands channel binding, which this SASL library cannot give; use "
     "gssapi over ldap:// without TLS, or a simple bind"},
}};

constexpr const char kWrongSecretUrl[] = "driftwarden/wrong-secret";

// Given only to who knows the password (MS-ERREF; 775 whatever the password was).
constexpr std::array<std::string_view, 8> kAboutTheAccount = {"52f", "530", "531", "532",
                                                              "533", "701", "773", "775"};

bool IsAboutTheAccount(std::string_view reason) {
  return std::any_of(kAboutTheAccount.begin(), kAboutTheAccount.end(),
                     [&](std::string_view code) { return reason.starts_with(Cat("data ", code)); });
}

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

StatusCode CodeOf(int code) {
  switch (code) {
    case 3:
    case 4:
    case 11:
      return StatusCode::kResourceExhausted;
    case 7:
    case 48:
    case 49:
      return StatusCode::kUnauthenticated;
    case 50:
      return StatusCode::kPermissionDenied;
    case 32:
      return StatusCode::kNotFound;
    case 34:
      return StatusCode::kInvalidArgument;
    case 8:
    case 10:
    case 12:
    case 13:
    case 53:
      return StatusCode::kFailedPrecondition;
    case 2:
    case 16:
    case 18:
    case 21:
      return StatusCode::kInternal;
    default:
      return StatusCode::kUnavailable;
  }
}

std::string_view SearchAdvice(int code) {
  switch (code) {
    case 1:
      return "; the session may have lost its authentication";
    case 10:
    case 32:
    case 34:
      return "; check base_dn";
    case 50:
      return "; grant the service account the right to read it";
    default:
      return "";
  }
}

}  // namespace

std::string LdapCodeName(int code) {
  for (const auto& [number, name] : kNames) {
    if (number == code) return std::string(name);
  }
  return Cat("result code ", code);
}

std::string BindReason(std::string_view diagnostic) {
  constexpr std::string_view kMark = "data ";
  const size_t at = diagnostic.find(kMark);
  if (at == std::string_view::npos) return "";
  std::string_view data = diagnostic.substr(at + kMark.size());
  size_t length = 0;
  while (length < data.size() && length < 8 && IsHex(data[length])) ++length;
  data = data.substr(0, length);
  if (data.empty()) return "";
  for (const auto& [code, meaning] : kBindReasons) {
    if (data == code) return Cat("data ", data, ": ", meaning);
  }
  return Cat("data ", data);
}

bool IsWrongSecret(const Status& status) {
  return status.GetPayload(kWrongSecretUrl).has_value();
}

Status WrongSecret(Status status) {
  status.SetPayload(kWrongSecretUrl, absl::Cord());
  return status;
}

Status BindRefused(const Peer& peer, const LdapResult& result) {
  std::string why = BindReason(result.diagnostic);
  if (why.empty()) why = Printable(result.diagnostic, 200);
  const StatusCode code = CodeOf(result.code);
  const std::string advice =
      code == StatusCode::kUnauthenticated ? Cat("; check ", peer.credentials) : std::string();
  Status refused = MakeStatus(
      code, Cat(peer.source, ": bind as ", Printable(peer.user), " refused by ", peer.server, " (",
                LdapCodeName(result.code), why.empty() ? "" : ", ", why, ")", advice));
  const bool wrong = result.code == kInvalidCredentials && !IsAboutTheAccount(why);
  return wrong ? WrongSecret(std::move(refused)) : refused;
}

Status SearchRefused(const Peer& peer, std::string_view base, const LdapResult& result) {
  const std::string why = Printable(result.diagnostic, 200);
  const std::string place = base.empty() ? "rootDSE" : Cat('"', Printable(base), '"');
  return MakeStatus(
      CodeOf(result.code),
      Cat(peer.source, ": search of ", place, " refused by ", peer.server, " (",
          LdapCodeName(result.code), why.empty() ? "" : ": ", why, ")", SearchAdvice(result.code)));
}

}  // namespace driftwarden::directory
