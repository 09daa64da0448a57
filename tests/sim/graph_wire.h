#pragma once

// The production Graph half over the wire to the simulated world: requests and answers as on the
// network, without sockets; the answers may be spoiled on their way.

#include <memory>
#include <string>
#include <vector>

#include "simulator/graph_api.h"
#include "tests/testing/world_adapters.h"
#include "watchers/graph/client.h"
#include "watchers/graph/client_credentials.h"
#include "watchers/graph_delta_source.h"
#include "watchers/graph_reader.h"

namespace driftwarden::sim {

// Chances of an answer to be spoiled, beside what the simulated tenant itself can do wrong.
struct AnswerFaults {
  double cut = 0;           // the body ends early
  double page = 0;          // it is a web page
  double shuffled = 0;      // the records of a page stand in another order
  double thinned = 0;       // records lack properties
  double circle = 0;        // the next link is the present one
  double expired_page = 0;  // a page's token is dead, in Graph's words
  double elsewhere = 0;     // the next link leads to another host
  bool any() const {
    return cut + page + shuffled + thinned + circle + expired_page + elsewhere > 0;
  }
};

// One tenant as one process reaches it.
class GraphWire {
 public:
  // All references must outlive it.
  GraphWire(testing::Wire& wire, Scheduler& scheduler, Rng& rng, Logger& log, size_t tenant,
            const monitor::SourceName& name, const AnswerFaults& faults);
  ~GraphWire();

  std::unique_ptr<watchers::ChangeSource> NewSource();
  watchers::TenantReader& reader();

 private:
  class Http;
  class AppSecret;

  simulator::GraphApi api_;
  Logger& log_;
  const monitor::SourceName name_;
  graph::NullObserver observer_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<graph::CachedTokenSource> tokens_;
  std::unique_ptr<graph::GraphClient> client_;
  std::unique_ptr<watchers::GraphReader> reader_;
};

}  // namespace driftwarden::sim
