#pragma once

// One configured Active Directory source, as its poller and its reader take it.

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "monitor/ids.h"
#include "watchers/ad_sight.h"
#include "watchers/directory/bind_options.h"
#include "watchers/directory/observe.h"

namespace driftwarden::directory {
class DcLocator;
}  // namespace driftwarden::directory

namespace driftwarden::watchers {

// Which controller a source follows. Shared by its sessions, which live on one strand.
struct AdPin {
  std::string server;  // empty: none yet
  monitor::Guid dsa;   // the copy of the directory that is read, and since when
  monitor::Guid invocation_id;
  absl::Time since = absl::InfiniteFuture();
};

struct AdSourceOptions {
  monitor::SourceName name;
  std::vector<std::string> servers;  // in order of preference; see directory/server_address.h
  // Without servers: who finds those of the domain. Must outlive the source.
  directory::DcLocator* locator = nullptr;
  std::string domain;
  // Common to the source's sessions: the poller sets it, the others go where it points.
  std::shared_ptr<AdPin> pin;
  bool follows_pin = false;
  // Goes to any writable controller but the one that `pin`, which must be set, names.
  bool avoids_pin = false;
  // How long the preferred controller must answer before a source goes back to it.
  absl::Duration return_after = absl::Minutes(5);
  bool start_tls = false;
  std::string ca_file;
  directory::BindOptions bind;
  std::string base_dn;  // empty: the controller's own domain
  absl::Duration poll_interval = absl::Seconds(5);
  int page_size = 1000;
  std::vector<std::string> source_anchor = {"mS-DS-ConsistencyGuid", "objectGUID"};
  absl::Duration network_timeout = absl::Seconds(10);
  absl::Duration search_timeout = absl::Seconds(120);
  absl::Duration direct_timeout = absl::Seconds(15);  // of the reader's searches

  std::vector<std::string> kept_attributes;       // for classes, see directory/observe.h
  directory::ScopeOptions scope_options;          // as configured; `scope` is made of it
  std::shared_ptr<const directory::Scope> scope;  // null: everybody below base_dn
  const directory::GroupSight* groups = nullptr;  // must outlive the source
  std::shared_ptr<AdSight> sight;                 // what is not visible; null: not told

  // The first of source_anchor that every account has decides.
  bool UsesConsistencyGuid() const;
  // How its accounts are asked for and read now.
  directory::ObserveOptions Observing() const;
};

}  // namespace driftwarden::watchers
