#include "remediation/action_runner.h"

#include <utility>
#include <variant>

#include "base/strings.h"
#include "monitor/guards.h"
#include "remediation/verify.h"

namespace driftwarden::remediation {

using monitor::ActionState;
using monitor::AdView;
using monitor::EntraView;

namespace {

// What is not returned is unknown, never "disabled".
bool SaysOut(const AdView& view) {
  return view.deleted.value_or(false) || view.Disabled().value_or(false);
}

// How little an account keeps its person out: 0 is out, 1 is enabled with a date that has passed,
// which may be out by the policy (the gates judge that), 2 keeps them in.
int KeepsIn(const AdView& view, absl::Time now) {
  if (SaysOut(view)) return 0;
  return view.Disabled().has_value() && view.account_expires && *view.account_expires <= now ? 1
                                                                                             : 2;
}

// Of two accounts of one person the one that keeps them in rather; of two that expired the later.
bool KeepsInRather(const AdView& one, const AdView& other, absl::Time now) {
  const int rank = KeepsIn(one, now);
  if (rank != KeepsIn(other, now)) return rank > KeepsIn(other, now);
  return rank == 1 && *one.account_expires >= *other.account_expires;
}

}  // namespace

ActionRunner::ActionRunner(ActionPort& port, Actuator& actuator, DirectoryReaders directories,
                           watchers::TenantReader& tenant, Scheduler& scheduler, Logger& log,
                           ActionRunnerOptions options)
    : port_(port),
      actuator_(actuator),
      directories_(std::move(directories)),
      tenant_(tenant),
      scheduler_(scheduler),
      log_(log),
      options_(std::move(options)) {}

asio::awaitable<void> ActionRunner::Run() {
  while (true) {
    const Status done = co_await RunOnce();
    if (done.code() == StatusCode::kCancelled) co_return;
    const Status woken = co_await port_.WaitForWork(options_.idle_wait);
    if (!woken.ok()) co_return;
  }
}

asio::awaitable<Status> ActionRunner::RunOnce() {
  auto work = co_await port_.Claim();
  if (!work.ok()) co_return work.status();
  Status first_error;
  for (ActionWork& item : *work) {
    const std::string id = item.action.id.value;
    const std::string episode = item.action.episode.value;
    const Status done = co_await Drive(std::move(item));
    if (done.code() == StatusCode::kCancelled) co_return done;
    if (done.ok()) continue;
    log_.Warn("action_step_failed", Message(done),
              {{"link", options_.link}, {"intent", id}, {"episode", episode}});
    if (first_error.ok()) first_error = done;
  }
  co_return first_error;
}

asio::awaitable<Status> ActionRunner::Drive(ActionWork work) {
  Status done;
  switch (work.action.state) {
    case ActionState::kIntent: {
      done = co_await ReReadAndCall(std::move(work));
      break;
    }
    case ActionState::kCleared: {
      done = co_await Reconcile(std::move(work));
      break;
    }
    case ActionState::kCalled: {
      done = co_await VerifyCall(std::move(work));
      break;
    }
    default:
      break;
  }
  co_return done;
}

asio::awaitable<Status> ActionRunner::ReadDirectories(const ActionWork* work,
                                                      monitor::ReReads* reads) {
  const Clock& clock = scheduler_.clock();
  reads->ad_read.lo = clock.Wall();
  // Every AD account behind the person is read: one that is enabled anywhere keeps them in.
  for (const monitor::AdHalf& half : work->person.facts.ad) {
    const auto reader = directories_.find(half.source);
    if (reader == directories_.end()) {
      reads->ad_error = Cat("no reader for source ", half.source.value);
      break;
    }
    const auto read = co_await reader->second->ReadAccount(half.object_guid);
    if (read.status().code() == StatusCode::kCancelled) co_return read.status();
    if (!read.ok()) {
      reads->ad_error = std::string(Message(read.status()));
      break;
    }
    const AdView& view = std::get<AdView>(read->view);
    if (!reads->ad.has_value() || KeepsInRather(view, *reads->ad, reads->ad_read.lo)) {
      reads->ad = view;
      reads->ad_gone = view.deleted.value_or(false);
    }
    if (KeepsIn(view, reads->ad_read.lo) == 2) break;
    const Status asked = co_await AskElsewhere(reader->second, half.object_guid, reads);
    if (!asked.ok()) co_return asked;
  }
  if (!reads->ad_error.empty()) reads->ad.reset();
  if (!reads->ad.has_value() && reads->ad_error.empty()) reads->ad_error = "no AD account is known";
  reads->ad_read.hi = clock.Wall();
  co_return OkStatus();
}

asio::awaitable<Status> ActionRunner::AskElsewhere(watchers::DirectoryReader* reader,
                                                   monitor::Guid guid, monitor::ReReads* reads) {
  const auto read = co_await reader->ReadAccountElsewhere(guid);
  if (read.status().code() == StatusCode::kCancelled) co_return read.status();
  if (read.ok()) {
    reads->second.push_back(std::get<AdView>(read->view));
  } else if (reads->second_error.empty()) {
    reads->second_error = std::string(Message(read.status()));
  }
  co_return OkStatus();
}

asio::awaitable<Status> ActionRunner::ReadTenant(const ActionWork* work, monitor::ReReads* reads) {
  const Clock& clock = scheduler_.clock();
  reads->entra_read.lo = clock.Wall();
  std::string entra_id = work->action.entra_id;
  monitor::ActionId intent = work->action.id;
  const auto read = co_await tenant_.ReadUser(std::move(entra_id), std::move(intent));
  reads->entra_read.hi = clock.Wall();
  if (read.status().code() == StatusCode::kCancelled) co_return read.status();
  if (read.ok()) {
    reads->entra = std::get<EntraView>(read->view);
  } else {
    reads->entra_error = std::string(Message(read.status()));
  }
  co_return OkStatus();
}

asio::awaitable<Status> ActionRunner::ReReadAndCall(ActionWork work) {
  const Clock& clock = scheduler_.clock();
  const monitor::ActionId id = work.action.id;
  monitor::ReReads reads;
  reads.intent_at = work.action.intent_at.value_or(clock.Wall());
  // Entra first: its read may pause (a 404 is asked twice), and AD's must be the fresher one.
  const Status tenant_read = co_await ReadTenant(&work, &reads);
  if (!tenant_read.ok()) co_return tenant_read;
  const absl::Duration not_after = clock.Steady() + monitor::kReReadMaxAge;
  const Status directories_read = co_await ReadDirectories(&work, &reads);
  if (!directories_read.ok()) co_return directories_read;
  const auto go = co_await port_.ReportGates(id, std::move(reads));
  if (!go.ok()) co_return go.status();
  if (!*go) co_return OkStatus();

  monitor::CallReport report;
  report.action = id;
  report.called.lo = clock.Wall();
  std::string target = work.action.entra_id;
  CallResult result = co_await actuator_.RevokeSessions(std::move(target), id, not_after);
  if (result.status.code() == StatusCode::kCancelled) co_return result.status;
  report.called.hi = clock.Wall();
  report.status = result.status;
  report.sent = result.sent;
  report.request_id = result.request_id;
  if (result.status.ok()) {
    log_.Info("sessions_revoked", "Entra accepted the revocation",
              {{"link", options_.link},
               {"intent", id.value},
               {"episode", work.action.episode.value},
               {"reason", monitor::ActionReasonText(work.action.reason)},
               {"request_id", result.request_id}});
  }
  if (!result.sent) {
    log_.Warn(
        "call_not_sent", Message(result.status),
        {{"link", options_.link}, {"intent", id.value}, {"episode", work.action.episode.value}});
  }
  const Status reported = co_await port_.ReportCall(std::move(report));
  co_return reported;
}

asio::awaitable<Status> ActionRunner::Reconcile(ActionWork work) {
  const Clock& clock = scheduler_.clock();
  const absl::Time cleared = work.action.cleared_at.value_or(clock.Wall());
  monitor::ReReads reads;
  const Status tenant_read = co_await ReadTenant(&work, &reads);
  if (!tenant_read.ok()) co_return tenant_read;
  if (reads.entra.has_value() &&
      RevocationShows(reads.entra->sessions_valid_from, work.action.before, cleared,
                      work.tenant_clock_offset)) {
    monitor::VerifyReport report;
    report.action = work.action.id;
    report.verified = true;
    report.read_at = reads.entra_read.hi;
    report.value = reads.entra->sessions_valid_from;
    report.called_at_reconciled = cleared;
    const Status reported = co_await port_.ReportVerify(std::move(report));
    co_return reported;
  }
  if (clock.Wall() - cleared < options_.reconcile_for) co_return OkStatus();
  const Status again = co_await ReReadAndCall(std::move(work));
  co_return again;
}

asio::awaitable<Status> ActionRunner::VerifyCall(ActionWork work) {
  const Clock& clock = scheduler_.clock();
  const absl::Time begun = work.action.called.has_value() ? work.action.called->lo : clock.Wall();
  monitor::ReReads reads;
  const Status tenant_read = co_await ReadTenant(&work, &reads);
  if (!tenant_read.ok()) co_return tenant_read;
  const bool shows = reads.entra.has_value() &&
                     RevocationShows(reads.entra->sessions_valid_from, work.action.before, begun,
                                     work.tenant_clock_offset);
  const bool over = clock.Wall() - begun >= options_.verify_for;
  // What could not be read has not failed: it is read again.
  if (!shows && (!over || !reads.entra.has_value())) co_return OkStatus();
  monitor::VerifyReport report;
  report.action = work.action.id;
  report.verified = shows;
  report.read_at = reads.entra_read.hi;
  if (reads.entra.has_value()) report.value = reads.entra->sessions_valid_from;
  const Status reported = co_await port_.ReportVerify(std::move(report));
  co_return reported;
}

}  // namespace driftwarden::remediation
