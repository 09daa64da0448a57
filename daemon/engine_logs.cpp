// What the tenant's logs and device lists hold, as commands of the link; and whose are wanted next.

#include <algorithm>

#include "base/strings.h"
#include "daemon/engine.h"

namespace driftwarden::daemon {

using monitor::LogLimit;
using monitor::LogState;
using monitor::Person;
using monitor::PersonOrdinal;
using monitor::TenantLog;

namespace {

constexpr absl::Duration kOverlap = absl::Minutes(30);         // records come late and out of order
constexpr absl::Duration kFurthestBack = absl::Hours(7 * 24);  // the least that tenants keep
constexpr absl::Duration kLimitRetry = absl::Hours(1);
constexpr absl::Duration kAhead = absl::Minutes(5);  // of a departure: clocks differ
constexpr absl::Duration kOfferedKept = absl::Hours(1);
constexpr double kCrowd = 40;  // so many people are read in their turn; fewer, that much sooner
constexpr absl::Duration kDevicesEarly = absl::Minutes(5);
constexpr absl::Duration kDevicesLate = absl::Minutes(30);
constexpr absl::Duration kDevicesLeft = absl::Hours(6);

// Refused for good, and not to be tried again yet. What the configuration switched off is not read
// while it is; once it no longer is, nothing is in the way.
bool IsRefused(const LogState& state, absl::Time now) {
  const bool refused = state.limit != LogLimit::kNone && state.limit != LogLimit::kSwitchedOff;
  return refused && now - state.limit_seen < kLimitRetry;
}

const LogState& StateOf(const monitor::LinkState& link, TenantLog log) {
  static const LogState kNothing;
  const auto found = link.logs.find(log);
  return found == link.logs.end() ? kNothing : found->second;
}

// How often somebody's sign-ins are worth reading: by what depends on them.
absl::Duration SignInInterval(const Person& person) {
  if (!person.episode) return absl::Minutes(30);  // over; kept an eye on
  if (person.tier.value == monitor::kTier0) return absl::Minutes(2);
  switch (person.phase) {
    case monitor::State::kBreached:
    case monitor::State::kRegressed:
      return absl::Minutes(2);
    case monitor::State::kContained:  // a page is held back while nobody signs in
    case monitor::State::kLagging:
    case monitor::State::kUnsealed:
      return absl::Minutes(5);
    default:
      return absl::Minutes(10);
  }
}

// From when on sign-ins of this departure matter, the tenant's clock but for the slack.
absl::Time SignInsFrom(const Person& person, TenantLog log, absl::Time now) {
  absl::Time departed = now - absl::Hours(24);
  const monitor::AdHalf* ad = person.facts.DecidingAd();
  if (ad != nullptr && Departed(*ad)) {
    const TimeBounds since = DepartedSince(*ad);
    departed = since.lo == absl::InfinitePast() ? since.hi : since.lo;
  }
  const absl::Time begin = std::max(departed - kAhead, now - kFurthestBack);
  const TimeBounds& read = person.facts.entra->logs.ReadOf(log);
  return std::max(begin, read.hi - kOverlap);
}

// Devices left behind by somebody who is gone.
bool HasDeviceLeft(const Person& person) {
  return person.episode && LeadingKind(*person.episode) == monitor::DriftKind::kDeviceEnabled;
}

absl::Duration DeviceInterval(const Person& person, absl::Time now) {
  if (HasDeviceLeft(person)) return kDevicesLeft;
  return now - person.episode->opened < kDevicesLate ? kDevicesEarly : kDevicesLate;
}

}  // namespace

absl::Time Engine::ChangesFrom(TenantLog log) const {
  const std::lock_guard lock(mutex_);
  const absl::Time now = parts_.scheduler.clock().Wall();
  const LogState& state = StateOf(*state_, log);
  if (IsRefused(state, now)) return absl::InfiniteFuture();
  const bool first = state.read.hi == absl::InfinitePast();
  // Never from later than now, whatever was noted while our clock was ahead.
  const absl::Time from = std::min(now, first ? earliest_departure_ : state.read.hi);
  return std::max(from - kOverlap, now - kFurthestBack);
}

// People are looked at in turns, so that a call costs the same however many are open.
asio::awaitable<StatusOr<std::vector<Person>>> Engine::SomeOf(bool watched, PersonOrdinal* after) {
  auto list = [this, watched, after] {
    return watched ? parts_.store.WatchedPeople(link_, *after, options_.review_limit)
                   : parts_.store.OpenPeople(link_, *after, options_.review_limit);
  };
  auto ordinals = co_await OnLane(parts_.lane, std::move(list));
  if (!ordinals.ok()) co_return ordinals.status();
  *after = ordinals->size() < options_.review_limit ? 0 : ordinals->back();
  std::vector<Person> people;
  if (ordinals->empty()) co_return people;
  store::PeopleKeys keys;
  keys.ordinals = *ordinals;
  auto loaded = co_await Load(std::move(keys));
  if (!loaded.ok()) co_return loaded.status();
  for (const PersonOrdinal ordinal : *ordinals) {
    const auto found = loaded->by_ordinal.find(ordinal);
    const bool known = found != loaded->by_ordinal.end() && found->second.facts.entra;
    if (known) people.push_back(std::move(found->second));
  }
  co_return people;
}

std::vector<LogTarget> Engine::Neediest(std::vector<Candidate> candidates, Offers& offers,
                                        size_t limit) {
  const absl::Time now = Now();
  std::erase_if(offers, [now](const auto& offer) { return now - offer.second > kOfferedKept; });
  // What the tenant lets be asked is the same for one as for many.
  const double enough = std::min(1.0, static_cast<double>(candidates.size()) / kCrowd);
  std::vector<std::pair<double, LogTarget>> due;
  for (Candidate& candidate : candidates) {
    // One whose reading fails again and again must not keep the others waiting.
    const auto offered = offers.find(candidate.target.person);
    const absl::Time last =
        offered == offers.end() ? candidate.read : std::max(candidate.read, offered->second);
    const double need = absl::FDivDuration(now - last, candidate.interval);
    if (need >= enough) due.emplace_back(need, std::move(candidate.target));
  }
  std::stable_sort(due.begin(), due.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (due.size() > limit) due.resize(limit);
  std::vector<LogTarget> targets;
  for (auto& [need, target] : due) {
    offers[target.person] = now;
    targets.push_back(std::move(target));
  }
  return targets;
}

asio::awaitable<StatusOr<std::vector<LogTarget>>> Engine::SignInTargets(TenantLog log,
                                                                        size_t limit) {
  auto body = SignInTargetsOnStrand(log, limit);
  auto targets = co_await RunOn(strand_, std::move(body));
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<LogTarget>>> Engine::SignInTargetsOnStrand(TenantLog log,
                                                                                size_t limit) {
  std::vector<LogTarget> targets;
  if (IsRefused(StateOf(*state_, log), Now())) co_return targets;
  LogTurn& turn = log_turns_[log];
  std::vector<Candidate> candidates;
  for (int part = 0; part < 2; ++part) {
    const bool watched = part == 1;
    PersonOrdinal* const after = watched ? &turn.watched_after : &turn.open_after;
    auto people = co_await SomeOf(watched, after);
    if (!people.ok()) co_return people.status();
    const absl::Time now = Now();
    for (const Person& person : *people) {
      if (watched && person.episode) continue;  // is among the open ones
      // Who left is watched for late records, whatever else is open about them.
      const bool departure = !person.episode || person.episode->OfDeparture();
      if (!departure && !person.memory.watch_until) continue;
      LogTarget target;
      target.person = person.ordinal;
      target.entra_id = person.facts.entra->id;
      target.from = SignInsFrom(person, log, now);
      const absl::Time read = person.facts.entra->logs.ReadOf(log).hi;
      candidates.push_back({std::move(target), read, SignInInterval(person)});
    }
  }
  targets = Neediest(std::move(candidates), turn.offers, limit);
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<LogTarget>>> Engine::DeviceTargets(size_t limit) {
  auto body = DeviceTargetsOnStrand(limit);
  auto targets = co_await RunOn(strand_, std::move(body));
  co_return targets;
}

asio::awaitable<StatusOr<std::vector<LogTarget>>> Engine::DeviceTargetsOnStrand(size_t limit) {
  std::vector<LogTarget> targets;
  if (IsRefused(state_->devices, Now())) co_return targets;
  auto people = co_await SomeOf(false, &device_turn_.open_after);
  if (!people.ok()) co_return people.status();
  std::vector<Candidate> candidates;
  for (const Person& person : *people) {
    if (!person.episode) continue;
    if (!person.episode->OfDeparture() && !HasDeviceLeft(person)) continue;
    LogTarget target;
    target.person = person.ordinal;
    target.entra_id = person.facts.entra->id;
    const auto& devices = person.facts.entra->logs.devices;
    const absl::Time read = devices ? devices->at.hi : absl::InfinitePast();
    const absl::Duration interval = DeviceInterval(person, Now());
    if (Now() - read >= interval) candidates.push_back({std::move(target), read, interval});
  }
  targets = Neediest(std::move(candidates), device_turn_.offers, limit);
  co_return targets;
}

asio::awaitable<Status> Engine::DeliverLog(monitor::LogLook look) {
  auto body = LogBody(std::move(look));
  const Status done = co_await Command(Urgency::kBatch, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::LogBody(monitor::LogLook look) {
  store::PeopleKeys keys;
  for (const monitor::AuditRecord& record : look.audits) keys.entra_ids.push_back(record.entra_id);
  if (!look.entra_id.empty()) keys.entra_ids.push_back(look.entra_id);
  monitor::PeopleSet people;
  if (!keys.entra_ids.empty()) {
    auto loaded = co_await Load(std::move(keys));
    if (!loaded.ok()) co_return loaded.status();
    people = std::move(*loaded);
  }
  const absl::Time now = Now();
  monitor::Changes changes = monitor::ApplyLog(MakeContext(now), std::move(people), look);
  if (changes.people.empty() && changes.link == *state_) co_return OkStatus();
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

asio::awaitable<Status> Engine::DeliverDevices(monitor::DeviceLook look) {
  auto body = DevicesBody(std::move(look));
  const Status done = co_await Command(Urgency::kBatch, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::DevicesBody(monitor::DeviceLook look) {
  store::PeopleKeys keys;
  keys.entra_ids.push_back(look.entra_id);
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  const absl::Time now = Now();
  monitor::Changes changes = monitor::ApplyDevices(MakeContext(now), std::move(*people), look);
  if (changes.people.empty() && changes.link == *state_) co_return OkStatus();
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

// The first reading of a log goes back to the earliest departure that is still open.
asio::awaitable<Status> Engine::FindEarliestDeparture() {
  PersonOrdinal after = 0;
  do {
    auto people = co_await SomeOf(false, &after);
    if (!people.ok()) co_return people.status();
    for (const Person& person : *people) NoteDeparture(person);
  } while (after != 0);
  co_return OkStatus();
}

void Engine::NoteDeparture(const Person& person) {
  if (!person.episode || !person.episode->OfDeparture()) return;
  const TimeBounds& departed = person.episode->departed;
  const absl::Time at = departed.lo == absl::InfinitePast() ? departed.hi : departed.lo;
  const std::lock_guard lock(mutex_);
  earliest_departure_ = std::min(earliest_departure_, at);
}

}  // namespace driftwarden::daemon
