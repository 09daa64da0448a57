#pragma once

// One configured Active Directory source, as its poller and its reader take it.

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "monitor/ids.h"
#include "watchers/directory/bind_options.h"

namespace driftwarden::watchers {

struct AdSourceOptions {
  monitor::SourceName name;
  std::vector<std::string> servers;  // in order of preference; see directory/server_address.h
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

  // The first of source_anchor that every account has decides.
  bool UsesConsistencyGuid() const;
};

}  // namespace driftwarden::watchers
