#pragma once

// A client of the simulated tenant, which shares no code with the readers, on virtual time.

#include <boost/json.hpp>
#include <memory>
#include <set>
#include <string>

#include "simulator/control_api.h"
#include "simulator/graph_api.h"
#include "tests/graph/graph_fixture.h"
#include "tests/testing/simulated_token.h"
#include "watchers/tenant_sight.h"

namespace driftwarden::watchers {

class SimulatedTenantTest : public graph::GraphTest {
 protected:
  SimulatedTenantTest() {
    simulator::WorldOptions options;
    options.forests[0].people.count = 20;
    options.start = scheduler.clock().Wall() - absl::Minutes(5);
    world_ = std::make_unique<simulator::World>(options);
    api_ = std::make_unique<simulator::GraphApi>(*world_, simulator::GraphOptions());
    control_ =
        std::make_unique<simulator::ControlApi>(*world_, std::vector<simulator::LdapFaults*>());
    http.set_handler([this](const net::HttpRequest& request) { return Answer(request); });
  }

  GraphTest::Answer Answer(const net::HttpRequest& request) {
    net::ServerRequest inner;
    inner.method = request.method;
    const std::string target = request.url.substr(std::string(graph::kGraph).size());
    const size_t question = target.find('?');
    inner.path = target.substr(0, question);
    if (question != std::string::npos) {
      inner.query = *net::ParseQuery(target.substr(question + 1));
    }
    inner.headers = {{"Host", "graph.example.test"}, {"Authorization", Cat("Bearer ", Token())}};
    inner.body = request.body;
    const net::ServerResponse answer = api_->Handle(inner, scheduler.clock().Wall());
    net::HttpResponse out(answer.status, answer.body);
    out.headers = answer.headers;
    return out;
  }
  const std::string& Token() {
    if (token_.empty()) {
      token_ = testing::SimulatedToken(*api_, world_->tenant().id(), simulator::GraphOptions(),
                                       scheduler.clock().Wall());
    }
    return token_;
  }
  void Control(const std::string& what, const std::string& body) {
    net::ServerRequest request;
    request.method = "POST";
    request.path = Cat("/sim/", what);
    request.body = body;
    EXPECT_EQ(control_->Handle(request, scheduler.clock().Wall()).status, 200) << body;
  }
  std::set<std::string> Findings() const {
    std::set<std::string> names;
    for (const Finding& finding : sight_->findings()) names.insert(finding.name);
    return names;
  }
  std::string Sam(uint64_t person) { return world_->people().SamOf(person); }
  std::string Id(uint64_t person) { return world_->tenant().EntraId(person); }

  std::unique_ptr<simulator::World> world_;
  std::unique_ptr<simulator::GraphApi> api_;
  std::unique_ptr<simulator::ControlApi> control_;
  std::string token_;
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt};
  std::shared_ptr<TenantSight> sight_ =
      std::make_shared<TenantSight>(monitor::SourceName("contoso"), quiet_);
};

}  // namespace driftwarden::watchers
