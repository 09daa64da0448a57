#pragma once

// The daemon's HTTP surface: health, /metrics and the JSON API under /api/v1. Reads come from the
// store (on its read lane) and from immutable snapshots, never from an engine's strand; writes are
// commands of a link's engine.

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/async/lane.h"
#include "base/log.h"
#include "base/time.h"
#include "daemon/api_json.h"
#include "daemon/auth.h"
#include "daemon/leaver_file.h"
#include "daemon/link_port.h"
#include "daemon/named.h"
#include "metrics/registry.h"
#include "net/http_server.h"
#include "store/state_store.h"
#include "watchers/ad_sight.h"

namespace driftwarden::daemon {

struct SourceReport {
  monitor::SourceName name;
  monitor::SourceKind kind = monitor::SourceKind::kActiveDirectory;
  bool up = false;     // the last poll succeeded
  bool fresh = false;  // read completely within the time the policy allows
  absl::Time last_success = absl::InfinitePast();
  absl::Time last_change = absl::InfinitePast();
  bool snapshot_running = false;
  bool snapshot_complete = false;
  uint64_t snapshot_objects = 0;
  absl::Duration clock_offset;              // the source's clock less ours, the worst of its links
  std::string error;                        // of the last failed poll; empty when it succeeded
  std::vector<watchers::Finding> findings;  // what the account may not see, and how to mend it
};

// What came of reading the configuration again.
struct ReloadOutcome {
  Status status;  // InvalidArgument: faults; FailedPrecondition: restart_keys; Unavailable: busy
  std::vector<std::string> faults;        // FILE:LINE:COLUMN: what; how to mend it
  std::vector<std::string> restart_keys;  // what no running daemon takes over
  std::vector<std::string> links;         // whose policy is another one now
  bool tokens = false;                    // http.tokens_file says something else now
};

struct ApiParts {
  store::StateStore& store;
  Lane& read_lane;
  const Clock& clock;
  Logger& log;
  std::vector<LinkPort*> links;
  std::function<std::vector<SourceReport>()> sources;
  std::function<std::string()> render_metrics;  // refreshes what is computed at scrape time
  std::function<bool()> ready;
  std::string version;
  std::function<asio::awaitable<ReloadOutcome>(std::string actor)> reload;
  std::function<LeaverFileReport()> leaver_file;  // empty: there is none
};

class Api {
 public:
  // What `parts` refers to must outlive it.
  Api(ApiParts parts, Authenticator authenticator)
      : parts_(std::move(parts)), auth_(std::move(authenticator)) {}

  asio::awaitable<net::ServerResponse> Handle(net::ServerRequest request);

  // Who may do what, from the next request on. True when it differs from before. On the executor of
  // Handle.
  bool SetTokens(std::vector<Token> tokens);

  // The same object as GET /api/v1/status; for run --once and tests.
  boost::json::object StatusObject() const;

 private:
  using Request = net::ServerRequest;
  using Response = net::ServerResponse;
  using Segments = std::vector<std::string>;  // of the path behind /api/v1, decoded

  asio::awaitable<Response> HandleApi(Request request, Caller caller);
  asio::awaitable<Response> HandleRead(Request request, Segments path);
  asio::awaitable<Response> HandleWrite(Request request, Segments path, Caller caller);

  asio::awaitable<Response> HandleDelete(Request request, Segments path, Caller caller);

  asio::awaitable<Response> Users(Request request);
  asio::awaitable<Response> User(Request request, std::string text, std::string part);
  asio::awaitable<Response> Timeline(Request request, size_t link, monitor::PersonOrdinal person);
  asio::awaitable<Response> Episodes(Request request);
  asio::awaitable<Response> OneEpisode(std::string id);
  asio::awaitable<Response> Actions(Request request);
  asio::awaitable<Response> Evidence(Request request);
  asio::awaitable<Response> PolicyReplay(Request request);
  asio::awaitable<Response> ResidueReport(Request request);
  Response Status200() const;
  Response Sources() const;
  Response Guards() const;
  Response Automation() const;
  Response Baseline() const;
  asio::awaitable<Response> AcceptBaseline(Request request, Caller caller);
  asio::awaitable<Response> ResetGuard(Request request, std::string guard, Caller caller);
  asio::awaitable<Response> SetPaused(Request request, Caller caller);
  asio::awaitable<Response> Unmanaged(Request request);
  asio::awaitable<Response> Exemptions(Request request);
  asio::awaitable<Response> AddExemption(Request request, Caller caller);
  asio::awaitable<Response> RemoveExemption(Request request, std::string text, Caller caller);
  asio::awaitable<Response> MarkCompromised(Request request, std::string text, Caller caller);
  asio::awaitable<Response> UnmarkCompromised(Request request, std::string text, Caller caller);
  asio::awaitable<Response> ExpectedLeavers(Request request);
  asio::awaitable<Response> ExpectLeavers(Request request, Caller caller);
  asio::awaitable<Response> WithdrawLeaver(Request request, std::string text, Caller caller);
  using Removal = asio::awaitable<Status> (*)(LinkPort*, monitor::PersonOrdinal, std::string actor);
  // In every link in which it was told; `event` for the log.
  asio::awaitable<Response> TakeBack(Request request, std::string text, Caller caller,
                                     const char* event, Removal removal);

  std::string ModeText() const;
  LinkPort* FindLink(std::string_view name) const;
  // InvalidArgument when `tier` names none of the links that `link` asks for: nobody of a tier that
  // does not exist would read as nobody who drifts. `carried`: those count as well that a policy no
  // longer has and people still carry.
  Status CheckTier(const Request& request, bool carried) const;
  // The link that the field `link` of a write names; all of them when it names none.
  StatusOr<std::vector<LinkPort*>> LinksOf(const boost::json::object& body) const;
  using ItemOf = boost::json::object (*)(const monitor::Person&, const PersonContext&);
  // These people as they are now, as items of a list.
  asio::awaitable<Response> ShowNamed(Named named, ItemOf item);
  // The link a list is for, by `link` and the cursor; lists run over all links in order.
  struct ListPlace {
    size_t link = 0;
    std::string cursor;
  };
  StatusOr<ListPlace> PlaceOf(const Request& request) const;
  // One page of such a list. `read` gets a page of one link, on the read lane; `add` makes items of
  // it. Both end before the coroutine does.
  template <typename T>
  using ReadPage = std::function<StatusOr<store::Page<T>>(const monitor::LinkName&,
                                                          const std::string& cursor, size_t limit)>;
  template <typename T>
  using AddItems =
      std::function<void(const LinkPort&, const std::vector<T>&, boost::json::array& items)>;
  template <typename T>
  asio::awaitable<Response> ListLinks(Request request, ReadPage<T> read, AddItems<T> add);
  // {items, next_cursor} of it, for an answer that says more.
  template <typename T>
  asio::awaitable<StatusOr<boost::json::object>> CollectLinks(Request request, ReadPage<T> read,
                                                              AddItems<T> add);

  // A list of people whom somebody told of: those the filter's flag asks for.
  asio::awaitable<Response> ListTold(Request request, bool store::PeopleFilter::*told, ItemOf item);

  ApiParts parts_;
  Authenticator auth_;
};

// Shared by the api_*.cpp files.
net::ServerResponse JsonResponse(int status, const boost::json::value& body);
net::ServerResponse ErrorResponse(const Status& status);
net::ServerResponse ReloadResponse(const ReloadOutcome& outcome);
StatusOr<size_t> LimitOf(const net::ServerRequest& request);
// 409 with the ids among which the caller must choose.
net::ServerResponse SeveralPeople(const std::string& text, const std::vector<std::string>& ids);
// A write's JSON body; empty counts as {}.
StatusOr<boost::json::object> BodyObject(const net::ServerRequest& request);
// Empty when it is absent or null; InvalidArgument when it is no text.
StatusOr<std::string> TextField(const boost::json::object& body, std::string_view key);

}  // namespace driftwarden::daemon
