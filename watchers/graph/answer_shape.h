#pragma once

// Who answered: Graph and its token endpoint speak JSON and redirect nobody. Captive portals,
// proxies and gateways answer in their place with pages and redirects.

#include <string_view>

#include "net/http.h"

namespace driftwarden::graph {

// Unavailable, with the mend, for a redirect and for a web page that says it is a success. `url`:
// what was asked.
Status CheckAnswerShape(const net::HttpResponse& response, std::string_view url);

}  // namespace driftwarden::graph
