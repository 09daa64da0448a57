#include "daemon/config_sections.h"
#include "net/url.h"

namespace driftwarden::daemon {
namespace {

using graph::CredentialOptions;

// A certificate: PEM with its key, or PKCS#12.
void ReadCertificate(MapReader& section, bool check_files, CredentialOptions* credential) {
  ReadPath(section, "certificate_file", check_files, &credential->certificate_file);
  ReadPath(section, "private_key_file", check_files, &credential->private_key_file);
  ReadPath(section, "passphrase_file", check_files, &credential->passphrase_file);
  const auto form = section.Choice("assertion", {"ps256", "rs256"});
  credential->rs256 = form == 1U;
  if (!credential->certificate_file.empty()) return;
  for (const char* key : {"private_key_file", "passphrase_file", "assertion"}) {
    const auto value = section.Take(key);
    if (!value) continue;
    section.faults().Add(value->Mark(),
                         Cat(section.Path(key), " belongs to certificate_file; add that"));
  }
}

void ReadManagedIdentity(MapReader& section, const YAML::Node& node,
                         CredentialOptions* credential) {
  MapReader identity(node, section.Path("managed_identity"), section.faults());
  std::string client_id;
  identity.Text("client_id", &client_id);
  identity.Finish();
  if (const auto own = section.Take("client_id")) {
    section.faults().Add(
        own->Mark(), Cat(section.Path("client_id"),
                         " has no meaning for a managed identity; for a user-assigned one write "
                         "managed_identity: {client_id: ID}"));
  }
  credential->client_id = client_id;
}

void ReadCredential(MapReader section, bool check_files, CredentialOptions* credential) {
  section.Text("client_id", &credential->client_id);
  ReadPath(section, "secret_file", check_files, &credential->secret_file);
  ReadCertificate(section, check_files, credential);
  ReadPath(section, "federated_token_file", check_files, &credential->federated_token_file);
  const auto identity = section.Take("managed_identity");
  std::vector<std::string> kinds;
  const auto count = [&](bool given, CredentialOptions::Kind kind, const char* key) {
    if (!given) return;
    kinds.emplace_back(key);
    credential->kind = kind;
  };
  using Kind = CredentialOptions::Kind;
  count(!credential->secret_file.empty(), Kind::kSecret, "secret_file");
  count(!credential->certificate_file.empty(), Kind::kCertificate, "certificate_file");
  count(!credential->federated_token_file.empty(), Kind::kFederated, "federated_token_file");
  count(identity.has_value(), Kind::kManagedIdentity, "managed_identity");
  if (identity) {
    ReadManagedIdentity(section, *identity, credential);
  } else {
    section.Require("client_id", &credential->client_id, "the application's id");
  }
  if (kinds.empty()) {
    section.faults().Add(section.Mark(),
                         Cat(section.Path("secret_file"),
                             " is missing; add secret_file: a file that holds the client secret "
                             "(or certificate_file, federated_token_file, managed_identity)"));
  } else if (kinds.size() > 1) {
    section.faults().Add(section.Mark(), Cat(section.Path(kinds[0]), " and ", kinds[1],
                                             " exclude each other; keep one"));
  }
  section.Finish();
}

void ReadProxy(MapReader& section, bool check_files, EntraConfig* entra) {
  section.Text("proxy", &entra->proxy);
  while (!entra->proxy.empty() && entra->proxy.back() == '/') entra->proxy.pop_back();
  ReadPath(section, "proxy_credentials_file", check_files, &entra->proxy_credentials_file);
  const auto url = net::ParseUrl(entra->proxy);
  const bool usable = url.ok() && !url->unix_socket() && url->target == "/";
  if (!entra->proxy.empty() && !usable) {
    // What stands there may hold a password: it is not repeated.
    section.faults().Add(section.Take("proxy")->Mark(),
                         Cat(section.Path("proxy"),
                             " must be http://HOST:PORT or https://HOST:PORT; user and password go "
                             "to proxy_credentials_file"));
  }
  if (entra->proxy.empty() && !entra->proxy_credentials_file.empty()) {
    section.faults().Add(
        section.Take("proxy_credentials_file")->Mark(),
        Cat(section.Path("proxy_credentials_file"), " belongs to proxy; add that"));
  }
}

}  // namespace

EntraConfig ReadTenant(MapReader section, bool check_files) {
  EntraConfig entra;
  ReadName(section, &entra.name.value);
  section.Require("tenant_id", &entra.tenant_id, "11111111-2222-3333-4444-555555555555");
  const std::vector<std::string> clouds = {"global", "usgov", "usgov-dod", "china"};
  if (const auto cloud = section.Choice("cloud", clouds)) entra.cloud = clouds[*cloud];
  MapReader endpoints = section.Map("endpoints");
  endpoints.Text("login", &entra.login_endpoint);
  endpoints.Text("graph", &entra.graph_endpoint);
  for (const auto& [key, url] :
       {std::pair("login", &entra.login_endpoint), std::pair("graph", &entra.graph_endpoint)}) {
    while (!url->empty() && url->back() == '/') url->pop_back();
    if (!url->empty() && !url->starts_with("https://")) {
      endpoints.Wrong(key, *endpoints.Take(key), "https://HOST[:PORT]");
    }
  }
  endpoints.Finish();
  ReadPath(section, "ca_file", check_files, &entra.ca_file);
  ReadProxy(section, check_files, &entra);
  ReadCredential(section.Map("credential"), check_files, &entra.credential);
  section.Duration("poll_interval", false, &entra.poll_interval);
  ReadNotifications(section.Map("notifications"), check_files, &entra.notifications);
  MapReader evidence = section.Map("evidence");
  evidence.Flag("directory_audits", &entra.directory_audits);
  evidence.Flag("sign_ins", &entra.sign_ins);
  evidence.Flag("residue", &entra.residue);
  evidence.Finish();
  section.Finish();
  return entra;
}

}  // namespace driftwarden::daemon
