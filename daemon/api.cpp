#include "daemon/api.h"

#include <set>
#include <utility>

#include "base/strings.h"
#include "daemon/runbooks.h"
#include "net/problem.h"
#include "net/url.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using net::ServerRequest;
using net::ServerResponse;

namespace {

constexpr std::string_view kApiRoot = "/api/v1/";
constexpr std::string_view kRunbookRoot = "/runbooks/";

int HttpCode(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
      return 400;
    case StatusCode::kUnauthenticated:
      return 401;
    case StatusCode::kPermissionDenied:
      return 403;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kFailedPrecondition:
      return 409;
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
      return 503;
    default:
      return 500;
  }
}

std::string_view Title(int code) {
  switch (code) {
    case 400:
      return "Bad request";
    case 401:
      return "Not authenticated";
    case 403:
      return "Not allowed";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 409:
      return "Conflict with the present state";
    case 503:
      return "Not available";
    default:
      return "Internal error";
  }
}

ServerResponse MethodNotAllowed(std::string_view allowed) {
  ServerResponse response =
      net::Problem(405, std::string(Title(405)), Cat("this path takes ", allowed));
  response.headers.emplace_back("Allow", std::string(allowed));
  return response;
}

ServerResponse TextResponse(int status, std::string body) {
  return ServerResponse(status, "text/plain; charset=utf-8", std::move(body));
}

// Links in alerts lead here, from wherever somebody is paged: a page holds nothing of anybody's.
ServerResponse RunbookResponse(std::string_view path) {
  const std::string_view wanted = path.substr(kRunbookRoot.size());
  std::vector<std::string> known;
  for (const Runbook& runbook : Runbooks()) {
    if (runbook.name == wanted) return TextResponse(200, std::string(runbook.text));
    known.emplace_back(runbook.name);
  }
  return ErrorResponse(NotFoundError(Cat("there is no runbook \"", Printable(wanted, 80),
                                         "\"; there are ", JoinStrings(known, ", "))));
}

}  // namespace

ServerResponse JsonResponse(int status, const json::value& body) {
  ServerResponse response(status, "application/json", json::serialize(body));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

ServerResponse ErrorResponse(const Status& status) {
  const int code = HttpCode(status);
  ServerResponse response =
      net::Problem(code, std::string(Title(code)), std::string(Message(status)));
  if (code == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

StatusOr<size_t> LimitOf(const ServerRequest& request) {
  constexpr size_t kDefault = 100;
  constexpr size_t kMost = 1000;
  if (!request.HasQuery("limit")) return kDefault;
  const auto limit = ParseUint64(request.Query("limit"));
  if (!limit || *limit == 0 || *limit > kMost) {
    return InvalidError(Cat("limit must be a whole number from 1 to ", kMost));
  }
  return static_cast<size_t>(*limit);
}

LinkPort* Api::FindLink(std::string_view name) const {
  for (LinkPort* link : parts_.links) {
    if (link->link().value == name) return link;
  }
  return nullptr;
}

Status Api::CheckTier(const ServerRequest& request, bool carried) const {
  const std::string wanted(request.Query("tier"));
  const std::string link_name(request.Query("link"));
  if (wanted.empty() || (!link_name.empty() && FindLink(link_name) == nullptr)) return OkStatus();
  std::set<std::string> tiers;
  for (const LinkPort* link : parts_.links) {
    if (!link_name.empty() && link->link().value != link_name) continue;
    const auto policy = link->CurrentPolicy();
    for (const monitor::TierPolicy& tier : policy->tiers) tiers.insert(tier.name.value);
    if (!carried) continue;
    const auto state = link->State();
    for (const auto& [key, count] : state->users) {
      if (count > 0) tiers.insert(key.tier.value);
    }
  }
  if (tiers.contains(wanted)) return OkStatus();
  return InvalidError(Cat("there is no tier \"", Printable(wanted, 60), "\"",
                          link_name.empty() ? "" : " in link ", link_name, "; there are ",
                          JoinStrings(std::vector<std::string>(tiers.begin(), tiers.end()), ", ")));
}

// A list's cursor is "LINK:CURSOR-OF-THE-STORE".
StatusOr<Api::ListPlace> Api::PlaceOf(const ServerRequest& request) const {
  const std::string text(request.Query("cursor"));
  const std::string wanted(request.Query("link"));
  std::string link = wanted;
  ListPlace place;
  if (!text.empty()) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos) return InvalidError("cursor is not one of ours; leave it out");
    link = text.substr(0, colon);
    place.cursor = text.substr(colon + 1);
  }
  if (link.empty()) return place;
  for (; place.link < parts_.links.size(); ++place.link) {
    if (parts_.links[place.link]->link().value == link) return place;
  }
  return NotFoundError(Cat("there is no link \"", Printable(link, 80), "\""));
}

asio::awaitable<ServerResponse> Api::Handle(ServerRequest request) {
  const bool read = request.method == "GET" || request.method == "HEAD";
  if (request.path == "/-/healthy") co_return TextResponse(200, "driftwarden is alive\n");
  if (request.path == "/-/ready") {
    const bool ready = parts_.ready();
    co_return TextResponse(ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
  }
  if (request.path.starts_with(kRunbookRoot)) {
    co_return read ? RunbookResponse(request.path) : MethodNotAllowed("GET");
  }
  const auto caller = auth_.Identify(request);
  if (!caller.ok()) co_return ErrorResponse(caller.status());
  if (request.path == "/-/reload") {
    if (request.method != "POST") co_return MethodNotAllowed("POST");
    const Status allowed = auth_.Require(*caller, Role::kAdmin);
    if (!allowed.ok()) co_return ErrorResponse(allowed);
    std::string actor = caller->actor;
    const ReloadOutcome outcome = co_await parts_.reload(std::move(actor));
    co_return ReloadResponse(outcome);
  }
  if (request.path == "/metrics") {
    if (!read) co_return MethodNotAllowed("GET");
    co_return ServerResponse(200, "text/plain; version=0.0.4; charset=utf-8",
                             parts_.render_metrics());
  }
  if (!request.path.starts_with(kApiRoot)) {
    co_return ErrorResponse(NotFoundError(
        Cat("nothing at ", Printable(request.path, 100), "; the API is under /api/v1")));
  }
  Caller who = *caller;
  ServerResponse response = co_await HandleApi(std::move(request), std::move(who));
  co_return response;
}

asio::awaitable<ServerResponse> Api::HandleApi(ServerRequest request, Caller caller) {
  Segments path;
  for (const std::string& raw : SplitString(request.path.substr(kApiRoot.size()), '/')) {
    const auto decoded = net::PercentDecode(raw);
    if (!decoded.ok()) co_return ErrorResponse(InvalidError("the path is not percent-encoded"));
    path.push_back(*decoded);
  }
  if (request.method == "GET" || request.method == "HEAD") {
    const Status allowed = auth_.Require(caller, Role::kViewer);
    if (!allowed.ok()) co_return ErrorResponse(allowed);
    ServerResponse response = co_await HandleRead(std::move(request), std::move(path));
    co_return response;
  }
  if (request.method == "POST") {
    ServerResponse response =
        co_await HandleWrite(std::move(request), std::move(path), std::move(caller));
    co_return response;
  }
  if (request.method == "DELETE") {
    ServerResponse response =
        co_await HandleDelete(std::move(request), std::move(path), std::move(caller));
    co_return response;
  }
  co_return MethodNotAllowed("GET, POST, DELETE");
}

asio::awaitable<ServerResponse> Api::HandleRead(ServerRequest request, Segments path) {
  const std::string head = path[0];
  const size_t size = path.size();
  ServerResponse response;
  if (size == 1 && head == "status") {
    response = Status200();
  } else if (size == 1 && head == "sources") {
    response = Sources();
  } else if (size == 1 && head == "guards") {
    response = Guards();
  } else if (size == 1 && head == "automation") {
    response = Automation();
  } else if (size == 1 && head == "baseline") {
    response = Baseline();
  } else if (size == 1 && head == "users") {
    response = co_await Users(std::move(request));
  } else if ((size == 2 || size == 3) && head == "users") {
    std::string part = size == 3 ? path[2] : std::string();
    response = co_await User(std::move(request), std::move(path[1]), std::move(part));
  } else if (size == 1 && head == "episodes") {
    response = co_await Episodes(std::move(request));
  } else if (size == 2 && head == "episodes") {
    response = co_await OneEpisode(std::move(path[1]));
  } else if (size == 1 && head == "actions") {
    response = co_await Actions(std::move(request));
  } else if (size == 1 && head == "exemptions") {
    response = co_await Exemptions(std::move(request));
  } else if (size == 2 && head == "reports" && path[1] == "unmanaged") {
    response = co_await Unmanaged(std::move(request));
  } else if (size == 1 && head == "expected-leavers") {
    response = co_await ExpectedLeavers(std::move(request));
  } else if (size == 1 && head == "evidence") {
    response = co_await Evidence(std::move(request));
  } else if (size == 2 && head == "policy" && path[1] == "replay") {
    response = co_await PolicyReplay(std::move(request));
  } else if (size == 2 && head == "reports" && path[1] == "residue") {
    response = co_await ResidueReport(std::move(request));
  } else {
    response = ErrorResponse(NotFoundError(Cat("nothing at ", Printable(request.path, 100))));
  }
  co_return response;
}

asio::awaitable<ServerResponse> Api::HandleWrite(ServerRequest request, Segments path,
                                                 Caller caller) {
  const Status allowed = auth_.Require(caller, Role::kOperator);
  if (!allowed.ok()) co_return ErrorResponse(allowed);
  ServerResponse response;
  if (path.size() == 2 && path[0] == "baseline" && path[1] == "accept") {
    response = co_await AcceptBaseline(std::move(request), std::move(caller));
  } else if (path.size() == 3 && path[0] == "guards" && path[2] == "reset") {
    // Handing the automation its power back takes more than an operator.
    const Status admin = auth_.Require(caller, Role::kApprover);
    if (!admin.ok()) co_return ErrorResponse(admin);
    response = co_await ResetGuard(std::move(request), std::move(path[1]), std::move(caller));
  } else if (path.size() == 1 && path[0] == "automation") {
    response = co_await SetPaused(std::move(request), std::move(caller));
  } else if (path.size() == 1 && path[0] == "exemptions") {
    response = co_await AddExemption(std::move(request), std::move(caller));
  } else if (path.size() == 3 && path[0] == "users" && path[2] == "compromised") {
    response = co_await MarkCompromised(std::move(request), std::move(path[1]), std::move(caller));
  } else if (path.size() == 1 && path[0] == "expected-leavers") {
    response = co_await ExpectLeavers(std::move(request), std::move(caller));
  } else {
    response =
        ErrorResponse(NotFoundError(Cat("nothing to POST at ", Printable(request.path, 100))));
  }
  co_return response;
}

asio::awaitable<ServerResponse> Api::HandleDelete(ServerRequest request, Segments path,
                                                  Caller caller) {
  const Status allowed = auth_.Require(caller, Role::kOperator);
  if (!allowed.ok()) co_return ErrorResponse(allowed);
  ServerResponse response;
  if (path.size() == 2 && path[0] == "exemptions") {
    response = co_await RemoveExemption(std::move(request), std::move(path[1]), std::move(caller));
  } else if (path.size() == 3 && path[0] == "users" && path[2] == "compromised") {
    response =
        co_await UnmarkCompromised(std::move(request), std::move(path[1]), std::move(caller));
  } else if (path.size() == 2 && path[0] == "expected-leavers") {
    response = co_await WithdrawLeaver(std::move(request), std::move(path[1]), std::move(caller));
  } else {
    response =
        ErrorResponse(NotFoundError(Cat("nothing to DELETE at ", Printable(request.path, 100))));
  }
  co_return response;
}

}  // namespace driftwarden::daemon
