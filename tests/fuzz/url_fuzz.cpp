#include "net/url.h"

#include "base/strings.h"
#include "net/http.h"
#include "tests/fuzz/target.h"
#include "watchers/directory/server_address.h"

namespace driftwarden::net {
namespace {

std::string Written(const Url& url) {
  if (url.unix_socket()) return Cat("unix:", url.host, ":", url.target);
  return Cat(url.scheme, "://", url.Authority(), url.target);
}

void TryUrl(std::string_view input) {
  const auto url = ParseUrl(input);
  DW_HOLDS(url.ok() || absl::IsInvalidArgument(url.status()));
  if (!url.ok()) return;
  DW_HOLDS(!url->host.empty() && url->target.starts_with("/"));
  // What goes into a request cannot break its lines.
  DW_HOLDS(IsSafeHeader(HttpHeader("Host", url->HostHeader())));
  DW_HOLDS(url->target.find_first_of(std::string_view("\0\r\n ", 4)) == std::string::npos);
  const auto again = ParseUrl(Written(*url));
  DW_HOLDS(again.ok());
  DW_HOLDS(SameOrigin(*url, *again) && again->target == url->target);
}

void TryEncodings(std::string_view input) {
  const auto whole = PercentDecode(PercentEncode(input));
  DW_HOLDS(whole.ok() && *whole == input);
  const auto pairs = ParseQuery(input);
  if (pairs.ok()) {
    const auto again = ParseQuery(FormEncode(*pairs));
    DW_HOLDS(again.ok() && *again == *pairs);
  }
  const auto path = SplitPath(input);
  DW_HOLDS(path.ok() || absl::IsInvalidArgument(path.status()));
}

void TryServer(std::string_view input) {
  const auto server = directory::ParseServerAddress(input);
  if (!server.ok()) return;
  const auto again = directory::ParseServerAddress(server->Url());
  DW_HOLDS(again.ok());
  DW_HOLDS(again->ldaps == server->ldaps && again->host == server->host);
  DW_HOLDS(again->port == server->port && server->port != 0);
}

}  // namespace

DW_FUZZ_TARGET(url) {
  TryUrl(input);
  TryEncodings(input);
  TryServer(input);
}

}  // namespace driftwarden::net
