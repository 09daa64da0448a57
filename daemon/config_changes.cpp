#include "daemon/config_changes.h"

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace driftwarden::daemon {
namespace {

using monitor::Policy;

class Keys {
 public:
  template <typename T>
  void Compare(const std::string& key, const T& running, const T& edited) {
    if (!(running == edited)) keys_.push_back(key);
  }
  // Entries of a list by name, wherever they stand in it.
  template <typename T, typename Name, typename Same>
  void CompareNamed(const std::string& list, const std::vector<T>& running,
                    const std::vector<T>& edited, Name name, Same same) {
    const auto find = [&](const std::vector<T>& entries, const std::string& wanted) {
      return std::find_if(entries.begin(), entries.end(),
                          [&](const T& entry) { return name(entry) == wanted; });
    };
    std::set<std::string> names;
    for (const T& entry : running) names.insert(name(entry));
    for (const T& entry : edited) names.insert(name(entry));
    for (const std::string& one : names) {
      const auto before = find(running, one);
      const auto after = find(edited, one);
      if (before != running.end() && after != edited.end() && same(*before, *after)) continue;
      keys_.push_back(Cat(list, "[", one, "]"));
    }
  }
  std::vector<std::string> Take() { return std::move(keys_); }

 private:
  std::vector<std::string> keys_;
};

const Policy* Find(const std::vector<Policy>& links, const monitor::LinkName& name) {
  for (const Policy& link : links) {
    if (link.link == name) return &link;
  }
  return nullptr;
}

bool Reads(const Policy& link, const monitor::SourceName& source) {
  return std::find(link.ad_sources.begin(), link.ad_sources.end(), source) != link.ad_sources.end();
}

}  // namespace

std::vector<std::string> KeysThatNeedARestart(const Config& running, const Config& edited) {
  Keys keys;
  keys.Compare("data_dir", running.data_dir, edited.data_dir);
  const HttpConfig& http = running.http;
  keys.Compare("http.listen", http.address, edited.http.address);
  if (http.address == edited.http.address) keys.Compare("http.listen", http.port, edited.http.port);
  keys.Compare("http.tls", http.tls, edited.http.tls);
  keys.Compare("http.tokens_file", http.tokens_file, edited.http.tokens_file);
  keys.Compare("log.level", running.log_level, edited.log_level);
  keys.Compare("log.format", running.log_format, edited.log_format);
  keys.Compare("memory_budget", running.memory_budget, edited.memory_budget);
  keys.CompareNamed(
      "active_directory", running.directories, edited.directories,
      [](const DirectoryConfig& d) { return d.name.value; },
      [](const DirectoryConfig& a, const DirectoryConfig& b) { return a == b; });
  keys.CompareNamed(
      "entra", running.tenants, edited.tenants, [](const EntraConfig& e) { return e.name.value; },
      [](const EntraConfig& a, const EntraConfig& b) { return a == b; });
  // What is read of each account is fixed when its source starts.
  for (const DirectoryConfig& directory : running.directories) {
    const auto now = KeptAttributesOf(running, directory.name);
    const auto then = KeptAttributesOf(edited, directory.name);
    if (std::includes(now.begin(), now.end(), then.begin(), then.end())) continue;
    keys.Compare("policy.classes (an attribute that is not read yet)", true, false);
    break;
  }
  // A poll interval that differs is told where it is written, at the source.
  keys.CompareNamed(
      "links", running.links, edited.links, [](const Policy& p) { return p.link.value; },
      [](const Policy& a, const Policy& b) {
        return a.ad_sources == b.ad_sources && a.entra_source == b.entra_source;
      });
  keys.Compare("expected_leavers", running.expected_leavers, edited.expected_leavers);
  const AlertingConfig& alerting = running.alerting;
  keys.Compare("alerting.external_url", alerting.external_url, edited.alerting.external_url);
  keys.Compare("alerting.alertmanagers", alerting.alertmanagers, edited.alerting.alertmanagers);
  keys.Compare("alerting.resend_interval", alerting.resend_interval,
               edited.alerting.resend_interval);
  keys.Compare("alerting.collapse_after", alerting.collapse_after, edited.alerting.collapse_after);
  return keys.Take();
}

std::vector<std::string> KeptAttributesOf(const Config& config, const monitor::SourceName& source) {
  std::set<std::string> names;
  for (const Policy& link : config.links) {
    if (!Reads(link, source)) continue;
    for (const auto& [person_class, match] : link.classes) {
      for (const auto& [name, value] : match.attribute) names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> TierGroupsOf(const Config& config, const monitor::SourceName& source) {
  std::set<std::string> groups;
  for (const Policy& link : config.links) {
    if (!Reads(link, source)) continue;
    for (const monitor::TierPolicy& tier : link.tiers) {
      groups.insert(tier.match.groups.begin(), tier.match.groups.end());
    }
  }
  return {groups.begin(), groups.end()};
}

std::vector<Policy> ChangedPolicies(const Config& running, const Config& edited) {
  std::vector<Policy> changed;
  for (const Policy& link : edited.links) {
    const Policy* const before = Find(running.links, link.link);
    if (before == nullptr || !(*before == link)) changed.push_back(link);
  }
  return changed;
}

}  // namespace driftwarden::daemon
