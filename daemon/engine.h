#pragma once

// One link's engine: the only thing that commits that link's records. Every change of them is a
// command: load what it touches, apply a pure function of the core, commit in one atomic write.
// Commands of a link run one at a time in a bounded queue (operator, action outcome, deadline,
// direct read, batch; nobody starves), so that there is no lock and no lost update although
// coroutines interleave.
//
// Everything public may be awaited from any executor: the work is done on the engine's strand and
// the caller resumes where it was. A command in hand is finished even when its caller is cancelled.
//
// Errors: Cancelled once stopped; Unavailable when too many commands wait; what the store says. A
// write that the store refuses stops the engine for good: `store_failed` is called once.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "alerts/alert_sink.h"
#include "base/async/hop.h"
#include "base/async/lane.h"
#include "base/async/scheduler.h"
#include "base/async/wake_up.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/alert_fold.h"
#include "daemon/clock_watch.h"
#include "daemon/commit_observer.h"
#include "daemon/engine_queue.h"
#include "daemon/link_port.h"
#include "daemon/log_feed.h"
#include "daemon/read_plan.h"
#include "remediation/action_port.h"
#include "store/state_store.h"
#include "watchers/source_loop.h"

namespace driftwarden::daemon {

struct EngineOptions {
  absl::Duration resend_interval = absl::Seconds(60);  // of alerts: they end three of it ahead
  std::string external_url;                            // for links in alerts; empty: none
  absl::Duration quiet_persist = absl::Minutes(1);     // what only moves times is written so often
  size_t queue_capacity = 64;
  size_t review_limit = 1000;  // people a command
};

// What the engine stands on; everything must outlive it.
struct EngineParts {
  store::StateStore& store;
  Lane& lane;  // where the store is called
  Scheduler& scheduler;
  Rng& rng;  // for action ids; used on the strand only
  Logger& log;
  CommitObserver& observer;
  std::function<void(const Status&)> store_failed;  // once, on the strand
};

// Somebody who is to be read directly.
struct DirectTarget {
  monitor::PersonOrdinal person = 0;
  std::string entra_id;                                                 // empty: no account known
  std::vector<std::pair<monitor::SourceName, monitor::Guid>> accounts;  // AD, when wanted
  ReadPlan::Facts pace;                                                 // how soon again
  bool open = false;                                                    // has an open episode
};

class Engine final : public watchers::LinkFeed,
                     public remediation::ActionPort,
                     public alerts::IncidentPort,
                     public LogFeed,
                     public LinkPort {
 public:
  // `strand`: any executor that runs one thing at a time. `lease_epoch`: the store's write lease.
  Engine(asio::any_io_executor strand, uint64_t lease_epoch,
         std::shared_ptr<const monitor::Policy> policy, EngineParts parts, EngineOptions options);

  // Loads the link. To be awaited before anything else.
  asio::awaitable<Status> Open();
  // Whoever waits for work, changes or deadlines gets Cancelled, now and from now on; commands are
  // still taken. The first step of an orderly end. Thread-safe.
  void EndWaits();
  // Turns away what waits and what comes; the command in hand ends. Thread-safe.
  void Stop();

  // LinkFeed. Resumes when the batch is committed.
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override;
  watchers::FeedPosition PositionOf(const monitor::SourceName& source) const override;

  // Direct reads. At most `limit` people: those with an open episode after `after` in order of
  // ordinal; when there are no more of them the answer is shorter.
  asio::awaitable<StatusOr<std::vector<DirectTarget>>> OpenTargets(monitor::PersonOrdinal after,
                                                                   size_t limit);
  // Others of whom looks contradict each other; each is given out once.
  asio::awaitable<StatusOr<std::vector<DirectTarget>>> WantedTargets(size_t limit);
  // People with an open episode after `after`, at most `limit`; shorter: there are no more.
  asio::awaitable<StatusOr<std::vector<monitor::PersonOrdinal>>> OpenPeople(
      monitor::PersonOrdinal after, size_t limit);
  asio::awaitable<StatusOr<std::vector<DirectTarget>>> Targets(
      std::vector<monitor::PersonOrdinal> people);
  // Of whom something was written into the evidence since the last call; some may be missing when
  // they are very many.
  asio::awaitable<std::vector<monitor::PersonOrdinal>> TakeNews();
  asio::awaitable<Status> DeliverReads(std::vector<monitor::Observation> observations,
                                       monitor::BatchId round);

  // What the tenant says of itself; committed when it says anything new. People with an open
  // episode are judged anew when it changes how long they may take, and with `review`.
  asio::awaitable<Status> DeliverTenant(monitor::TenantLook look, bool review);

  // LogFeed. One call looks at review_limit open people, the next at those behind them.
  absl::Time ChangesFrom(monitor::TenantLog log) const override;
  asio::awaitable<StatusOr<std::vector<LogTarget>>> SignInTargets(monitor::TenantLog log,
                                                                  size_t limit) override;
  asio::awaitable<StatusOr<std::vector<LogTarget>>> DeviceTargets(size_t limit) override;
  asio::awaitable<Status> DeliverLog(monitor::LogLook look) override;
  asio::awaitable<Status> DeliverDevices(monitor::DeviceLook look) override;

  // Of these people, those whom the full read of the tenant that began at `round` did not return,
  // or of whom that is not known any more.
  asio::awaitable<std::vector<monitor::PersonOrdinal>> NotReturned(
      absl::Time round, std::vector<monitor::PersonOrdinal> people);
  // Each of those was read directly; `asked` people.
  asio::awaitable<Status> DeliverConfirmed(absl::Time round, uint64_t asked);

  // Deadlines. Judges the people who are due anew, at most review_limit of them.
  asio::awaitable<Status> ReviewDue();
  // Resumes when somebody is due, or after `at_most`.
  asio::awaitable<Status> WaitForDue(absl::Duration at_most);

  // ActionPort.
  asio::awaitable<StatusOr<std::vector<remediation::ActionWork>>> Claim() override;
  asio::awaitable<Status> WaitForWork(absl::Duration at_most) override;
  asio::awaitable<StatusOr<bool>> ReportGates(monitor::ActionId action,
                                              monitor::ReReads reads) override;
  asio::awaitable<Status> ReportCall(monitor::CallReport report) override;
  asio::awaitable<Status> ReportVerify(monitor::VerifyReport report) override;

  // IncidentPort.
  asio::awaitable<StatusOr<std::vector<alerts::PendingAlert>>> Pending() override;
  asio::awaitable<Status> WaitForChange(absl::Duration at_most) override;
  asio::awaitable<Status> ReportDeliveries(std::vector<monitor::DeliveryReport> reports) override;

  // LinkPort, and the reload: SetPolicy, then ReviewAll.
  const monitor::LinkName& link() const override { return link_; }
  std::shared_ptr<const monitor::LinkState> State() const override;
  std::shared_ptr<const monitor::Policy> CurrentPolicy() const override;
  asio::awaitable<Status> AcceptBaseline(std::string actor) override;
  asio::awaitable<Status> ResetGuard(std::string guard, std::string actor,
                                     std::string reason) override;
  asio::awaitable<Status> Pause(std::string actor, std::string reason) override;
  asio::awaitable<Status> AddExemption(monitor::PersonOrdinal person,
                                       monitor::Exemption exemption) override;
  asio::awaitable<Status> RemoveExemption(monitor::PersonOrdinal person,
                                          std::string actor) override;
  asio::awaitable<Status> MarkCompromised(monitor::PersonOrdinal person,
                                          monitor::CompromiseMark mark) override;
  asio::awaitable<Status> UnmarkCompromised(monitor::PersonOrdinal person,
                                            std::string actor) override;
  asio::awaitable<StatusOr<std::vector<monitor::LeaveOutcome>>> ExpectLeavers(
      std::vector<monitor::LeaveWord> words) override;
  asio::awaitable<Status> WithdrawLeaver(monitor::PersonOrdinal person, std::string actor,
                                         bool forget) override;
  // Cannot be refused, so that links change together or not at all. The same sources as before. The
  // next commit, whatever it is of, records the new epoch; `actor` put it in force.
  asio::awaitable<Status> SetPolicy(std::shared_ptr<const monitor::Policy> policy,
                                    std::string actor);
  // Judges everybody with an open episode anew, in commands of review_limit.
  asio::awaitable<Status> ReviewOpen();
  // Judges everybody by the policy in force: the open ones first, the others in the background, a
  // few a command. Goes on where the process before was killed; nothing to do: Ok at once.
  // Unavailable: not now, call it again.
  asio::awaitable<Status> ReviewAll();

  // Thread-safe.
  bool clock_suspect() const;
  size_t waiting() const { return waiting_; }  // commands that wait for their turn

 private:
  template <typename R>
  asio::awaitable<R> InTurn(Urgency urgency, asio::awaitable<R> body);
  template <typename R>
  asio::awaitable<R> Command(Urgency urgency, asio::awaitable<R> body);

  // The bodies of commands: on the strand, in their turn.
  asio::awaitable<Status> OpenBody();
  asio::awaitable<Status> BatchBody(monitor::ChangeBatch batch);
  asio::awaitable<Status> ReadsBody(std::vector<monitor::Observation> observations,
                                    monitor::BatchId round);
  asio::awaitable<StatusOr<bool>> TenantBody(monitor::TenantLook look);
  asio::awaitable<Status> LogBody(monitor::LogLook look);
  asio::awaitable<Status> DevicesBody(monitor::DeviceLook look);
  asio::awaitable<std::vector<monitor::PersonOrdinal>> NotReturnedOnStrand(
      absl::Time round, std::vector<monitor::PersonOrdinal> people);
  void NoteReturned(absl::Time round, const std::vector<monitor::PersonOrdinal>& people);
  asio::awaitable<Status> ConfirmedBody(absl::Time round, uint64_t asked);
  asio::awaitable<Status> ReviewDueBody();
  asio::awaitable<Status> ReviewBody(std::vector<monitor::PersonOrdinal> people);
  asio::awaitable<Status> JudgeSomeBody();
  asio::awaitable<StatusOr<std::vector<remediation::ActionWork>>> ClaimBody();
  asio::awaitable<StatusOr<bool>> GatesBody(monitor::ActionId action, monitor::ReReads reads);
  asio::awaitable<Status> CallBody(monitor::CallReport report);
  asio::awaitable<Status> VerifyBody(monitor::VerifyReport report);
  asio::awaitable<Status> DeliveriesBody(std::vector<monitor::DeliveryReport> reports);
  asio::awaitable<Status> BaselineBody(std::vector<monitor::PersonOrdinal> people,
                                       std::string actor);
  // People whom the guard held back, at most review_limit; ReviewOpen reaches everybody else.
  asio::awaitable<StatusOr<monitor::PeopleSet>> LoadHeldBack(std::string guard);
  asio::awaitable<Status> PauseBody(std::string actor, std::string reason);
  asio::awaitable<Status> GuardBody(std::string guard, std::string actor, std::string reason);

  asio::awaitable<Status> ExemptBody(monitor::PersonOrdinal person, monitor::Exemption exemption);
  asio::awaitable<Status> EndExemptionBody(monitor::PersonOrdinal person, std::string actor);
  asio::awaitable<Status> MarkBody(monitor::PersonOrdinal person, monitor::CompromiseMark mark);
  asio::awaitable<Status> UnmarkBody(monitor::PersonOrdinal person, std::string actor);
  asio::awaitable<StatusOr<std::vector<monitor::LeaveOutcome>>> ExpectBody(
      std::vector<monitor::LeaveWord> words);
  asio::awaitable<Status> WithdrawBody(monitor::PersonOrdinal person, std::string actor,
                                       bool forget);

  // On the strand, in no turn: commands take the policy as it is when they judge.
  asio::awaitable<Status> SetPolicyOnStrand(std::shared_ptr<const monitor::Policy> policy,
                                            std::string actor);
  asio::awaitable<bool> JudgedOnStrand();
  // On the strand, in no turn: reading what is committed.
  asio::awaitable<StatusOr<std::vector<alerts::PendingAlert>>> PendingOnStrand();
  asio::awaitable<StatusOr<std::vector<DirectTarget>>> OpenTargetsOnStrand(
      monitor::PersonOrdinal after, size_t limit);
  asio::awaitable<StatusOr<std::vector<DirectTarget>>> WantedTargetsOnStrand(size_t limit);
  asio::awaitable<std::vector<monitor::PersonOrdinal>> TakeNewsOnStrand();
  asio::awaitable<StatusOr<std::vector<DirectTarget>>> TargetsOf(
      std::vector<monitor::PersonOrdinal> people, bool everything);
  asio::awaitable<Status> WaitForDueOnStrand(absl::Duration at_most);
  // Whose part of a log may be wanted, when it was read last, and how often it is worth it.
  struct Candidate {
    LogTarget target;
    absl::Time read;
    absl::Duration interval;
  };
  using Offers = std::map<monitor::PersonOrdinal, absl::Time>;  // when somebody was given out
  struct LogTurn {
    monitor::PersonOrdinal open_after = 0;
    monitor::PersonOrdinal watched_after = 0;
    Offers offers;
  };
  asio::awaitable<StatusOr<std::vector<LogTarget>>> SignInTargetsOnStrand(monitor::TenantLog log,
                                                                          size_t limit);
  asio::awaitable<StatusOr<std::vector<LogTarget>>> DeviceTargetsOnStrand(size_t limit);
  // The next people, with an Entra account, behind `*after`; moves it, to 0 behind the last.
  asio::awaitable<StatusOr<std::vector<monitor::Person>>> SomeOf(bool watched,
                                                                 monitor::PersonOrdinal* after);
  std::vector<LogTarget> Neediest(std::vector<Candidate> candidates, Offers& offers, size_t limit);
  asio::awaitable<Status> FindEarliestDeparture();
  void NoteDeparture(const monitor::Person& person);

  // Parts of commands.
  asio::awaitable<StatusOr<monitor::PeopleSet>> Load(store::PeopleKeys keys);
  asio::awaitable<StatusOr<monitor::PeopleSet>> LoadOne(monitor::PersonOrdinal person);
  struct LoadedAction;
  asio::awaitable<StatusOr<LoadedAction>> LoadActionAndPerson(monitor::ActionId id);
  asio::awaitable<Status> Commit(monitor::Changes changes);
  asio::awaitable<Status> FindNextDue();
  asio::awaitable<Status> NameCounted(const monitor::LinkCause& cause,
                                      const monitor::Policy& policy, AlertFold* fold);
  asio::awaitable<Status> JudgeCauses();
  asio::awaitable<Status> CountAnew(monitor::LinkState* state);
  absl::Time CausesDue() const;
  monitor::Changes ReviewQueued(const std::vector<monitor::Action>& live,
                                monitor::PeopleSet& people, absl::Time now);
  // Looks at the clock: `now` is to be of this moment.
  monitor::Context MakeContext(absl::Time now) { return MakeContext(*state_, now); }
  monitor::Context MakeContext(const monitor::LinkState& link, absl::Time now);
  void Publish(const monitor::Changes& changes);
  void LogCommitted(const monitor::Changes& changes);
  void LogEpoch(const monitor::EvidenceEntry& entry);
  void LogCause(const monitor::EvidenceEntry& entry);
  void NoteSetBack(const monitor::EvidenceEntry& entry);
  void LookAtClock();
  void PublishSuspicion();
  void Fail(const Status& status);
  void AddMissingSources(monitor::LinkState& state) const;
  absl::Time Now() const { return parts_.scheduler.clock().Wall(); }
  absl::Duration QuietPersist() const;

  asio::any_io_executor strand_;
  const uint64_t lease_epoch_;
  const monitor::LinkName link_;
  EngineParts parts_;
  const EngineOptions options_;

  // On the strand.
  EngineQueue queue_;
  ClockWatch clock_watch_;
  monitor::PolicyStamp stamp_;  // of policy_
  WakeUp actions_wake_;
  WakeUp alerts_wake_;
  WakeUp due_wake_;
  absl::Time next_due_ = absl::InfinitePast();
  bool judges_anew_ = false;  // since dates were set back: a few people with each review
  absl::Time running_since_ = absl::InfinitePast();
  absl::Duration last_persist_;
  absl::Time head_logged_ = absl::InfinitePast();
  std::set<monitor::PersonOrdinal> reads_wanted_;  // bounded
  std::set<monitor::PersonOrdinal> news_;          // bounded
  // Whom the present or the last full read of the tenant returned, by ordinal: one bit a person.
  // Not stored; who is not known to have been returned is read once more.
  absl::Time returned_round_ = absl::InfinitePast();
  std::vector<bool> returned_;
  std::map<monitor::TenantLog, LogTurn> log_turns_;
  LogTurn device_turn_;
  // Of the last count of people that was told.
  struct CountedNames {
    uint64_t number = 0;  // of the cause
    absl::Time counted_at = absl::InfinitePast();
    AlertCrowd crowd;
  };
  CountedNames counted_names_;
  Status failed_;

  std::atomic<size_t> waiting_{0};

  // What other threads read: values that never change, swapped under the mutex.
  mutable std::mutex mutex_;
  std::shared_ptr<const monitor::LinkState> state_;
  std::shared_ptr<const monitor::Policy> policy_;
  bool suspect_ = false;
  absl::Time earliest_departure_ =
      absl::InfiniteFuture();  // of an open episode, or of one that was
};

template <typename R>
asio::awaitable<R> Engine::InTurn(Urgency urgency, asio::awaitable<R> body) {
  ++waiting_;
  const Status entered = co_await queue_.Enter(urgency);
  --waiting_;
  if (!entered.ok()) co_return failed_.ok() ? entered : failed_;
  LookAtClock();
  R result = co_await std::move(body);
  queue_.Leave();
  co_return result;
}

template <typename R>
asio::awaitable<R> Engine::Command(Urgency urgency, asio::awaitable<R> body) {
  auto turn = InTurn(urgency, std::move(body));
  R result = co_await RunOn(strand_, std::move(turn));
  co_return result;
}

}  // namespace driftwarden::daemon
