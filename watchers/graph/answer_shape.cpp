#include "watchers/graph/answer_shape.h"

#include "base/strings.h"
#include "net/url.h"

namespace driftwarden::graph {
namespace {

constexpr std::string_view kMend =
    "something on the way answers in the tenant's place: look at entra[].proxy and "
    "entra[].endpoints, and at firewalls that want a login";

std::string HostOf(std::string_view url) {
  const auto parsed = net::ParseUrl(url);
  return parsed.ok() ? Printable(parsed->Authority(), 100) : std::string("elsewhere");
}

}  // namespace

Status CheckAnswerShape(const net::HttpResponse& response, std::string_view url) {
  const int status = response.status;
  if (status >= 300 && status < 400) {
    const std::string* to = response.Find("Location");
    return UnavailableError(Cat("HTTP ", status, " from ", HostOf(url), " to ",
                                to == nullptr ? std::string("nowhere") : HostOf(*to),
                                ": no redirect is followed, as the token would go with it; ",
                                kMend));
  }
  const std::string* type = response.Find("Content-Type");
  const bool page = type != nullptr && ToLowerAscii(*type).starts_with("text/html");
  if (status >= 200 && status < 300 && page) {
    return UnavailableError(
        Cat("HTTP ", status, " with a web page from ", HostOf(url), "; ", kMend));
  }
  return OkStatus();
}

}  // namespace driftwarden::graph
