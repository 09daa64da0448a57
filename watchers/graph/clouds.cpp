#include "watchers/graph/clouds.h"

#include <array>

#include "base/strings.h"
#include "net/url.h"

namespace driftwarden::graph {
namespace {

struct CloudHosts {
  std::string_view name;
  std::string_view login;
  std::string_view graph;
};

constexpr std::array<CloudHosts, 4> kClouds = {{
    {"global", "https://login.microsoftonline.com", "https://graph.microsoft.com"},
    {"usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us"},
    {"usgov-dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"},
    {"china", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"},
}};

StatusOr<std::string> BaseUrl(std::string_view text, std::string_view what) {
  const auto url = net::ParseUrl(text);
  if (!url.ok()) return Annotate(url.status(), what);
  // A client secret and bearer tokens go there.
  if (!url->tls()) return InvalidError(Cat(what, ": must be https, not ", url->scheme));
  if (url->target != "/") {
    return InvalidError(Cat(what, ": only https://host[:port], without \"", url->target, "\""));
  }
  return Cat("https://", url->HostHeader());
}

}  // namespace

StatusOr<Endpoints> ResolveEndpoints(std::string_view cloud, std::string_view login_override,
                                     std::string_view graph_override) {
  for (const CloudHosts& hosts : kClouds) {
    if (hosts.name != cloud) continue;
    Endpoints out(std::string(hosts.login), std::string(hosts.graph));
    if (!login_override.empty()) {
      DW_ASSIGN_OR_RETURN(out.login, BaseUrl(login_override, "endpoints.login"));
    }
    if (!graph_override.empty()) {
      DW_ASSIGN_OR_RETURN(out.graph, BaseUrl(graph_override, "endpoints.graph"));
    }
    return out;
  }
  return InvalidError(
      Cat("unknown cloud \"", Printable(cloud, 40), "\": one of global, usgov, usgov-dod, china"));
}

}  // namespace driftwarden::graph
