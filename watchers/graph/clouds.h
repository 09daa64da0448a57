#pragma once

// Where a tenant's endpoints are. Hosts are configuration: the table only fills what a person left
// open. Wire source: "Microsoft Graph national cloud deployments".

#include <string>
#include <string_view>

#include "base/status.h"

namespace driftwarden::graph {

// Base URLs, "https://host[:port]" without a trailing slash or an API version.
struct Endpoints {
  std::string login;
  std::string graph;

  Endpoints() = default;
  Endpoints(std::string login_url, std::string graph_url)
      : login(std::move(login_url)), graph(std::move(graph_url)) {}
};

// `cloud`: global, usgov, usgov-dod or china. An override that is not empty wins over the cloud's
// own. InvalidArgument, with the reason, for an unknown cloud or an override that is not a plain
// https base URL.
StatusOr<Endpoints> ResolveEndpoints(std::string_view cloud, std::string_view login_override,
                                     std::string_view graph_override);

}  // namespace driftwarden::graph
