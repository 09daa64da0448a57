#pragma once

// An incident as the receivers get it. Pure. Who it is stands in the annotations only.

#include <cstdint>
#include <string>
#include <vector>

#include "alerts/alert_sink.h"
#include "daemon/alert_fold.h"
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

// How people know a person.
std::string NameOf(const monitor::Person& person);

// How a person is told of.
enum class Telling : uint8_t {
  kAlone,
  kFolded,   // by another alert: what was announced before stays as it was, and nothing new is
  kCounted,  // in a count: what was announced before is resolved
};
// The incident's present label set, firing, and each announced one that is to be resolved.
// `person` may be null (people that are gone).
std::vector<alerts::PendingAlert> PendingAlertsOf(const monitor::Incident& incident,
                                                  const monitor::Person* person, Telling telling,
                                                  const AlertContext& context);
// The same of a cause and of those it stands for.
std::vector<alerts::PendingAlert> PendingAlertsOf(const monitor::LinkCause& cause,
                                                  const AlertFold& fold,
                                                  const AlertContext& context);

}  // namespace driftwarden::daemon
