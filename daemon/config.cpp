#include "daemon/config.h"

#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "daemon/config_sections.h"

namespace driftwarden::daemon {
namespace {

using monitor::LinkName;
using monitor::Policy;
using monitor::SourceName;

void ReadHttp(MapReader section, bool check_files, HttpConfig* http) {
  ReadListen(section, "127.0.0.1:9742", &http->address, &http->port);
  ReadTls(section, check_files, &http->tls);
  ReadPath(section, "tokens_file", check_files, &http->tokens_file);
  const bool whole_tls = !http->tls.cert_file.empty() && !http->tls.key_file.empty();
  if (!http->IsLoopback() && (!whole_tls || http->tokens_file.empty())) {
    section.faults().Add(section.Mark(),
                         Cat("http.listen ", http->address,
                             " is not loopback; off loopback http.tls (cert_file, key_file) and "
                             "http.tokens_file are required"));
  }
  section.Finish();
}

void ReadLog(MapReader section, Config* config) {
  if (const auto level = section.Choice("level", {"debug", "info", "warn", "error"})) {
    config->log_level = static_cast<LogLevel>(*level);
  }
  if (const auto format = section.Choice("format", {"logfmt", "json"})) {
    config->log_format = *format == 0 ? LogFormat::kLogfmt : LogFormat::kJson;
  }
  section.Finish();
}

void ReadAlerting(MapReader section, AlertingConfig* alerting) {
  section.Text("external_url", &alerting->external_url);
  section.Each("alertmanagers", [&](const YAML::Node& item) {
    MapReader entry(item, "alerting.alertmanagers[]", section.faults());
    std::string url;
    entry.Require("url", &url, "http://127.0.0.1:9093");
    if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
      entry.Wrong("url", *entry.Take("url"), "an http:// or https:// address");
    }
    entry.Finish();
    if (!url.empty()) alerting->alertmanagers.push_back(url);
  });
  section.Duration("resend_interval", false, &alerting->resend_interval);
  section.NotYet("webhooks", "delivery to webhooks");
  section.Integer("collapse_after", 1, 1'000'000, &alerting->collapse_after);
  section.Finish();
}

// Everything a link says about itself; the policy it starts from is the file's.
Policy ReadLink(MapReader section, const Policy& base, const Config& config) {
  Policy link = base;
  ReadName(section, &link.link.value);
  bool any = false;
  section.Each("active_directory", [&](const YAML::Node& item) {
    any = true;
    const DirectoryConfig* directory =
        item.IsScalar() ? config.FindDirectory(SourceName(item.Scalar())) : nullptr;
    if (directory == nullptr) {
      section.Wrong("active_directory", item, "a name from active_directory");
      return;
    }
    link.ad_sources.push_back(directory->name);
    if (directory->servers.size() == 1) link.ad_sources_with_one_dc.push_back(directory->name);
    link.poll_intervals[directory->name] = directory->poll_interval;
  });
  if (!any) {
    section.faults().Add(section.Mark(),
                         "links[].active_directory is missing; name at least one "
                         "entry of active_directory");
  }
  std::string tenant;
  section.Require("entra", &tenant, "NAME of an entry of entra");
  const EntraConfig* entra = config.FindTenant(SourceName(tenant));
  if (entra != nullptr) {
    link.entra_source = entra->name;
    link.own_app_id = ToLowerAscii(entra->credential.client_id);
    link.poll_intervals[entra->name] = entra->poll_interval;
  } else if (!tenant.empty()) {
    section.Wrong("entra", *section.Take("entra"), "a name from entra");
  }
  if (const auto engine = section.Choice("sync_engine", {"connect", "cloud_sync"})) {
    link.sync_engine =
        *engine == 0 ? monitor::SyncEngine::kConnect : monitor::SyncEngine::kCloudSync;
  }
  ReadAuthModes(section, &link);
  section.NotYet("engines", "a sync engine of its own for a forest");
  section.Texts("sync_actors", &link.sync_actors);
  ReadPolicy(section.Map("policy"), &link);
  section.Finish();
  return link;
}

// Where the items of the whole file stand, for faults that only show when everything is read.
struct Places {
  std::vector<YAML::Mark> directories;  // their names
  std::vector<YAML::Mark> tenants;
  std::vector<YAML::Mark> links;
  std::vector<YAML::Mark> link_tenants;
  std::vector<ModePlaces> modes;
};

template <typename T>
void RefuseTwins(const std::vector<T>& items, std::string_view what,
                 const std::vector<YAML::Mark>& places, Faults& faults,
                 std::string (*name)(const T&)) {
  std::set<std::string> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string text = name(items[i]);
    if (text.empty()) continue;  // told as missing
    if (!seen.insert(text).second) {
      faults.Add(places[i], Cat(what, " \"", text, "\" stands twice; names must differ"));
    }
  }
}

void CheckWhole(const Config& config, const Places& places, MapReader& top) {
  Faults& faults = top.faults();
  RefuseTwins<DirectoryConfig>(config.directories, "active_directory", places.directories, faults,
                               [](const DirectoryConfig& d) { return d.name.value; });
  RefuseTwins<EntraConfig>(config.tenants, "entra", places.tenants, faults,
                           [](const EntraConfig& e) { return e.name.value; });
  RefuseTwins<Policy>(config.links, "link", places.links, faults,
                      [](const Policy& p) { return p.link.value; });
  for (size_t i = 0; i < config.tenants.size(); ++i) {
    const SourceName& name = config.tenants[i].name;
    if (name.empty() || config.FindDirectory(name) == nullptr) continue;
    faults.Add(places.tenants[i],
               Cat("\"", name.value,
                   "\" names both an active_directory and an entra entry; sources need names of "
                   "their own"));
  }
  std::map<std::string, std::string> tenant_links;
  for (size_t i = 0; i < config.links.size(); ++i) {
    const Policy& link = config.links[i];
    const auto [entry, fresh] = tenant_links.emplace(link.entra_source.value, link.link.value);
    if (!fresh && !link.entra_source.empty()) {
      faults.Add(places.link_tenants[i],
                 Cat("entra \"", link.entra_source.value, "\" stands in the links ", entry->second,
                     " and ", link.link.value, "; a tenant stands in exactly one link"));
    }
  }
  if (config.links.empty()) {
    faults.Add(top.MarkOf("links"),
               "links is empty; add at least one link between active_directory and entra");
  }
  CheckModes(config.links, places.modes, faults);
  CheckNotifications(config, places.tenants, faults);
}

void ReadSections(MapReader& top, bool check_files, Config* config) {
  top.Require("data_dir", &config->data_dir, "/var/lib/driftwarden");
  ReadHttp(top.Map("http"), check_files, &config->http);
  ReadLog(top.Map("log"), config);
  std::string budget;
  top.Text("memory_budget", &budget);
  if (!budget.empty()) {
    const auto parsed = ParseByteSize(budget);
    if (!parsed.ok() || *parsed < (uint64_t{16} << 20)) {
      top.Wrong("memory_budget", *top.Take("memory_budget"), "a size of at least 16MiB");
    } else {
      config->memory_budget = *parsed;
    }
  }
  Places places;
  top.Each("active_directory", [&](const YAML::Node& item) {
    MapReader entry(item, "active_directory[]", top.faults());
    places.directories.push_back(entry.MarkOf("name"));
    config->directories.push_back(ReadDirectory(std::move(entry), check_files));
  });
  top.Each("entra", [&](const YAML::Node& item) {
    MapReader entry(item, "entra[]", top.faults());
    places.tenants.push_back(entry.MarkOf("name"));
    config->tenants.push_back(ReadTenant(std::move(entry), check_files));
  });
  Policy base;
  ReadPolicy(top.Map("policy"), &base);
  ReadRemediation(top.Map("remediation"), &base.remediation, &places.modes);
  top.Each("links", [&](const YAML::Node& item) {
    MapReader entry(item, "links[]", top.faults());
    places.links.push_back(entry.MarkOf("name"));
    places.link_tenants.push_back(entry.MarkOf("entra"));
    config->links.push_back(ReadLink(std::move(entry), base, *config));
  });
  ReadAlerting(top.Map("alerting"), &config->alerting);
  for (Policy& link : config->links) link.collapse_after = config->alerting.collapse_after;
  MapReader leavers = top.Map("expected_leavers");
  leavers.Text("csv_file", &config->expected_leavers.csv_file);
  leavers.Duration("poll_interval", false, &config->expected_leavers.poll_interval);
  leavers.Finish();
  MapReader evidence = top.Map("evidence");
  absl::Duration retention;
  evidence.Duration("retention", false, &retention);
  evidence.NotYet("signing_key_file", "signing of evidence");
  evidence.Finish();
  top.Finish();
  CheckWhole(*config, places, top);
}

}  // namespace

bool IsLoopbackAddress(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

bool HttpConfig::IsLoopback() const {
  return IsLoopbackAddress(address);
}

const DirectoryConfig* Config::FindDirectory(const SourceName& name) const {
  for (const DirectoryConfig& d : directories) {
    if (d.name == name) return &d;
  }
  return nullptr;
}

const EntraConfig* Config::FindTenant(const SourceName& name) const {
  for (const EntraConfig& e : tenants) {
    if (e.name == name) return &e;
  }
  return nullptr;
}

void ReadPath(MapReader& section, const std::string& key, bool check_files, std::string* out) {
  section.Text(key, out);
  if (out->empty() || !check_files || ::access(out->c_str(), R_OK) == 0) return;
  const int error = errno;
  section.faults().Add(section.Take(key)->Mark(),
                       Cat(section.Path(key), ": cannot read ", *out, ": ", SystemErrorText(error),
                           "; create it, readable by the user that runs driftwarden"));
}

void ReadName(MapReader& section, std::string* out) {
  section.Require("name", out, "corp");
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  if (out->find_first_not_of(kAllowed) != std::string::npos || out->starts_with("_") ||
      out->size() > 63) {
    section.Wrong("name", *section.Take("name"),
                  "up to 63 letters, digits, - and _ that do not begin with _");
  }
}

StatusOr<Config> ParseConfig(const std::string& path, const std::string& text, bool check_files) {
  Faults faults(path);
  Config config;
  config.path = path;
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) {
      return InvalidError(
          Cat(path, ":1:1: the file must be a YAML mapping; see docs/configure.md"));
    }
    MapReader top(root, "", faults);
    ReadSections(top, check_files, &config);
  } catch (const YAML::Exception& error) {
    faults.Add(error.mark, Cat("not YAML: ", error.msg, "; mend the syntax at this place"));
  }
  if (!faults.empty()) return InvalidError(faults.Text());
  return config;
}

StatusOr<Config> LoadConfig(const std::string& path) {
  auto text = ReadFile(path, 4 << 20);
  if (!text.ok()) {
    return InvalidError(
        Cat(path, ":1:1: ", Message(text.status()), "; give the configuration file with --config"));
  }
  return ParseConfig(path, *text, true);
}

}  // namespace driftwarden::daemon
