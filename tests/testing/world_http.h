#pragma once

// The simulated tenants behind an HttpClient, in this process and on virtual time: the real Graph
// client talks to the real emulator, without sockets. One executor.

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/strings.h"
#include "net/url.h"
#include "simulator/graph_api.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::testing {

// One request to the simulated tenants, and their answer.
inline StatusOr<net::HttpResponse> AskWorld(simulator::GraphApi& api,
                                            const net::HttpRequest& request, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(request.url));
  net::ServerRequest seen;
  seen.method = request.method;
  const size_t question = url.target.find('?');
  seen.path = url.target.substr(0, question);
  if (question != std::string::npos) {
    DW_ASSIGN_OR_RETURN(seen.query, net::ParseQuery(url.target.substr(question + 1)));
  }
  seen.headers = request.headers;
  seen.headers.emplace_back("Host", url.HostHeader());
  seen.body = request.body;
  net::ServerResponse response = api.Handle(seen, now);
  net::HttpResponse out(response.status, std::move(response.body));
  out.body.reserve(out.body.size() + net::kJsonPadding);
  out.headers = std::move(response.headers);
  out.date = absl::FromUnixSeconds(absl::ToUnixSeconds(now));  // the header has whole seconds
  return out;
}

class WorldHttp final : public net::HttpClient {
 public:
  using Answer = StatusOr<net::HttpResponse>;

  // All references must outlive it.
  WorldHttp(simulator::GraphApi& api, SimScheduler& scheduler, SimClock& clock)
      : api_(api), scheduler_(scheduler), clock_(clock) {}

  // Answers instead of the tenant, or nothing. The request does not arrive then.
  std::function<std::optional<Answer>(const net::HttpRequest&)> before;
  // Sees, and may spoil, what the tenant answered.
  std::function<void(const net::HttpRequest&, Answer&)> after;
  absl::Duration latency = absl::Milliseconds(3);  // one way

  asio::awaitable<StatusOr<net::HttpResponse>> Send(net::HttpRequest request,
                                                    absl::Duration timeout) override {
    static_cast<void>(timeout);
    const Status there = co_await scheduler_.SleepFor(latency);
    if (!there.ok()) co_return there;
    if (before) {
      if (auto instead = before(request)) co_return *std::move(instead);
    }
    Answer answer = AskWorld(api_, request, clock_.True());
    if (after) after(request, answer);
    const Status back = co_await scheduler_.SleepFor(latency);
    if (!back.ok()) co_return back;
    co_return answer;
  }

 private:
  simulator::GraphApi& api_;
  SimScheduler& scheduler_;
  SimClock& clock_;
};

}  // namespace driftwarden::testing
