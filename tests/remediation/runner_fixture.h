#pragma once

// The runner between scripted ports. Virtual time; every answer takes a second.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/async/task_group.h"
#include "base/async/wake_up.h"
#include "base/strings.h"
#include "remediation/action_runner.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::remediation {

using monitor::Action;
using monitor::ActionState;
using monitor::AdView;
using monitor::EntraView;
using monitor::Guid;
using monitor::Observation;
using monitor::SessionsValidFrom;
using monitor::SourceName;

inline constexpr absl::Duration kAnswer = absl::Seconds(1);
inline constexpr uint32_t kEnabled = 0x200;
inline constexpr uint32_t kDisabled = 0x202;

inline Guid GuidOf(uint8_t i) {
  Guid guid;
  guid.bytes[0] = i;
  return guid;
}

// What happened, in order, shared by all the fakes of a test.
using Journal = std::vector<std::string>;

class FakePort final : public ActionPort {
 public:
  FakePort(Journal& journal, asio::any_io_executor executor, Scheduler& scheduler)
      : journal_(journal), wake_(executor), scheduler_(scheduler) {}

  asio::awaitable<StatusOr<std::vector<ActionWork>>> Claim() override {
    ++claims;
    if (!claim_error.ok()) co_return claim_error;
    std::vector<ActionWork> out = std::move(work);
    work.clear();
    co_return out;
  }
  asio::awaitable<Status> WaitForWork(absl::Duration at_most) override {
    const Status woken = co_await wake_.WaitFor(scheduler_, at_most);
    co_return woken;
  }
  asio::awaitable<StatusOr<bool>> ReportGates(monitor::ActionId action,
                                              monitor::ReReads r) override {
    journal_.push_back(Cat("gates ", action.value));
    reads = std::move(r);
    co_return go;
  }
  asio::awaitable<Status> ReportCall(monitor::CallReport report) override {
    journal_.push_back(Cat("report call ", report.action.value));
    call = std::move(report);
    co_return OkStatus();
  }
  asio::awaitable<Status> ReportVerify(monitor::VerifyReport report) override {
    journal_.push_back(Cat("report verify ", report.action.value));
    verify = std::move(report);
    co_return OkStatus();
  }

  std::vector<ActionWork> work;
  Status claim_error;
  StatusOr<bool> go = true;
  int claims = 0;
  std::optional<monitor::ReReads> reads;
  std::optional<monitor::CallReport> call;
  std::optional<monitor::VerifyReport> verify;

 private:
  Journal& journal_;
  WakeUp wake_;
  Scheduler& scheduler_;
};

class FakeActuator final : public Actuator {
 public:
  FakeActuator(Journal& journal, Scheduler& scheduler) : journal_(journal), scheduler_(scheduler) {}
  absl::Duration left_at_call;  // of the time within which the re-reads may be acted on
  asio::awaitable<CallResult> RevokeSessions(std::string entra_id, monitor::ActionId action,
                                             absl::Duration not_after) override {
    journal_.push_back(Cat("revoke ", entra_id, " as ", action.value));
    left_at_call = not_after - scheduler_.clock().Steady();
    const Status slept = co_await scheduler_.SleepFor(kAnswer);
    CallResult result;
    result.status = slept.ok() ? answer : slept;
    result.sent = sent;
    result.request_id = "req-1";
    co_return result;
  }
  Status answer;
  bool sent = true;

 private:
  Journal& journal_;
  Scheduler& scheduler_;
};

class FakeDirectory final : public watchers::DirectoryReader {
 public:
  FakeDirectory(std::string name, Journal& journal, Scheduler& scheduler)
      : name_(std::move(name)), journal_(journal), scheduler_(scheduler) {}
  asio::awaitable<StatusOr<Observation>> ReadAccount(Guid guid) override {
    journal_.push_back(Cat("read ", name_, " ", static_cast<int>(guid.bytes[0])));
    const Status slept = co_await scheduler_.SleepFor(kAnswer);
    if (!slept.ok()) co_return slept;
    const auto found = answers.find(guid);
    if (found == answers.end()) co_return NotFoundError("no such account");
    co_return found->second;
  }
  asio::awaitable<StatusOr<Observation>> ReadAccountElsewhere(Guid guid) override {
    asked_elsewhere.push_back(guid);
    const auto found = elsewhere.find(guid);
    if (found == elsewhere.end()) co_return UnavailableError("no second controller answered");
    co_return found->second;
  }
  void PutElsewhere(uint8_t i, uint32_t user_account_control) {
    Put(i, user_account_control);
    elsewhere.insert_or_assign(GuidOf(i), answers.at(GuidOf(i)));
  }
  void Put(uint8_t i, uint32_t user_account_control, bool deleted = false) {
    AdView view;
    view.object_guid = GuidOf(i);
    view.user_account_control = user_account_control;
    view.deleted = deleted;
    Observation seen;
    seen.look.source = SourceName(name_);
    seen.view = view;
    answers.insert_or_assign(GuidOf(i), StatusOr<Observation>(seen));
  }
  std::map<Guid, StatusOr<Observation>> answers;
  std::map<Guid, StatusOr<Observation>> elsewhere;
  std::vector<Guid> asked_elsewhere;

 private:
  const std::string name_;
  Journal& journal_;
  Scheduler& scheduler_;
};

class FakeTenant final : public watchers::TenantReader {
 public:
  FakeTenant(Journal& journal, Scheduler& scheduler) : journal_(journal), scheduler_(scheduler) {}
  asio::awaitable<StatusOr<Observation>> ReadUser(std::string id, monitor::ActionId) override {
    journal_.push_back(Cat("read entra ", id));
    const Status slept = co_await scheduler_.SleepFor(kAnswer);
    if (!slept.ok()) co_return slept;
    if (!error.ok()) co_return error;
    EntraView view;
    view.id = id;
    view.account_enabled = true;
    view.sessions_valid_from = value;
    Observation seen;
    seen.view = view;
    co_return seen;
  }
  asio::awaitable<std::vector<StatusOr<Observation>>> ReadUsers(std::vector<std::string> ids,
                                                                monitor::BatchId) override {
    std::vector<StatusOr<Observation>> none(ids.size(), UnavailableError("not in this test"));
    co_return none;
  }
  std::optional<SessionsValidFrom> value;
  Status error;

 private:
  Journal& journal_;
  Scheduler& scheduler_;
};

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    corp_.Put(1, kDisabled);
    tenant_.value = SessionsValidFrom{false, clock_.Wall() - absl::Hours(100)};
    MakeRunner({{SourceName("corp"), &corp_}, {SourceName("emea"), &emea_}});
  }
  ~RunnerTest() override {
    group_.Cancel();
    scheduler_.Settle();
    EXPECT_EQ(group_.running(), 0u);
  }

  void MakeRunner(ActionRunner::DirectoryReaders readers) {
    ActionRunnerOptions options;
    options.link = "corp-contoso";
    runner_ = std::make_unique<ActionRunner>(port_, actuator_, std::move(readers), tenant_,
                                             scheduler_, *log_, options);
  }

  ActionWork Work(ActionState state, const std::string& id = "a1") {
    ActionWork work;
    work.action.id = monitor::ActionId(id);
    work.action.entra_id = "entra-1";
    work.action.state = state;
    work.action.before = tenant_.value;
    work.action.intent_at = clock_.Wall();
    AddHalf(work, "corp", 1);
    return work;
  }
  static void AddHalf(ActionWork& work, const std::string& source, uint8_t i) {
    monitor::AdHalf half;
    half.source = SourceName(source);
    half.object_guid = GuidOf(i);
    work.person.facts.ad.push_back(half);
  }

  Status RunOnce() {
    Status result = InternalError("did not end");
    group_.Spawn(Once(runner_.get(), &result));
    scheduler_.RunFor(absl::Minutes(1));
    return result;
  }
  Status RunOnce(ActionWork work) {
    port_.work.push_back(std::move(work));
    return RunOnce();
  }
  static asio::awaitable<void> Once(ActionRunner* runner, Status* result) {
    *result = co_await runner->RunOnce();
  }

  Journal journal_;
  asio::io_context io_;
  testing::SimClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  testing::SimScheduler scheduler_{io_, clock_};
  std::unique_ptr<Logger> log_ = std::make_unique<Logger>(LogLevel::kError, LogFormat::kLogfmt);
  FakePort port_{journal_, io_.get_executor(), scheduler_};
  FakeActuator actuator_{journal_, scheduler_};
  FakeDirectory corp_{"corp", journal_, scheduler_};
  FakeDirectory emea_{"emea", journal_, scheduler_};
  FakeTenant tenant_{journal_, scheduler_};
  TaskGroup group_{io_.get_executor()};
  std::unique_ptr<ActionRunner> runner_;
};

}  // namespace driftwarden::remediation
