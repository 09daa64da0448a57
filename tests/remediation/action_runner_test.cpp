// The runner between scripted ports: what it asks, in which order, and what it reports. Virtual
// time; every answer takes a second.

#include "remediation/action_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>

#include "base/async/task_group.h"
#include "base/async/wake_up.h"
#include "base/files.h"
#include "base/strings.h"
#include "monitor/guards.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::remediation {
namespace {

using monitor::Action;
using monitor::ActionState;
using monitor::AdView;
using monitor::EntraView;
using monitor::Guid;
using monitor::Observation;
using monitor::SessionsValidFrom;
using monitor::SourceName;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kAnswer = absl::Seconds(1);
constexpr uint32_t kEnabled = 0x200;
constexpr uint32_t kDisabled = 0x202;

Guid GuidOf(uint8_t i) {
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
    result.request_id = "req-1";
    co_return result;
  }
  Status answer;

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

 private:
  const std::string name_;
  Journal& journal_;
  Scheduler& scheduler_;
};

class FakeTenant final : public watchers::TenantReader {
 public:
  FakeTenant(Journal& journal, Scheduler& scheduler) : journal_(journal), scheduler_(scheduler) {}
  asio::awaitable<StatusOr<Observation>> ReadUser(std::string id) override {
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
  asio::awaitable<std::vector<StatusOr<Observation>>> ReadUsers(
      std::vector<std::string> ids) override {
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

TEST_F(RunnerTest, AnIntentReadsEntraThenAdThenAsksTheGatesThenCallsAndReports) {
  const absl::Time begin = clock_.Wall();
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "read corp 1", "gates a1",
                                    "revoke entra-1 as a1", "report call a1"));
  ASSERT_TRUE(port_.reads.has_value());
  EXPECT_EQ(port_.reads->intent_at, begin);
  EXPECT_EQ(port_.reads->entra_read, (TimeBounds{begin, begin + kAnswer}));
  EXPECT_EQ(port_.reads->ad_read, (TimeBounds{begin + kAnswer, begin + 2 * kAnswer}));
  EXPECT_TRUE(port_.reads->ad.has_value());
  EXPECT_TRUE(port_.reads->entra.has_value());
  EXPECT_TRUE(port_.reads->ad_error.empty());
  ASSERT_TRUE(port_.call.has_value());
  EXPECT_TRUE(port_.call->status.ok());
  EXPECT_EQ(port_.call->request_id, "req-1");
  EXPECT_EQ(port_.call->called, (TimeBounds{begin + 2 * kAnswer, begin + 3 * kAnswer}));
}

TEST_F(RunnerTest, ACallIsGivenTheTimeThatTheDirectoryReadIsGoodFor) {
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_EQ(actuator_.left_at_call, monitor::kReReadMaxAge - kAnswer);
}

TEST_F(RunnerTest, AnAccountThatDoesNotSayWhetherItIsDisabledIsNotOut) {
  emea_.Put(2, kDisabled);
  std::get<AdView>(emea_.answers.at(GuidOf(2))->view).user_account_control.reset();
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  ASSERT_TRUE(port_.reads->ad.has_value());
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(2));
}

TEST_F(RunnerTest, GatesThatSayNoAreTheEndOfIt) {
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "read corp 1", "gates a1"));
}

TEST_F(RunnerTest, GatesThatCannotBeCommittedAreTheEndOfIt) {
  port_.go = UnavailableError("disk full");
  EXPECT_EQ(RunOnce(Work(ActionState::kIntent)).code(), StatusCode::kUnavailable);
  EXPECT_FALSE(port_.call.has_value());
}

TEST_F(RunnerTest, AnAdReadThatFailsIsReportedAndDecidedByTheGates) {
  corp_.answers.insert_or_assign(GuidOf(1), StatusOr<Observation>(UnavailableError("dc1 is away")));
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  ASSERT_TRUE(port_.reads.has_value());
  EXPECT_EQ(port_.reads->ad_error, "dc1 is away");
  EXPECT_FALSE(port_.reads->ad.has_value());
}

TEST_F(RunnerTest, OneOfSeveralAccountsThatCannotBeReadLeavesNothingKnown) {
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_EQ(port_.reads->ad_error, "no such account");
  EXPECT_FALSE(port_.reads->ad.has_value());
}

TEST_F(RunnerTest, ASourceWithoutAReaderIsAnError) {
  MakeRunner({});
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_EQ(port_.reads->ad_error, "no reader for source corp");
}

TEST_F(RunnerTest, SomebodyWithoutAnAdAccountIsAnError) {
  ActionWork work = Work(ActionState::kIntent);
  work.person.facts.ad.clear();
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_EQ(port_.reads->ad_error, "no AD account is known");
}

TEST_F(RunnerTest, AnAccountThatIsEnabledAnywhereWins) {
  emea_.Put(2, kEnabled);
  corp_.Put(3, kDisabled);
  ActionWork work = Work(ActionState::kIntent);
  AddHalf(work, "emea", 2);
  AddHalf(work, "corp", 3);
  port_.go = false;
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_,
              ElementsAre("read entra entra-1", "read corp 1", "read emea 2", "gates a1"));
  ASSERT_TRUE(port_.reads->ad.has_value());
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(2));
}

TEST_F(RunnerTest, ATombstoneIsSaidToBeGone) {
  corp_.Put(1, kEnabled, true);  // enabled when it was deleted: it is gone all the same
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_TRUE(port_.reads->ad_gone);
  EXPECT_EQ(port_.reads->ad->object_guid, GuidOf(1));
}

TEST_F(RunnerTest, AnEntraReadThatFailsIsReported) {
  tenant_.error = UnavailableError("throttled");
  port_.go = false;
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  EXPECT_EQ(port_.reads->entra_error, "throttled");
  EXPECT_FALSE(port_.reads->entra.has_value());
}

TEST_F(RunnerTest, ARefusedCallIsReportedAsItIs) {
  actuator_.answer = PermissionError("Authorization_RequestDenied");
  EXPECT_TRUE(RunOnce(Work(ActionState::kIntent)).ok());
  ASSERT_TRUE(port_.call.has_value());
  EXPECT_EQ(port_.call->status.code(), StatusCode::kPermissionDenied);
}

TEST_F(RunnerTest, AClearedActionThatShowsIsVerifiedWithoutASecondCall) {
  ActionWork work = Work(ActionState::kCleared);
  const absl::Time cleared = clock_.Wall() - absl::Seconds(20);
  work.action.cleared_at = cleared;
  tenant_.value = SessionsValidFrom{false, cleared + absl::Seconds(3)};
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "report verify a1"));
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_TRUE(port_.verify->verified);
  EXPECT_EQ(port_.verify->value, tenant_.value);
  EXPECT_EQ(port_.verify->called_at_reconciled, cleared);
}

TEST_F(RunnerTest, AClearedActionThatDoesNotShowYetIsLeftAlone) {
  ActionWork work = Work(ActionState::kCleared);
  work.action.cleared_at = clock_.Wall() - absl::Seconds(20);
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1"));
}

TEST_F(RunnerTest, AClearedActionThatDoesNotShowInTimeStartsOverWithFreshReads) {
  ActionWork work = Work(ActionState::kCleared);
  work.action.cleared_at = clock_.Wall() - absl::Minutes(2);
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "read entra entra-1", "read corp 1",
                                    "gates a1", "revoke entra-1 as a1", "report call a1"));
}

TEST_F(RunnerTest, ACalledActionIsVerifiedByReadingBack) {
  ActionWork work = Work(ActionState::kCalled);
  const absl::Time called = clock_.Wall() - absl::Seconds(5);
  work.action.called = TimeBounds{called, called + absl::Seconds(1)};
  tenant_.value = SessionsValidFrom{false, called};
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1", "report verify a1"));
  EXPECT_TRUE(port_.verify->verified);
  EXPECT_EQ(port_.verify->value, tenant_.value);
  EXPECT_FALSE(port_.verify->called_at_reconciled.has_value());
}

TEST_F(RunnerTest, ACalledActionOfATenantWithAnotherClockIsVerifiedByThatClock) {
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Seconds(5));
  work.tenant_clock_offset = absl::Minutes(-3);
  tenant_.value = SessionsValidFrom{false, work.action.called->lo - absl::Minutes(3)};
  EXPECT_TRUE(RunOnce(std::move(work)).ok());
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_TRUE(port_.verify->verified);
}

TEST_F(RunnerTest, ACalledActionThatDoesNotShowWaitsAndThenTimesOut) {
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall());
  EXPECT_TRUE(RunOnce(work).ok());
  EXPECT_THAT(journal_, ElementsAre("read entra entra-1"));
  scheduler_.RunFor(absl::Minutes(10));
  EXPECT_TRUE(RunOnce(work).ok());
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_FALSE(port_.verify->verified);
  EXPECT_EQ(port_.verify->value, tenant_.value);
}

TEST_F(RunnerTest, ACalledActionWhoseAccountCannotBeReadHasNotFailed) {
  tenant_.error = UnavailableError("throttled");
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(11));
  EXPECT_TRUE(RunOnce(work).ok());
  EXPECT_FALSE(port_.verify.has_value());
  tenant_.error = OkStatus();
  EXPECT_TRUE(RunOnce(work).ok());
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_FALSE(port_.verify->verified);
}

TEST_F(RunnerTest, StatesThatNeedNoWorkAreLeftAlone) {
  for (const ActionState state : {ActionState::kQueued, ActionState::kShadow, ActionState::kBlocked,
                                  ActionState::kVerified, ActionState::kFailed}) {
    EXPECT_TRUE(RunOnce(Work(state)).ok());
  }
  EXPECT_THAT(journal_, IsEmpty());
}

TEST_F(RunnerTest, OneActionThatFailsDoesNotKeepAnotherFromItsTurn) {
  port_.go = UnavailableError("busy");
  port_.work.push_back(Work(ActionState::kIntent, "a1"));
  ActionWork called = Work(ActionState::kCalled, "a2");
  called.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(11));
  port_.work.push_back(std::move(called));
  EXPECT_EQ(RunOnce().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(port_.verify.has_value());
  EXPECT_EQ(port_.verify->action.value, "a2");
}

TEST_F(RunnerTest, EveryLineOfAnActionSaysLinkEpisodeAndIntent) {
  const std::string path = ::testing::TempDir() + "/driftwarden-runner.log";
  std::remove(path.c_str());
  log_ = std::make_unique<Logger>(LogLevel::kInfo, LogFormat::kLogfmt, path);
  MakeRunner({{SourceName("corp"), &corp_}});
  ActionWork work = Work(ActionState::kIntent, "a1");
  work.action.episode = monitor::EpisodeId("e1");
  EXPECT_TRUE(RunOnce(work).ok());
  port_.work.clear();
  port_.go = UnavailableError("busy");
  EXPECT_FALSE(RunOnce(work).ok());
  runner_.reset();
  log_.reset();  // flushes
  const std::string text = *ReadFile(path);
  std::remove(path.c_str());
  for (const char* event : {"sessions_revoked", "action_step_failed"}) {
    const size_t at = std::min(text.find(event), text.size());
    const std::string line = text.substr(at, text.find('\n', at) - at);
    EXPECT_NE(line.find("link=corp-contoso intent=a1 episode=e1"), std::string::npos) << text;
  }
}

TEST_F(RunnerTest, CancelledAmidTheCallReportsNothing) {
  port_.work.push_back(Work(ActionState::kIntent, "a1"));
  port_.work.push_back(Work(ActionState::kIntent, "a2"));
  group_.Spawn(runner_->Run());
  scheduler_.RunFor(2.5 * kAnswer);
  EXPECT_EQ(journal_.back(), "revoke entra-1 as a1");
  group_.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_EQ(journal_.back(), "revoke entra-1 as a1");  // not reported, a2 not begun
  EXPECT_FALSE(port_.call.has_value());
}

TEST_F(RunnerTest, CancelledAmidTheReReadsReportsNothing) {
  for (const double answers : {0.5, 1.5}) {
    TaskGroup group(io_.get_executor());
    port_.work.push_back(Work(ActionState::kIntent));
    group.Spawn(runner_->Run());
    scheduler_.RunFor(answers * kAnswer);
    EXPECT_EQ(group.running(), 1u);
    group.Cancel();
    scheduler_.Settle();
    EXPECT_EQ(group.running(), 0u);
  }
  EXPECT_FALSE(port_.reads.has_value());  // a read that we broke off says nothing about anybody
}

TEST_F(RunnerTest, CancelledAmidTheLastReadBackIsNoTimeOut) {
  ActionWork work = Work(ActionState::kCalled);
  work.action.called = TimeBounds::Exactly(clock_.Wall() - absl::Minutes(11));
  port_.work.push_back(std::move(work));
  group_.Spawn(runner_->Run());
  scheduler_.RunFor(0.5 * kAnswer);
  group_.Cancel();
  scheduler_.Settle();
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_FALSE(port_.verify.has_value());
}

TEST_F(RunnerTest, AClaimThatFailsIsTriedAgainUntilCancelled) {
  port_.claim_error = UnavailableError("busy");
  group_.Spawn(runner_->Run());
  scheduler_.RunFor(absl::Minutes(1));
  EXPECT_GE(port_.claims, 12);
  EXPECT_LE(port_.claims, 13);
  EXPECT_EQ(group_.running(), 1u);
  port_.claim_error = CancelledError("stopping");
  scheduler_.RunFor(absl::Seconds(5));
  EXPECT_EQ(group_.running(), 0u);
}

}  // namespace
}  // namespace driftwarden::remediation
