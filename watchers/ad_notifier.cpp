#include "watchers/ad_notifier.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/ad_sight.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

constexpr size_t kMaxPending = 512;
constexpr absl::Duration kTick = absl::Seconds(1);      // how soon a change of controller is seen
constexpr absl::Duration kSilence = absl::Seconds(30);  // then the server is asked whether it lives
constexpr absl::Duration kGrace = absl::Seconds(10);    // by which the poll may be ahead
constexpr absl::Duration kFirstPause = absl::Milliseconds(500);
constexpr absl::Duration kLongestPause = absl::Seconds(60);
// After a refusal, which a person has to mend; a wrong password tried often locks an account.
constexpr absl::Duration kRefusedPause = absl::Minutes(5);
// A server may have read an entry so long before we see it.
constexpr absl::Duration kTransit = absl::Seconds(5);

bool IsRefusal(StatusCode code) {
  return code == StatusCode::kUnauthenticated || code == StatusCode::kPermissionDenied ||
         code == StatusCode::kFailedPrecondition || code == StatusCode::kResourceExhausted ||
         code == StatusCode::kInvalidArgument;
}

std::optional<uint64_t> UsnOf(const directory::Entry& entry) {
  const std::string* const text = entry.First(directory::kUsnChanged);
  return text == nullptr ? std::nullopt : ParseUint64(*text);
}

}  // namespace

AdNotifier::AdNotifier(asio::any_io_executor executor, AdSourceOptions options,
                       directory::SessionFactory& sessions, AdUsnSource& source, NoticePort& port,
                       Scheduler& scheduler, Rng& rng, Logger& log, AdObserver& observer)
    : options_(std::move(options)),
      sessions_(sessions),
      source_(source),
      port_(port),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      observer_(observer),
      polled_(executor),
      pending_wake_(executor) {}

asio::awaitable<void> AdNotifier::Listen() {
  Backoff backoff(kFirstPause, kLongestPause, rng_);
  while (true) {
    std::string server = source_.connection().server();
    // Where the poll cannot get in there is nothing to try, least of all a password.
    if (server.empty() || !source_.connection().open()) {
      const Status polled = co_await polled_.WaitFor(scheduler_, kTick);
      if (!polled.ok()) co_return;
      continue;
    }
    const Ended ended = co_await ListenTo(std::move(server));
    if (ended.status.code() == StatusCode::kCancelled) co_return;
    NoteEnded(ended);
    const absl::Duration pause = PauseAfter(ended, backoff);
    const Status rested = co_await scheduler_.SleepFor(pause);
    if (!rested.ok()) co_return;
  }
}

asio::awaitable<AdNotifier::Ended> AdNotifier::ListenTo(std::string server) {
  heard_ = false;
  armed_at_ = Steady();
  AdSourceOptions own = options_;
  own.servers = {server};
  own.locator = nullptr;
  own.follows_pin = true;
  AdConnection connection(std::move(own), sessions_, scheduler_.clock(), log_);
  Ended ended;
  const auto state = co_await connection.Refresh();
  ended.status = state.status();
  if (!state.ok()) co_return ended;
  ended.status = co_await Arm(connection);
  if (!ended.status.ok()) co_return ended;
  ended = co_await Hear(connection, std::move(server));
  co_return ended;
}

asio::awaitable<Status> AdNotifier::Arm(AdConnection& connection) {
  directory::Session& session = connection.session();
  directory::SearchRequest request;
  request.base = source_.connection().state().naming_context;
  request.attributes = directory::RequestedAttributes(options_.Observing());
  request.page_size = 0;
  const Status asked = co_await session.Watch(std::move(request));
  if (!asked.ok()) co_return asked;
  // Every change above this USN is to be told. The answer comes behind a refusal, if there is one.
  auto state = co_await directory::ReadServerState(session, scheduler_.clock());
  if (!state.ok()) co_return state.status();
  const absl::Duration at_once;
  const TimeBounds at{Wall() - kTransit, Wall()};
  const auto early = co_await session.Next(at_once);
  if (!early.ok()) co_return early.status();
  state_ = *std::move(state);
  told_usn_ = state_.highest_usn;
  missed_usn_ = 0;
  armed_ = true;
  armed_at_ = Steady();
  observer_.OnNotifyUp(options_.name, true);
  log_.Info("ad_notify_armed", "the domain controller tells of changes as they happen",
            {{"source", options_.name.value}, {"host", Printable(state_.host_name)}});
  if (options_.sight != nullptr) options_.sight->Lower(kNotifyRefused);
  Take(*early, LookAt(connection, at));
  // Registered first, polled then: what happened in between is in one of the two.
  port_.Wake();
  co_return OkStatus();
}

asio::awaitable<AdNotifier::Ended> AdNotifier::Hear(AdConnection& connection, std::string server) {
  Ended ended;
  absl::Duration heard_last = Steady();
  absl::Time empty_at = Wall();  // nothing was waiting to be read
  while (true) {
    if (source_.connection().server() != server) {
      ended.reason = AdRearm::kDcChanged;
      ended.status = UnavailableError(Cat(options_.name.value, ": another controller is read now"));
      co_return ended;
    }
    if (Missed()) {
      ended.reason = AdRearm::kMissed;
      ended.status = UnavailableError(
          Cat(options_.name.value, ": ", server, " did not tell of a change that the poll found"));
      co_return ended;
    }
    ended.status = co_await Renew(connection);
    if (!ended.status.ok()) co_return ended;
    TimeBounds at;
    at.lo = empty_at - kTransit;
    const auto changes = co_await connection.session().Next(kTick);
    ended.status = changes.status();
    if (!changes.ok()) co_return ended;
    at.hi = std::max(at.lo, Wall());
    if (!changes->empty()) {
      heard_ = true;
      heard_last = Steady();
      Take(*changes, LookAt(connection, at));
      continue;
    }
    empty_at = Wall();
    if (Steady() - heard_last < kSilence) continue;
    ended.status = co_await Ping(connection.session());
    if (!ended.status.ok()) co_return ended;
    heard_last = Steady();
  }
}

asio::awaitable<Status> AdNotifier::Renew(AdConnection& connection) {
  if (!connection.session().RenewalDue()) co_return OkStatus();
  const directory::Session* const before = &connection.session();
  const auto state = co_await connection.Refresh();
  if (!state.ok()) co_return state.status();
  if (&connection.session() == before) co_return OkStatus();
  const Status armed = co_await Arm(connection);
  co_return armed;
}

asio::awaitable<Status> AdNotifier::Ping(directory::Session& session) {
  const auto state = co_await directory::ReadServerState(session, scheduler_.clock());
  if (!state.ok()) co_return state.status();
  if (state->dsa != state_.dsa || state->invocation_id != state_.invocation_id) {
    co_return UnavailableError(
        Cat(options_.name.value, ": the domain controller is not the one it was"));
  }
  co_return OkStatus();
}

void AdNotifier::Take(const std::vector<directory::Entry>& entries, const monitor::Look& look) {
  bool wake = false;
  for (const directory::Entry& entry : entries) {
    told_usn_ = std::max(told_usn_, UsnOf(entry).value_or(0));
    const AdNotice notice = TakeEntry(entry, look);
    observer_.OnNotice(options_.name, notice);
    wake = wake || notice != AdNotice::kIgnored;
  }
  if (!pending_.empty()) pending_wake_.Notify();
  if (wake) port_.Wake();
}

monitor::Look AdNotifier::LookAt(const AdConnection& connection, TimeBounds at) const {
  monitor::Look look;
  look.source = options_.name;
  look.at = at;
  look.kind = monitor::LookKind::kFeed;
  look.one_copy_since = connection.OneCopySince();
  return look;
}

AdNotice AdNotifier::TakeEntry(const directory::Entry& entry, const monitor::Look& look) {
  if (!source_.scan().InScope(entry)) return AdNotice::kIgnored;
  auto view = source_.scan().ObserveEntry(entry);
  if (!view.ok()) return AdNotice::kDropped;
  if (!view->has_value()) return AdNotice::kIgnored;
  if (pending_.size() >= kMaxPending) return AdNotice::kDropped;
  monitor::Observation observation;
  observation.look = look;
  observation.view = **std::move(view);
  pending_.push_back(std::move(observation));
  return AdNotice::kApplied;
}

asio::awaitable<void> AdNotifier::HandOn() {
  while (true) {
    const Status woken = co_await pending_wake_.WaitFor(scheduler_, kLongestPause);
    if (!woken.ok()) co_return;
    if (pending_.empty()) continue;
    monitor::ChangeBatch batch;
    batch.source = options_.name;
    batch.kind = monitor::SourceKind::kActiveDirectory;
    batch.number = ++number_;
    batch.observations = std::exchange(pending_, {});
    batch.round = batch.observations.front().look.at;
    for (const monitor::Observation& observation : batch.observations) {
      batch.round.lo = std::min(batch.round.lo, observation.look.at.lo);
      batch.round.hi = std::max(batch.round.hi, observation.look.at.hi);
    }
    batch.clock_offset = state_.clock_offset;
    const Status delivered = co_await port_.DeliverAside(std::move(batch));
    if (delivered.code() == StatusCode::kCancelled) co_return;
  }
}

void AdNotifier::OnDelivered(const monitor::ChangeBatch& batch) {
  polled_.Notify();
  if (!armed_ || batch.in_snapshot || missed_usn_ > told_usn_) return;
  // USNs compare on one controller only.
  if (source_.connection().state().dsa != state_.dsa) return;
  for (const monitor::Observation& observation : batch.observations) {
    const auto* const view = std::get_if<monitor::AdView>(&observation.view);
    if (view == nullptr || view->deleted.value_or(false) || view->usn_changed <= told_usn_) {
      continue;
    }
    missed_usn_ = view->usn_changed;
    missed_at_ = Steady();
    return;
  }
}

bool AdNotifier::Missed() const {
  return missed_usn_ > told_usn_ && Steady() - missed_at_ > kGrace;
}

// What keeps us out is told by the poll, which meets it too; only a refusal is our own.
void AdNotifier::NoteEnded(const Ended& ended) {
  const StatusCode code = ended.status.code();
  if (options_.sight != nullptr && IsRefusal(code) && code != StatusCode::kUnauthenticated) {
    options_.sight->Raise(kNotifyRefused, Cat(Message(ended.status),
                                              ". Changes wait for the next poll; set "
                                              "notifications: false where that is meant"));
  }
  if (!std::exchange(armed_, false)) return;
  observer_.OnNotifyUp(options_.name, false);
  observer_.OnRearm(options_.name, ended.reason);
  log_.Info("ad_notify_ended", Cat(Message(ended.status), "; changes wait for the next poll"),
            {{"source", options_.name.value}, {"reason", AdRearmText(ended.reason)}});
  port_.Wake();
}

absl::Duration AdNotifier::PauseAfter(const Ended& ended, Backoff& backoff) const {
  if (ended.reason == AdRearm::kDcChanged) return absl::ZeroDuration();
  const bool stood = ended.reason == AdRearm::kLost && Steady() - armed_at_ > kLongestPause;
  if (heard_ || stood) backoff.Reset();
  const absl::Duration pause = backoff.Next();
  if (!IsRefusal(ended.status.code())) return pause;
  return kRefusedPause * (0.5 + rng_.Unit() / 2);
}

}  // namespace driftwarden::watchers
