#include "tests/sim/graph_wire.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "net/url.h"
#include "tests/testing/world_http.h"

namespace driftwarden::sim {

namespace json = boost::json;

namespace {

constexpr char kBase[] = "https://graph.example.test";

// Tokens end often enough that every run renews some.
simulator::GraphOptions GraphOptionsOf() {
  simulator::GraphOptions options;
  options.token_lifetime = absl::Minutes(4);
  return options;
}

}  // namespace

class GraphWire::Http final : public net::HttpClient {
 public:
  Http(testing::Wire& wire, simulator::GraphApi& api, Rng& rng, const AnswerFaults& faults)
      : wire_(wire), api_(api), rng_(rng), faults_(faults) {}

  asio::awaitable<StatusOr<net::HttpResponse>> Send(net::HttpRequest request,
                                                    absl::Duration /*timeout*/) override {
    const Status there = co_await wire_.Go();
    if (!there.ok()) co_return there;
    auto answer = testing::AskWorld(api_, request, wire_.True());
    const Status back = co_await wire_.Return();
    if (!back.ok()) co_return back;
    const bool reads = request.method == "GET" && answer.ok() && answer->status == 200;
    if (reads && faults_.any()) Spoil(request.url, *answer);
    co_return answer;
  }

 private:
  bool Chance(double p) { return rng_.Unit() < p; }

  void Spoil(const std::string& url, net::HttpResponse& answer) {
    if (Chance(faults_.cut)) answer.body.resize(rng_.Below(answer.body.size() + 1));
    if (Chance(faults_.page)) {
      answer.body = "<html>please log in</html>";
      answer.headers.emplace_back("Content-Type", "text/html");
    }
    if (url.find("/users/delta") != std::string::npos) SpoilPage(url, answer);
    answer.body.reserve(answer.body.size() + net::kJsonPadding);
  }

  void SpoilPage(const std::string& url, net::HttpResponse& answer) {
    if (url.find("skiptoken=") != std::string::npos && Chance(faults_.expired_page)) {
      answer.status = 400;
      answer.body = R"({"error":{"code":"Directory_ExpiredPageToken","message":"expired"}})";
      return;
    }
    json::error_code error;
    json::value document = json::parse(answer.body, error);
    if (error || !document.is_object()) return;
    json::object& page = document.as_object();
    if (Chance(faults_.shuffled)) Shuffle(page["value"].as_array());
    if (Chance(faults_.thinned)) Thin(page["value"].as_array());
    if (json::value* next = page.if_contains("@odata.nextLink")) {
      if (Chance(faults_.circle)) *next = url;
      if (Chance(faults_.elsewhere)) *next = "https://elsewhere.example.test/v1.0/users/delta";
    }
    answer.body = json::serialize(document);
  }

  void Shuffle(json::array& records) {
    for (size_t i = records.size(); i > 1; --i) {
      std::swap(records[i - 1], records[rng_.Below(i)]);
    }
  }
  void Thin(json::array& records) {
    for (json::value& record : records) {
      for (const char* property : {"userPrincipalName", "onPremisesImmutableId", "accountEnabled",
                                   "onPremisesSecurityIdentifier", "displayName"}) {
        if (Chance(0.3)) record.as_object().erase(property);
      }
    }
  }

  testing::Wire& wire_;
  simulator::GraphApi& api_;
  Rng& rng_;
  const AnswerFaults& faults_;
};

// What the emulator's application proves itself with.
class GraphWire::AppSecret final : public graph::Credential {
 public:
  explicit AppSecret(simulator::GraphApi& api) : api_(api) {}
  StatusOr<net::QueryPairs> FormFields(const graph::ProofRequest& /*request*/) override {
    net::QueryPairs fields;
    fields.emplace_back("client_secret", api_.app().client_secret);
    return fields;
  }
  std::string Mend(graph::TokenFault /*fault*/) const override { return "wait"; }

 private:
  simulator::GraphApi& api_;
};

GraphWire::GraphWire(testing::Wire& wire, Scheduler& scheduler, Rng& rng, Logger& log,
                     size_t tenant, const monitor::SourceName& name, const AnswerFaults& faults)
    : api_(wire.world(), GraphOptionsOf()),
      log_(log),
      name_(name),
      http_(std::make_unique<Http>(wire, api_, rng, faults)) {
  const graph::Endpoints endpoints(kBase, kBase);
  graph::TokenOptions token;
  token.tenant_id = wire.world().tenant(tenant).id();
  token.client_id = api_.app().client_id;
  token.endpoints = endpoints;
  tokens_ = std::make_unique<graph::CachedTokenSource>(
      std::make_unique<graph::ClientCredentialsIssuer>(token, std::make_unique<AppSecret>(api_),
                                                       *http_, scheduler, rng, log, observer_),
      token.tenant_id, scheduler, rng, log);
  graph::ClientOptions options;
  options.endpoints = endpoints;
  client_ =
      std::make_unique<graph::GraphClient>(options, *http_, *tokens_, scheduler, rng, observer_);
  watchers::GraphReaderOptions reads;
  reads.name = name;
  reader_ = std::make_unique<watchers::GraphReader>(reads, *client_, scheduler, log);
}

GraphWire::~GraphWire() = default;

std::unique_ptr<watchers::ChangeSource> GraphWire::NewSource() {
  watchers::GraphDeltaOptions options;
  options.name = name_;
  return std::make_unique<watchers::GraphDeltaSource>(options, *client_, log_);
}

watchers::TenantReader& GraphWire::reader() {
  return *reader_;
}

}  // namespace driftwarden::sim
