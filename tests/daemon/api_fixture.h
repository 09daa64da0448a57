#pragma once

// The API over a store in memory and two links whose engines are scripted.

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "daemon/api.h"
#include "daemon/json_text.h"
#include "monitor/evidence.h"
#include "store/mem_store.h"
#include "tests/async/run_loop.h"
#include "tests/store/sample_records.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::daemon {

inline const monitor::SourceName kCorp{"corp"};
inline const monitor::SourceName kContoso{"contoso"};

class FakeLink final : public LinkPort {
 public:
  explicit FakeLink(const std::string& name) : name_(name) {
    state_.name = name_;
    policy_.link = name_;
    policy_.ad_sources = {kCorp};
    policy_.entra_source = kContoso;
    policy_.tiers.push_back({monitor::TierName(monitor::kTier0), {}, {}, {}, {}});
    policy_.tiers.push_back({monitor::TierName(monitor::kStandard), {}, {}, {}, {}});
  }
  const monitor::LinkName& link() const override { return name_; }
  std::shared_ptr<const monitor::LinkState> State() const override {
    return std::make_shared<const monitor::LinkState>(state_);
  }
  std::shared_ptr<const monitor::Policy> CurrentPolicy() const override {
    return std::make_shared<const monitor::Policy>(policy_);
  }
  asio::awaitable<Status> AcceptBaseline(std::string actor) override {
    writes.push_back(Cat("accept by ", actor));
    co_return answer;
  }
  asio::awaitable<Status> ResetGuard(std::string guard, std::string actor,
                                     std::string reason) override {
    writes.push_back(Cat("reset ", guard, " by ", actor, ": ", reason));
    co_return answer;
  }
  asio::awaitable<Status> Pause(std::string actor, std::string reason) override {
    writes.push_back(Cat("pause by ", actor, ": ", reason));
    co_return answer;
  }
  asio::awaitable<Status> AddExemption(monitor::PersonOrdinal person,
                                       monitor::Exemption exemption) override {
    writes.push_back(Cat("exempt ", person, " until ", FormatRfc3339(exemption.until), " by ",
                         exemption.actor, ": ", exemption.reason));
    co_return answer;
  }
  asio::awaitable<Status> RemoveExemption(monitor::PersonOrdinal person,
                                          std::string actor) override {
    writes.push_back(Cat("judge ", person, " again by ", actor));
    co_return answer;
  }
  asio::awaitable<Status> MarkCompromised(monitor::PersonOrdinal person,
                                          monitor::CompromiseMark mark) override {
    writes.push_back(Cat("mark ", person, " by ", mark.actor, ": ", mark.reason));
    co_return answer;
  }
  asio::awaitable<Status> UnmarkCompromised(monitor::PersonOrdinal person,
                                            std::string actor) override {
    writes.push_back(Cat("unmark ", person, " by ", actor));
    co_return answer;
  }
  asio::awaitable<StatusOr<std::vector<monitor::LeaveOutcome>>> ExpectLeavers(
      std::vector<monitor::LeaveWord> words) override {
    if (!answer.ok()) co_return answer;
    for (const monitor::LeaveWord& word : words) {
      writes.push_back(
          Cat("expect ", word.person, " to leave at ", FormatRfc3339(word.leave.effective), ", ",
              monitor::LeaveUrgencyText(word.leave.urgency), " by ", word.leave.actor));
    }
    std::vector<monitor::LeaveOutcome> outcomes(words.size(), outcome);
    co_return outcomes;
  }
  asio::awaitable<Status> WithdrawLeaver(monitor::PersonOrdinal person, std::string actor,
                                         bool forget) override {
    writes.push_back(Cat(forget ? "forget " : "withdraw ", person, " by ", actor));
    co_return answer;
  }
  monitor::LinkState& state() { return state_; }
  monitor::Policy& policy() { return policy_; }

  std::vector<std::string> writes;
  Status answer;
  monitor::LeaveOutcome outcome = monitor::LeaveOutcome::kAccepted;

 private:
  const monitor::LinkName name_;
  monitor::LinkState state_;
  monitor::Policy policy_;
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    store_ = *store::NewMemStore(std::make_shared<store::MemDisk>());
    lease_ = *store_->AcquireLease();
    for (FakeLink* link : {&a_, &b_}) {
      for (const monitor::SourceName& name : {kCorp, kContoso}) {
        link->state().sources[name].last_success = clock_.Wall();
      }
      Put(*link, {});
    }
    for (const monitor::SourceName& name : {kCorp, kContoso}) {
      SourceReport report;
      report.name = name;
      report.kind =
          name == kCorp ? monitor::SourceKind::kActiveDirectory : monitor::SourceKind::kEntra;
      report.up = report.fresh = report.snapshot_complete = true;
      report.last_success = clock_.Wall();
      sources_.push_back(report);
    }
  }

  // Commits all people of a link, with the counters they imply, and whatever else comes along.
  void Put(FakeLink& link, const std::vector<monitor::Person>& people,
           monitor::Changes changes = {}) {
    store::Recount(link.state(), people);
    changes.people = people;
    for (monitor::EvidenceEntry& entry : changes.evidence) {
      monitor::ChainEvidence(link.state(), entry);
    }
    changes.link = link.state();
    const Status status = store_->Commit(lease_, changes);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Somebody with an open episode of that number.
  monitor::Person Drifting(FakeLink& link, monitor::PersonOrdinal ordinal, int episode,
                           monitor::State state = monitor::State::kLagging) {
    monitor::Person person = store::PlainPerson(ordinal);
    person.facts.ad[0].disabled = monitor::Tri::kYes;
    person.facts.ad[0].disabled_since = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(20));
    person.state = person.phase = state;
    person.tier = monitor::TierName("standard");
    person.episode.emplace();
    person.episode->id = monitor::EpisodeId(Cat("e", episode, ".", link.link().value));
    person.episode->link = link.link();
    person.episode->person = ordinal;
    person.episode->tier = person.tier;
    person.episode->phase = state;
    person.episode->opened = clock_.Wall() - absl::Minutes(20) + absl::Seconds(episode);
    person.episode->departed = person.facts.ad[0].disabled_since;
    person.episode->kinds = {{monitor::DriftKind::kDisableLag, monitor::Severity::kWarning,
                              person.episode->opened, person.episode->opened, std::nullopt}};
    return person;
  }

  static net::ServerRequest Request(const std::string& method, const std::string& path,
                                    net::QueryPairs query = {}) {
    net::ServerRequest request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    return request;
  }
  net::ServerResponse Call(net::ServerRequest request) {
    ApiParts parts{*store_,
                   lane_,
                   clock_,
                   log_,
                   {&a_, &b_},
                   [this] { return sources_; },
                   [] { return std::string("driftwarden_up 1\n"); },
                   [this] { return ready_; },
                   "1.2.3",
                   [this](std::string actor) { return Reload(std::move(actor)); }};
    Api api(std::move(parts), Authenticator(tokens_));
    return loop_.Await(api.Handle(std::move(request)));
  }
  asio::awaitable<ReloadOutcome> Reload(std::string actor) {
    reloads.push_back(std::move(actor));
    co_return reload_outcome;
  }
  net::ServerResponse Get(const std::string& path, net::QueryPairs query = {}) {
    return Call(Request("GET", path, std::move(query)));
  }
  // As the daemon's own user over control.sock.
  net::ServerResponse Post(const std::string& path, const std::string& body) {
    net::ServerRequest request = Request("POST", path);
    request.body = body;
    request.over_unix = true;
    request.peer_uid = ::geteuid();
    return Call(std::move(request));
  }
  static boost::json::value Json(const net::ServerResponse& response) {
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(response.body, error);
    EXPECT_FALSE(error) << response.body;
    return value;
  }
  // A good answer's JSON.
  boost::json::value GetJson(const std::string& path, net::QueryPairs query = {}) {
    const net::ServerResponse response = Get(path, std::move(query));
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    return Json(response);
  }
  // The `field` of each item.
  static std::vector<std::string> Items(const boost::json::value& list, const std::string& field) {
    std::vector<std::string> out;
    for (const boost::json::value& item : ListAt(list, "items")) out.push_back(TextAt(item, field));
    return out;
  }
  // Every item's field, page by page; each page as long as it may be.
  std::vector<std::string> AllPages(const std::string& path, const std::string& field, size_t limit,
                                    net::QueryPairs query = {}) {
    std::vector<std::string> out;
    std::string cursor;
    for (int pages = 0; pages < 50; ++pages) {
      net::QueryPairs page_query = query;
      page_query.emplace_back("limit", std::to_string(limit));
      if (!cursor.empty()) page_query.emplace_back("cursor", cursor);
      const boost::json::value page = GetJson(path, std::move(page_query));
      EXPECT_LE(ListAt(page, "items").size(), limit);
      for (std::string& item : Items(page, field)) out.push_back(std::move(item));
      cursor = TextAt(page, "next_cursor");
      if (cursor.empty()) return out;
    }
    ADD_FAILURE() << "the pages of " << path << " do not end";
    return out;
  }
  static void ExpectProblem(const net::ServerResponse& response, int status,
                            const std::string& detail) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    const boost::json::value body = Json(response);
    EXPECT_EQ(NumberAt(body, "status"), status);
    EXPECT_FALSE(TextAt(body, "title").empty());
    EXPECT_NE(TextAt(body, "detail").find(detail), std::string::npos) << TextAt(body, "detail");
  }

  std::vector<std::string> reloads;  // who asked for one
  ReloadOutcome reload_outcome;

  RunLoop loop_;
  InlineLane lane_;
  testing::SimClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  Logger log_{LogLevel::kError, LogFormat::kLogfmt};
  std::unique_ptr<store::StateStore> store_;
  uint64_t lease_ = 0;
  FakeLink a_{"corp-contoso"};
  FakeLink b_{"emea-contoso"};
  std::vector<SourceReport> sources_;
  std::vector<Token> tokens_;
  bool ready_ = true;
};

}  // namespace driftwarden::daemon
