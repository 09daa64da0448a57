#include "simulator/config_writer.h"

#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::simulator {
namespace {

// A YAML scalar that says exactly `text`.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out.push_back('\'');
    out.push_back(c);
  }
  out.push_back('\'');
  return out;
}

std::string List(const std::vector<std::string>& items) {
  std::vector<std::string> quoted;
  for (const std::string& item : items) quoted.push_back(Quoted(item));
  return Cat('[', JoinStrings(quoted, ", "), ']');
}

void AddDuration(std::string& out, std::string_view key, const std::optional<absl::Duration>& d) {
  if (d) out += Cat(key, ": ", FormatDurationText(*d), '\n');
}

void AddNumber(std::string& out, std::string_view key, const std::optional<int>& number) {
  if (number) out += Cat(key, ": ", *number, '\n');
}

std::string Credential(const ConfigTargets& targets) {
  const std::string client = Cat("client_id: ", Quoted(targets.client_id));
  switch (targets.credential) {
    case CredentialKind::kCertificate:
      return Cat(client, ", certificate_file: ", Quoted(targets.certificate_file),
                 ", private_key_file: ", Quoted(targets.private_key_file));
    case CredentialKind::kFederated:
      return Cat(client, ", federated_token_file: ", Quoted(targets.federated_token_file));
    case CredentialKind::kManagedIdentity:
      return "managed_identity: {}";
    case CredentialKind::kSecret:
      break;
  }
  return Cat(client, ", secret_file: ", Quoted(targets.secret_file));
}

std::string Sources(const ConfigTargets& targets, const ConfigOptions& options) {
  std::string out = "active_directory:\n";
  for (const auto& forest : targets.forests) {
    out += Cat("  - name: ", forest.name,
               "\n    servers: ", List({options.start_tls ? forest.ldap_url : forest.ldaps_url}),
               '\n', options.start_tls ? "    start_tls: true\n" : "",
               "    ca_file: ", Quoted(targets.ca_file), '\n');
    out += Cat("    bind: {method: simple, user: ", Quoted(forest.bind_user),
               ", password_file: ", Quoted(targets.password_file), "}\n",
               "    poll_interval: ", FormatDurationText(options.ad_poll), '\n');
  }
  out += "entra:\n";
  for (const auto& tenant : targets.tenants) {
    out += Cat("  - name: ", tenant.name, "\n    tenant_id: ", tenant.tenant_id,
               "\n    endpoints: {login: ", Quoted(targets.graph_url),
               ", graph: ", Quoted(targets.graph_url), "}\n    ca_file: ", Quoted(targets.ca_file),
               '\n');
    out += Cat("    credential: {", Credential(targets), "}\n",
               "    poll_interval: ", FormatDurationText(options.entra_poll), '\n');
  }
  out += "links:\n";
  for (const auto& tenant : targets.tenants) {
    out += Cat("  - name: ", tenant.forest, '-', tenant.name, "\n    active_directory: [",
               tenant.forest, "]\n    entra: ", tenant.name, "\n    sync_engine: connect\n",
               "    auth_mode: ", targets.auth_mode, '\n');
  }
  return out;
}

std::string Policy(const ConfigOptions& options) {
  std::string body;
  AddDuration(body, "  settle", options.settle);
  if (!options.tiers.empty()) body += "  tiers:\n";
  for (const ConfigTier& tier : options.tiers) {
    body += Cat("    - name: ", Quoted(tier.name), '\n');
    if (tier.admin_count || !tier.ous.empty()) {
      body +=
          Cat("      match: {admin_count: ", tier.admin_count, ", ous: ", List(tier.ous), "}\n");
    }
    AddDuration(body, "      warn_after", tier.warn_after);
    AddDuration(body, "      revoke_after", tier.revoke_after);
    AddDuration(body, "      breach_after", tier.breach_after);
  }
  return body.empty() ? "" : Cat("policy:\n", body);
}

std::string Remediation(const ConfigOptions& options) {
  std::string out = Cat("remediation:\n  mode: ", options.mode, '\n');
  if (!options.modes.empty()) out += "  modes:\n";
  for (const ConfigMode& mode : options.modes) {
    out += Cat("    - {tier: ", Quoted(mode.tier), ", mode: ", mode.mode, "}\n");
  }
  std::string budgets;
  AddNumber(budgets, "    per_10m", options.budget_per_10m);
  AddNumber(budgets, "    per_hour", options.budget_per_hour);
  if (!options.budget_per_person.empty()) {
    budgets += Cat("    per_person: ", options.budget_per_person, '\n');
  }
  if (!budgets.empty()) out += Cat("  budgets:\n", budgets);
  std::string breakers;
  if (options.max_percent_per_day) {
    breakers += Cat("    max_percent_per_day: ", *options.max_percent_per_day, '\n');
  }
  AddDuration(breakers, "    quiet_after_first_baseline", options.quiet_after_first_baseline);
  if (!breakers.empty()) out += Cat("  breakers:\n", breakers);
  return out;
}

std::string Alerting(const ConfigTargets& targets, const ConfigOptions& options) {
  std::vector<std::string> urls = options.alertmanagers;
  if (urls.empty() && !targets.alerts_url.empty()) urls = {targets.alerts_url};
  std::string body;
  if (!urls.empty()) {
    body += "  alertmanagers:\n";
    for (const std::string& url : urls) body += Cat("    - {url: ", Quoted(url), "}\n");
  }
  AddDuration(body, "  resend_interval", options.resend_interval);
  AddNumber(body, "  collapse_after", options.collapse_after);
  return body.empty() ? "" : Cat("alerting:\n", body);
}

}  // namespace

std::string ConfigYaml(const ConfigTargets& targets, const ConfigOptions& options) {
  return Cat("# Written by the simulator: everything below is on this machine and made up.\n",
             "data_dir: ", Quoted(options.data_dir),
             "\nhttp:\n  listen: ", Quoted(options.http_listen),
             "\nlog: {level: ", options.log_level, "}\n", Sources(targets, options),
             Policy(options), Remediation(options), Alerting(targets, options));
}

}  // namespace driftwarden::simulator
