#include "daemon/engine.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/hex.h"
#include "base/strings.h"
#include "monitor/cause_counts.h"
#include "monitor/causes.h"
#include "monitor/evaluate.h"

namespace driftwarden::daemon {

using monitor::Changes;
using monitor::LinkState;
using monitor::PeopleSet;
using monitor::SourceState;

namespace {

constexpr int kPatience = 8;                // turns a waiter can be overtaken
constexpr size_t kMaxReadsWanted = 10'000;  // more come up again by their deadlines
constexpr absl::Duration kHeadLogged = absl::Hours(1);

// Times and cursors of quiet rounds: known again after the next round, so they need no write.
void TakeQuietTimes(const SourceState& from, SourceState& to) {
  to.cursor = from.cursor;
  to.last_success = from.last_success;
  to.last_complete_begin = from.last_complete_begin;
  to.clock_offset = from.clock_offset;
  to.snapshot_batch = from.snapshot_batch;
}

// How far the logs were read, and that they still cannot be: found out again by reading.
void TakeQuietMarks(const monitor::LogState& from, monitor::LogState& to) {
  to.read = from.read;
  to.limit_seen = from.limit_seen;
}

bool HasRecords(const Changes& c) {
  return !c.people.empty() || !c.removed.empty() || !c.closed_episodes.empty() ||
         !c.actions.empty() || !c.incidents.empty() || !c.removed_incidents.empty() ||
         !c.evidence.empty();
}

// True when nothing but the times of sources moved. A first cursor is no quiet round.
bool IsQuiet(const LinkState& before, const Changes& changes) {
  if (HasRecords(changes) || before.sources.size() != changes.link.sources.size()) return false;
  LinkState expected = before;
  for (auto& [name, source] : expected.sources) {
    const auto after = changes.link.sources.find(name);
    if (after == changes.link.sources.end()) return false;
    if (source.cursor.empty() != after->second.cursor.empty()) return false;
    TakeQuietTimes(after->second, source);
  }
  for (const auto& [log, after] : changes.link.logs) TakeQuietMarks(after, expected.logs[log]);
  TakeQuietMarks(changes.link.devices, expected.devices);
  expected.causes.tenant_read = changes.link.causes.tenant_read;
  return expected == changes.link;
}

// People, and those they are in conflict with.
StatusOr<PeopleSet> LoadBlocking(store::StateStore& store, const monitor::LinkName& link,
                                 store::PeopleKeys keys) {
  DW_ASSIGN_OR_RETURN(PeopleSet people, store.LoadPeople(link, keys));
  store::PeopleKeys rivals;
  for (const auto& [ordinal, person] : people.by_ordinal) {
    const auto& rival = person.facts.conflicts_with;
    if (rival && people.by_ordinal.count(*rival) == 0) rivals.ordinals.push_back(*rival);
  }
  if (rivals.ordinals.empty()) return people;
  DW_ASSIGN_OR_RETURN(PeopleSet more, store.LoadPeople(link, rivals));
  people.by_ordinal.merge(more.by_ordinal);
  people.by_guid.merge(more.by_guid);
  people.by_entra_id.merge(more.by_entra_id);
  people.by_anchor.merge(more.by_anchor);
  people.actions.merge(more.actions);
  people.incidents.merge(more.incidents);
  return people;
}

}  // namespace

Engine::Engine(asio::any_io_executor strand, uint64_t lease_epoch,
               std::shared_ptr<const monitor::Policy> policy, EngineParts parts,
               EngineOptions options)
    : strand_(strand),
      lease_epoch_(lease_epoch),
      link_(policy->link),
      parts_(std::move(parts)),
      options_(std::move(options)),
      queue_(strand, options_.queue_capacity, kPatience),
      actions_wake_(strand),
      alerts_wake_(strand),
      due_wake_(strand),
      last_persist_(-absl::InfiniteDuration()),
      state_(std::make_shared<LinkState>()),
      policy_(std::move(policy)) {
  stamp_ = monitor::StampOf(*policy_, "start");
}

void Engine::AddMissingSources(LinkState& state) const {
  for (const monitor::SourceName& name : policy_->ad_sources) {
    state.sources[name].kind = monitor::SourceKind::kActiveDirectory;
  }
  state.sources[policy_->entra_source].kind = monitor::SourceKind::kEntra;
}

asio::awaitable<Status> Engine::Open() {
  auto body = OpenBody();
  const Status opened = co_await Command(Urgency::kOperator, std::move(body));
  co_return opened;
}

asio::awaitable<Status> Engine::OpenBody() {
  auto read = [this] { return parts_.store.LoadLink(link_); };
  auto loaded = co_await OnLane(parts_.lane, std::move(read));
  if (!loaded.ok()) co_return Annotate(loaded.status(), link_.value);
  LinkState state;
  if (loaded->has_value()) state = std::move(**loaded);
  state.name = link_;
  running_since_ = Now();
  if (!state.causes.waiting_known) {
    const Status counted = co_await CountAnew(&state);
    if (!counted.ok()) co_return counted;
  }
  for (const char* guard : monitor::kAllGuards) state.guards.try_emplace(guard);
  state.guards.try_emplace(monitor::kPaused);
  AddMissingSources(state);
  {
    const std::lock_guard lock(mutex_);
    state_ = std::make_shared<const LinkState>(std::move(state));
  }
  const monitor::Tally nothing;
  parts_.observer.OnCommit(*state_, nothing);
  const Status found = co_await FindEarliestDeparture();
  co_return found;
}

// A record of before those who wait for the sync engine, and those in drift, were counted.
asio::awaitable<Status> Engine::CountAnew(LinkState* state) {
  state->causes.waiting.clear();
  state->in_drift = {};
  monitor::PersonOrdinal after = 0;
  do {
    auto people = co_await SomeOf(false, &after);
    if (!people.ok()) co_return people.status();
    for (const monitor::Person& person : *people) {
      monitor::CountWaiting(state->causes.waiting, person, 1);
      monitor::CountDrift(state->in_drift, person, 1);
    }
  } while (after != 0);
  state->causes.waiting_known = true;
  co_return OkStatus();
}

void Engine::EndWaits() {
  asio::post(strand_, [this] {
    actions_wake_.Close();
    alerts_wake_.Close();
    due_wake_.Close();
  });
}

void Engine::Stop() {
  EndWaits();
  asio::post(strand_, [this] { queue_.Close(); });
}

std::shared_ptr<const LinkState> Engine::State() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::shared_ptr<const monitor::Policy> Engine::CurrentPolicy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

bool Engine::clock_suspect() const {
  const std::lock_guard lock(mutex_);
  return suspect_;
}

watchers::FeedPosition Engine::PositionOf(const monitor::SourceName& source) const {
  const std::shared_ptr<const LinkState> state = State();
  watchers::FeedPosition position;
  const auto found = state->sources.find(source);
  if (found == state->sources.end()) return position;
  position.cursor = found->second.cursor;
  position.last_success = found->second.last_success;
  position.in_snapshot = found->second.snapshot_running;
  return position;
}

void Engine::LookAtClock() {
  const Clock& clock = parts_.scheduler.clock();
  if (!clock_watch_.Look(clock.Wall(), clock.Steady())) return;
  PublishSuspicion();
  parts_.log.Warn(
      "clock_suspect",
      "this machine's clock jumped: nothing is acted on until the sources' clocks agree",
      {{"link", link_.value}});
}

void Engine::PublishSuspicion() {
  const std::lock_guard lock(mutex_);
  suspect_ = clock_watch_.suspect();
}

// A step since the turn began, while people were loaded, would else be taken for the time of day.
monitor::Context Engine::MakeContext(const LinkState& link, absl::Time now) {
  LookAtClock();
  return monitor::Context{link,
                          *policy_,
                          now,
                          parts_.rng,
                          clock_watch_.suspect(),
                          &stamp_,
                          running_since_,
                          clock_watch_.vouched()};
}

absl::Time Engine::CausesDue() const {
  return monitor::CausesDueAt({*state_, *policy_, Now(), running_since_});
}

asio::awaitable<StatusOr<PeopleSet>> Engine::Load(store::PeopleKeys keys) {
  auto read = [this, &keys] { return LoadBlocking(parts_.store, link_, std::move(keys)); };
  auto people = co_await OnLane(parts_.lane, std::move(read));
  if (!people.ok()) co_return Annotate(people.status(), link_.value);
  co_return people;
}

// A link whose sources are polled often goes stale soon: what is stored must not look like a gap.
absl::Duration Engine::QuietPersist() const {
  absl::Duration least = options_.quiet_persist;
  for (const auto& [name, source] : state_->sources) {
    least = std::min(least, policy_->StaleAfter(name) / 3);
  }
  return least;
}

asio::awaitable<Status> Engine::Commit(Changes changes) {
  const absl::Duration now = parts_.scheduler.clock().Steady();
  const bool quiet = IsQuiet(*state_, changes);
  if (!quiet || now - last_persist_ >= QuietPersist()) {
    auto write = [this, &changes] { return parts_.store.Commit(lease_epoch_, changes); };
    const Status written = co_await OnLane(parts_.lane, std::move(write));
    parts_.observer.OnWritten(parts_.scheduler.clock().Steady() - now, written);
    if (!written.ok()) {
      Fail(written);
      co_return written;
    }
    last_persist_ = now;
  }
  Publish(changes);
  co_return OkStatus();
}

void Engine::Publish(const Changes& changes) {
  {
    const std::lock_guard lock(mutex_);
    state_ = std::make_shared<const LinkState>(changes.link);
  }
  LogCommitted(changes);
  parts_.observer.OnCommit(*state_, changes.tally);
  for (const monitor::PersonOrdinal person : changes.reads_wanted) {
    if (reads_wanted_.size() < kMaxReadsWanted) reads_wanted_.insert(person);
  }
  for (const monitor::EvidenceEntry& entry : changes.evidence) {
    if (entry.person && news_.size() < kMaxReadsWanted) news_.insert(*entry.person);
  }
  absl::Time soonest = std::min(next_due_, CausesDue());
  for (const monitor::Person& person : changes.people) {
    soonest = std::min(soonest, person.review_at);
    NoteDeparture(person);
  }
  if (soonest < next_due_) {
    next_due_ = soonest;
    due_wake_.Notify();
  }
  if (changes.wake_actions) actions_wake_.Notify();
  if (changes.wake_alerts) alerts_wake_.Notify();
}

void Engine::LogCommitted(const Changes& changes) {
  Logger& log = parts_.log;
  const auto line = [&](const std::string& episode) {
    std::vector<LogField> fields = {{"link", link_.value}, {"episode", episode}};
    const monitor::Cause& cause = changes.cause;
    if (!cause.batch.empty()) fields.emplace_back("batch", cause.batch.value);
    if (!cause.intent.empty()) fields.emplace_back("intent", cause.intent.value);
    return fields;
  };
  for (const monitor::EvidenceEntry& entry : changes.evidence) {
    if (entry.type == "policy_epoch") LogEpoch(entry);
    if (entry.type == "clock_set_back") NoteSetBack(entry);
    if (entry.type == "cause_opened" || entry.type == "cause_cleared") LogCause(entry);
    if (entry.type != "state_changed") continue;
    const auto to = entry.details.find("to");
    std::vector<LogField> fields = line(entry.episode);
    fields.emplace_back("evidence", entry.seq);
    log.Info("state_changed", to == entry.details.end() ? "" : to->second, fields);
  }
  for (const monitor::Episode& episode : changes.closed_episodes) {
    const auto result = episode.result ? EpisodeResultText(*episode.result) : "";
    log.Info("episode_closed", result, line(episode.id.value));
  }
  const absl::Time now = Now();
  if (state_->evidence_seq == 0 || now - head_logged_ < kHeadLogged) return;
  head_logged_ = now;
  log.Info("evidence_head", "the head of the chain of evidence",
           {{"link", link_.value},
            {"head", Cat(link_.value, ":", state_->evidence_seq, ":",
                         HexEncode(DigestBytes(state_->evidence_hash)))}});
}

void Engine::LogEpoch(const monitor::EvidenceEntry& entry) {
  std::vector<LogField> fields = {{"link", link_.value}};
  for (const char* key : {"epoch", "actor", "changed", "policy"}) {
    const auto found = entry.details.find(key);
    if (found != entry.details.end()) fields.emplace_back(key, found->second);
  }
  fields.emplace_back("evidence", entry.seq);
  parts_.log.Info("policy_epoch", "a new policy is in force", fields);
}

void Engine::NoteSetBack(const monitor::EvidenceEntry& entry) {
  judges_anew_ = true;
  next_due_ = absl::InfinitePast();
  due_wake_.Notify();
  parts_.log.Warn("clock_set_back",
                  "this machine's clock was ahead: what was dated later than now is dated now, and "
                  "everybody is judged anew",
                  {{"link", link_.value}, {"evidence", entry.seq}});
}

void Engine::LogCause(const monitor::EvidenceEntry& entry) {
  std::vector<LogField> fields = {{"link", link_.value}};
  for (const char* key : {"cause", "kind", "people", "batch"}) {
    const auto found = entry.details.find(key);
    if (found != entry.details.end()) fields.emplace_back(key, found->second);
  }
  fields.emplace_back("evidence", entry.seq);
  const auto detail = entry.details.find("detail");
  const std::string text = detail == entry.details.end() ? "" : detail->second;
  if (entry.type == "cause_opened") {
    parts_.log.Warn(entry.type, text, fields);
  } else {
    parts_.log.Info(entry.type, text, fields);
  }
}

// What the disk refused once is not tried again: what is in memory may no longer be what is stored.
void Engine::Fail(const Status& status) {
  if (!failed_.ok()) return;
  failed_ = Annotate(status, Cat(link_.value, ": commit failed"));
  queue_.Close();
  actions_wake_.Close();
  alerts_wake_.Close();
  due_wake_.Close();
  if (parts_.store_failed) parts_.store_failed(failed_);  // who stops, and says so
}

}  // namespace driftwarden::daemon
