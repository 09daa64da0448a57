#pragma once

// From the configuration of a source to what the watchers take.

#include "base/status.h"
#include "daemon/config.h"
#include "watchers/ad_options.h"
#include "watchers/directory/dc_locator.h"

namespace driftwarden::daemon {

// Without `locator` and `pin`, which live with the source.
watchers::AdSourceOptions SourceOptionsOf(const DirectoryConfig& entry);
directory::DnsOptions DnsOptionsOf(const DirectoryConfig& entry);
// Before the first thread: the Kerberos library reads one configuration a process.
Status UseKerberosOf(const Config& config);

}  // namespace driftwarden::daemon
