#pragma once

// Parts of the configuration's reading, split over config*.cpp; not for others.

#include "daemon/config.h"
#include "daemon/config_node.h"

namespace driftwarden::daemon {

// Where the values stand of one entry of remediation.modes that name something.
struct ModePlaces {
  YAML::Mark link;
  YAML::Mark tier;
};

// The policy and remediation sections, as every link starts from them. One of `places` for each of
// the remediation's modes.
// auth_mode and domains of a link.
void ReadAuthModes(MapReader& section, monitor::Policy* link);
void ReadPolicy(MapReader section, monitor::Policy* policy);
void ReadRemediation(MapReader section, monitor::Remediation* remediation,
                     std::vector<ModePlaces>* places);
// A mode for a link or a tier that is nowhere would silently be none.
void CheckModes(const std::vector<monitor::Policy>& links, const std::vector<ModePlaces>& places,
                Faults& faults);
// ous: DNs. What is none would match nobody.
void ReadOus(MapReader& section, std::vector<std::string>* out);
void ReadClasses(MapReader section, std::map<monitor::PersonClass, monitor::ClassMatch>* classes);
DirectoryConfig ReadDirectory(MapReader section, bool check_files);
EntraConfig ReadTenant(MapReader section, bool check_files);
void ReadNotifications(MapReader section, bool check_files, GraphNotificationsConfig* out);
// The entries of notifications that several tenants and the API share must fit each other.
// `places`: where each tenant stands.
void CheckNotifications(const Config& config, const std::vector<YAML::Mark>& places,
                        Faults& faults);
// listen: ADDRESS:PORT. Leaves both when it is absent or wrong, which is a fault.
void ReadListen(MapReader& section, std::string_view example, std::string* address, uint16_t* port);
// tls: cert_file, key_file, client_ca_file; the first two together or not at all.
void ReadTls(MapReader& section, bool check_files, TlsFiles* tls);
// Fills `out` and, when `check_files`, makes sure that the file can be read.
void ReadPath(MapReader& section, const std::string& key, bool check_files, std::string* out);
// A name that becomes a label, a file name or part of an id.
void ReadName(MapReader& section, std::string* out);

}  // namespace driftwarden::daemon
