#include "daemon/config_sections.h"
#include "watchers/directory/filter.h"
#include "watchers/directory/name_server.h"

namespace driftwarden::daemon {
namespace {

using directory::BindOptions;

// A key of the other method would be ignored, and somebody believes that it is not.
void Misplaced(MapReader& section, const std::string& key, std::string_view method) {
  const auto value = section.Take(key);
  if (!value) return;
  section.faults().Add(value->Mark(),
                       Cat(section.Path(key), " belongs to method: ", method, "; remove it"));
}

void ReadSimpleBind(MapReader& section, bool check_files, BindOptions* bind) {
  section.Require("user", &bind->user, "svc-drift@corp.example");
  ReadPath(section, "password_file", check_files, &bind->password_file);
  if (bind->password_file.empty()) {
    section.faults().Add(section.Mark(), Cat(section.Path("password_file"),
                                             " is missing; add password_file: a file that holds "
                                             "nothing but the password"));
  }
  for (const char* key : {"principal", "keytab_file", "credential_cache", "krb5_config"}) {
    Misplaced(section, key, "gssapi");
  }
}

void ReadKerberosBind(MapReader& section, bool check_files, BindOptions* bind) {
  section.Text("principal", &bind->principal);
  ReadPath(section, "keytab_file", check_files, &bind->keytab_file);
  ReadPath(section, "credential_cache", check_files, &bind->credential_cache);
  ReadPath(section, "krb5_config", check_files, &bind->krb5_config);
  for (const char* key : {"user", "password_file"}) Misplaced(section, key, "simple");
  const size_t at = bind->principal.find('@');
  if (!bind->principal.empty() && (at == std::string::npos || at == 0)) {
    section.Wrong("principal", *section.Take("principal"), "NAME@REALM, svc-drift@CORP.EXAMPLE");
  }
  if (bind->keytab_file.empty() == bind->credential_cache.empty()) {
    section.faults().Add(
        section.Mark(),
        Cat(section.Path("keytab_file"),
            bind->keytab_file.empty()
                ? " is missing; add keytab_file: the account's keytab (or credential_cache: a file "
                  "of tickets that something else renews)"
                : " and credential_cache exclude each other; remove one"));
  } else if (bind->principal.empty() && !bind->keytab_file.empty()) {
    section.Require("principal", &bind->principal, "svc-drift@CORP.EXAMPLE");
  }
}

void ReadBind(MapReader section, bool check_files, BindOptions* bind) {
  if (const auto method = section.Choice("method", {"simple", "gssapi"}); method && *method == 1) {
    bind->method = BindOptions::Method::kGssapi;
    ReadKerberosBind(section, check_files, bind);
  } else {
    ReadSimpleBind(section, check_files, bind);
  }
  section.Finish();
}

// The domain that the account which binds belongs to; empty when its name does not say.
std::string DomainOfAccount(const BindOptions& bind) {
  const std::string& name =
      bind.method == BindOptions::Method::kGssapi ? bind.principal : bind.user;
  const size_t at = name.rfind('@');
  return at == std::string::npos ? directory::DomainOfDn(name) : name.substr(at + 1);
}

// Without servers DNS is asked for those of the domain.
void ReadDiscovery(MapReader& section, DirectoryConfig* directory) {
  section.Text("domain", &directory->domain);
  section.Text("name_server", &directory->name_server);
  if (!directory->name_server.empty() && !directory::IsNameServer(directory->name_server)) {
    section.Wrong("name_server", *section.Take("name_server"), "an IPv4 ADDRESS or ADDRESS:PORT");
  }
  std::string& domain = directory->domain;
  if (domain.empty()) domain = directory::DomainOfDn(directory->base_dn);
  if (domain.empty()) domain = DomainOfAccount(directory->bind);
  if (domain.empty() && directory->servers.empty()) {
    section.faults().Add(section.Mark(),
                         Cat(section.Path("servers"),
                             " is missing, and no domain to look for controllers in is known; add "
                             "servers: [ldaps://DC], or domain: corp.example"));
  }
}

void ReadServers(MapReader& section, DirectoryConfig* directory) {
  section.Texts("servers", &directory->servers);
  section.Flag("start_tls", &directory->start_tls);
  const bool kerberos = directory->bind.method == BindOptions::Method::kGssapi;
  for (const std::string& server : directory->servers) {
    if (server.starts_with("ldaps://") && !directory->start_tls) continue;
    if (server.starts_with("ldap://") && (directory->start_tls || kerberos)) continue;
    const bool known = server.starts_with("ldaps://") || server.starts_with("ldap://");
    section.faults().Add(
        section.Take("servers")->Mark(),
        Cat(section.Path("servers"), ": \"", Printable(server, 100), "\" ",
            known ? "does not fit start_tls; write ldaps:// without it, or ldap:// with "
                    "start_tls: true or bind: {method: gssapi} (a password never goes over an "
                    "open connection)"
                  : "is not ldaps://HOST or ldap://HOST"));
  }
}

void ReadAnchor(MapReader& section, DirectoryConfig* directory) {
  std::vector<std::string> anchor;
  section.Texts("source_anchor", &anchor);
  if (anchor.empty()) return;
  for (const std::string& attribute : anchor) {
    if (attribute == "mS-DS-ConsistencyGuid" || attribute == "objectGUID") continue;
    section.Wrong("source_anchor", *section.Take("source_anchor"),
                  "a list of mS-DS-ConsistencyGuid and objectGUID");
  }
  directory->source_anchor = anchor;
}

// A filter that we cannot evaluate is refused here, at the byte it goes wrong.
void ReadScope(MapReader section, directory::ScopeOptions* scope) {
  section.Texts("include", &scope->include);
  section.Texts("exclude", &scope->exclude);
  for (const auto& [key, dns] :
       {std::pair("include", &scope->include), std::pair("exclude", &scope->exclude)}) {
    for (const std::string& dn : *dns) {
      if (dn.find('=') != std::string::npos) continue;
      section.Wrong(key, *section.Take(key), "a list of DNs, such as OU=Staff,DC=corp,DC=example");
    }
  }
  section.Text("filter", &scope->filter);
  size_t at = 0;
  const auto filter = scope->filter.empty() ? StatusOr<directory::Filter>(directory::Filter())
                                            : directory::Filter::Parse(scope->filter, &at);
  if (!filter.ok()) {
    const YAML::Node value = *section.Take("filter");
    YAML::Mark mark = value.Mark();
    // What is quoted begins behind its quote.
    mark.column += static_cast<int>(at) + (value.Tag() == "!" ? 1 : 0);
    section.faults().Add(mark, Cat(section.Path("filter"), ": ", Message(filter.status())));
  }
  section.Finish();
}

}  // namespace

DirectoryConfig ReadDirectory(MapReader section, bool check_files) {
  DirectoryConfig directory;
  ReadName(section, &directory.name.value);
  ReadBind(section.Map("bind"), check_files, &directory.bind);
  section.Text("base_dn", &directory.base_dn);
  ReadServers(section, &directory);
  ReadDiscovery(section, &directory);
  ReadPath(section, "ca_file", check_files, &directory.ca_file);
  const auto tracking = section.Choice("change_tracking", {"usn", "dirsync"});
  directory.dirsync = tracking == 1U;
  section.Flag("notifications", &directory.notifications);
  section.Duration("poll_interval", false, &directory.poll_interval);
  section.Integer("page_size", 1, 1000, &directory.page_size);
  ReadAnchor(section, &directory);
  ReadScope(section.Map("scope"), &directory.scope);
  section.Finish();
  return directory;
}

}  // namespace driftwarden::daemon
