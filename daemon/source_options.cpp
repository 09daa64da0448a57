#include "daemon/source_options.h"

#include "watchers/directory/kerberos.h"

namespace driftwarden::daemon {

watchers::AdSourceOptions SourceOptionsOf(const DirectoryConfig& entry) {
  watchers::AdSourceOptions options;
  options.name = entry.name;
  options.servers = entry.servers;
  options.domain = entry.domain;
  options.start_tls = entry.start_tls;
  options.ca_file = entry.ca_file;
  options.bind = entry.bind;
  options.base_dn = entry.base_dn;
  options.poll_interval = entry.poll_interval;
  options.page_size = entry.page_size;
  options.source_anchor = entry.source_anchor;
  return options;
}

directory::DnsOptions DnsOptionsOf(const DirectoryConfig& entry) {
  directory::DnsOptions dns;
  dns.name_server = entry.name_server;
  return dns;
}

Status UseKerberosOf(const Config& config) {
  std::vector<std::string> files;
  for (const DirectoryConfig& entry : config.directories) {
    if (entry.bind.method != directory::BindOptions::Method::kGssapi) continue;
    files.push_back(entry.bind.krb5_config);
  }
  return files.empty() ? OkStatus() : directory::UseKerberosConfigs(files);
}

}  // namespace driftwarden::daemon
