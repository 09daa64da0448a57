#pragma once

// An incident as the receivers get it. Pure. Who it is stands in the annotations only.

#include <string>
#include <vector>

#include "alerts/alert_sink.h"
#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::daemon {

struct AlertContext {
  const monitor::LinkState& link;
  const monitor::Policy& policy;
  absl::Time now;
  absl::Duration resend_interval;
  const std::string& external_url;  // empty: no links
};

// The incident's present label set, firing, and each announced one that is to be resolved.
// `person` may be null (incidents of a cause, people that are gone).
std::vector<alerts::PendingAlert> PendingAlertsOf(const monitor::Incident& incident,
                                                  const monitor::Person* person,
                                                  const AlertContext& context);

}  // namespace driftwarden::daemon
