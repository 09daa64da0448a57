#pragma once

// What our application can do in a tenant, proved by doing it: token, delta feed, each permission,
// permissions beyond need, clock, load, licence. Reads only: what would act is looked up in the
// token instead, where the token lets itself be read.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/scheduler.h"
#include "base/rng.h"
#include "monitor/ids.h"
#include "watchers/check_finding.h"
#include "watchers/graph/client.h"
#include "watchers/graph/observer.h"
#include "watchers/graph/token.h"

namespace driftwarden::watchers {

namespace asio = boost::asio;

struct GraphCheckOptions {
  monitor::SourceName name;
  graph::Endpoints endpoints;
  bool revokes = false;          // some link of this tenant may revoke sessions
  bool directory_audits = true;  // what the configuration wants read
  bool sign_ins = true;
  bool residue = true;
  absl::Duration timeout = absl::Seconds(20);   // one exchange
  absl::Duration max_wait = absl::Seconds(15);  // all waits of one request
  absl::Duration first_backoff = absl::Seconds(1);
};

// One executor.
class GraphCheck final : public graph::RequestObserver {
 public:
  // All references must outlive it.
  GraphCheck(GraphCheckOptions options, net::HttpClient& http, graph::TokenSource& tokens,
             Scheduler& scheduler, Rng& rng);

  // Every finding, in the order in which a person would look. What cannot be told is a warning,
  // "not proven"; without token, User.Read.All or an answer the rest is not tried.
  asio::awaitable<std::vector<CheckFinding>> Run();

  void OnRequest(std::string_view route, int code) override;
  void OnThrottled(std::string_view route, std::string_view reason) override;
  void OnUnits(std::string_view, double) override {}
  void OnHeld(std::string_view, absl::Duration) override {}

 private:
  using Level = CheckFinding::Level;

  // A read that one permission allows.
  struct Probe {
    const char* permission;
    std::string url;
    const char* lost;  // what follows from a refusal
  };
  struct Answer {
    bool allowed = false;
    std::string body;
  };

  asio::awaitable<bool> CheckToken();
  asio::awaitable<bool> CheckDelta();
  bool TakePage(graph::GraphReply reply, const std::vector<std::string>& refused);
  asio::awaitable<void> CheckPeople();
  asio::awaitable<void> CheckTenant();
  asio::awaitable<void> CheckRoles();
  asio::awaitable<void> CheckApplications();
  asio::awaitable<void> CheckJobs(Answer cloud);
  asio::awaitable<void> CheckEvidence();  // graph_check_evidence.cpp
  asio::awaitable<void> CheckResidue();   // graph_check_residue.cpp
  // False: refused, or nothing answers.
  asio::awaitable<bool> TrySignIns(std::string url, std::string topic);
  void CheckClock(const graph::GraphReply& reply);
  void CheckRevoke();
  void CheckExcess();
  void CheckLoad();

  // Nothing when there is no answer: nothing more is asked then.
  asio::awaitable<std::optional<graph::GraphReply>> Get(std::string url);
  // Tries it and finds; ok is told only by the last call for a permission (`last`).
  asio::awaitable<Answer> Try(Probe probe, bool last);
  void FindRefusal(const Probe& probe, const graph::GraphReply& reply);
  void Find(Level level, std::string_view topic, std::string what, std::string mend = "");

  const GraphCheckOptions options_;
  graph::TokenSource& tokens_;
  graph::GraphClient client_;
  std::vector<CheckFinding> findings_;
  std::optional<std::vector<std::string>> granted_;  // as the token says
  std::string person_;                               // the id of somebody visible
  Status silent_;                                    // why nothing more is asked
  int throttled_ = 0;
  double load_ = 0;  // the greatest share told
};

}  // namespace driftwarden::watchers
