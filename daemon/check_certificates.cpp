#include "daemon/check_certificates.h"

#include <set>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "net/tls.h"
#include "watchers/graph/signing_identity.h"

namespace driftwarden::daemon {
namespace {

using watchers::CheckFinding;
using Level = CheckFinding::Level;

constexpr absl::Duration kSoon = absl::Hours(30 * 24);

CheckFinding OfEnd(std::string subject, absl::Time end, absl::Time now, std::string mend) {
  CheckFinding finding;
  finding.subject = std::move(subject);
  finding.what = Cat("the certificate has its key and is valid until ", FormatRfc3339(end));
  if (end <= now) {
    finding.level = Level::kFail;
    finding.what = Cat("the certificate ended at ", FormatRfc3339(end));
  } else if (end - now < kSoon) {
    finding.level = Level::kWarn;
    finding.what = Cat("the certificate ends in ", HumanDuration(end - now));
  }
  if (finding.level != Level::kOk) finding.mend = std::move(mend);
  return finding;
}

CheckFinding Unusable(std::string subject, const Status& status, std::string mend) {
  CheckFinding finding;
  finding.level = Level::kFail;
  finding.subject = std::move(subject);
  finding.what = std::string(Message(status));
  finding.mend = std::move(mend);
  return finding;
}

CheckFinding CheckServer(const std::string& key, const TlsFiles& tls, absl::Time now) {
  const std::string mend = Cat("renew it in ", key, ".cert_file, and restart");
  const auto loaded = net::LoadTlsServerConfig(tls.cert_file, tls.key_file, tls.client_ca_file);
  if (!loaded.ok()) return Unusable(key, loaded.status(), Cat("mend the files of ", key));
  const auto end = net::CertificateExpiry(loaded->identity.certificate_pem);
  if (!end.ok()) return Unusable(key, end.status(), Cat("mend the files of ", key));
  return OfEnd(key, *end, now, mend);
}

CheckFinding CheckApplication(const EntraConfig& tenant, absl::Time now) {
  const std::string key = Cat(tenant.name.value, ": credential.certificate_file");
  graph::SigningFiles files;
  files.certificate_file = tenant.credential.certificate_file;
  files.private_key_file = tenant.credential.private_key_file;
  files.passphrase_file = tenant.credential.passphrase_file;
  const auto identity = graph::SigningIdentity::Load(files);
  if (!identity.ok()) return Unusable(key, identity.status(), "");
  if (identity->not_before() > now) {
    const Status early = PreconditionError(
        Cat("the certificate is not valid before ", FormatRfc3339(identity->not_before())));
    return Unusable(key, early, "wait, or mend this machine's clock");
  }
  return OfEnd(key, identity->not_after(), now,
               "upload a new one to the application, then write it over the old one");
}

}  // namespace

std::vector<CheckFinding> CheckCertificates(const Config& config, absl::Time now) {
  std::vector<CheckFinding> findings;
  if (!config.http.tls.cert_file.empty()) {
    findings.push_back(CheckServer("http.tls", config.http.tls, now));
  }
  std::set<std::string> seen;  // tenants may share a listener
  for (const EntraConfig& tenant : config.tenants) {
    if (tenant.credential.kind == graph::CredentialOptions::Kind::kCertificate) {
      findings.push_back(CheckApplication(tenant, now));
    }
    const TlsFiles& tls = tenant.notifications.tls;
    if (tls.cert_file.empty() || !seen.insert(tls.cert_file).second) continue;
    findings.push_back(CheckServer(Cat(tenant.name.value, ": notifications.tls"), tls, now));
  }
  return findings;
}

}  // namespace driftwarden::daemon
