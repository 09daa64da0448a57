#include "monitor/set_back.h"

#include <algorithm>

namespace driftwarden::monitor {
namespace {

// Sources' clocks may be so far ahead of ours; within it dates come right by themselves.
constexpr absl::Duration kAhead = absl::Minutes(5);
// Longer than an answer is on its way.
constexpr absl::Duration kWhileAgo = absl::Minutes(2);
// Nothing that waits, waits longer than this and the longest back-off.
constexpr absl::Duration kLongestWait = absl::Minutes(15);
// No guard looks further back.
constexpr absl::Duration kLongestWindow = absl::Hours(24);

bool IsFinite(absl::Time at) {
  return at != absl::InfiniteFuture();
}

}  // namespace

bool IsDatedLater(absl::Time at, absl::Time now) {
  return IsFinite(at) && at > now + kAhead;
}

namespace {

// A source's stamp dates it: our clock has no part in it.
bool IsStamped(const AdHalf& half, const TimeBounds& since) {
  const auto by = [&since](const std::optional<MetadataStamp>& stamp) {
    return stamp && since.hi <= stamp->originating_time;
  };
  return by(half.uac_stamp) || by(half.deleted_stamp);
}

bool IsStamped(const Facts& facts, const TimeBounds& since) {
  return std::any_of(facts.ad.begin(), facts.ad.end(),
                     [&since](const AdHalf& half) { return IsStamped(half, since); });
}

class DateFinder {
 public:
  explicit DateFinder(absl::Time now) : now_(now) {}
  void Upper(const absl::Time& at) { later_ |= IsDatedLater(at, now_); }
  void Look(const absl::Time& at) { Upper(at); }
  void Order(const TimeBounds&) {}
  bool later() const { return later_; }

 private:
  const absl::Time now_;
  bool later_ = false;
};

class DateMender {
 public:
  explicit DateMender(absl::Time now) : now_(now) {}
  void Upper(absl::Time& at) { To(now_, at); }
  void Look(absl::Time& at) { To(now_ - kWhileAgo, at); }
  // A begin that is later by less than clocks may differ stands, and its end may not.
  void Order(TimeBounds& bounds) { bounds.lo = std::min(bounds.lo, bounds.hi); }

 private:
  void To(absl::Time to, absl::Time& at) {
    if (IsDatedLater(at, now_)) at = to;
  }
  const absl::Time now_;
};

// Every date of our clock's in a person, for one that looks and one that mends.
template <typename P, typename Visitor>
void ForEachDate(P& person, Visitor& visit) {
  const auto looked = [&visit](auto& bounds) {
    visit.Look(bounds.lo);
    visit.Look(bounds.hi);
    visit.Order(bounds);
  };
  const auto between = [&visit](auto& bounds) {
    visit.Look(bounds.lo);
    visit.Upper(bounds.hi);
    visit.Order(bounds);
  };
  if (person.episode) {
    auto& episode = *person.episode;
    if (!IsStamped(person.facts, episode.departed)) between(episode.departed);
    for (auto& kind : episode.kinds) {
      visit.Upper(kind.since);
      visit.Upper(kind.opened);
    }
  }
  for (auto& half : person.facts.ad) {
    looked(half.last_look);
    visit.Look(half.enabled_seen);
    visit.Upper(half.disabled_seen);
    visit.Upper(half.deleted_seen);
    if (!IsStamped(half, half.disabled_since)) between(half.disabled_since);
    if (!IsStamped(half, half.deleted_since)) between(half.deleted_since);
    between(half.scope_since);
  }
  if (person.facts.entra) {
    auto& half = *person.facts.entra;
    looked(half.last_look);
    looked(half.last_direct_look);
    visit.Look(half.enabled_seen);
    visit.Upper(half.live_direct_first);
    visit.Upper(half.first_seen);
    between(half.disabled_since);
    between(half.enabled_since);
    between(half.deleted_since);
    between(half.restored_since);
    if (half.logs.devices) looked(half.logs.devices->at);
  }
  if (person.facts.last_revocation) {
    auto& revoked = *person.facts.last_revocation;
    visit.Upper(revoked.called.lo);
    visit.Upper(revoked.called.hi);
    visit.Order(revoked.called);
    visit.Upper(revoked.verified_at);
  }
  if (person.facts.sid_mismatch_since) visit.Upper(*person.facts.sid_mismatch_since);
  auto& memory = person.memory;
  if (memory.upn_differs_since) visit.Upper(*memory.upn_differs_since);
  for (auto& at : memory.toggles) visit.Upper(at);
  if (memory.last_converged) visit.Upper(*memory.last_converged);
  if (memory.returned_at) visit.Upper(*memory.returned_at);
  if (memory.reset_twice_at) visit.Upper(*memory.reset_twice_at);
  if (memory.compromised) visit.Upper(memory.compromised->at);
}

}  // namespace

bool IsDatedLater(const Person& person, absl::Time now) {
  DateFinder finder(now);
  ForEachDate(person, finder);
  return finder.later();
}

void SetBack(Person& person, absl::Time now) {
  DateMender mender(now);
  ForEachDate(person, mender);
}

namespace {

// Tried again as if it had been refused just now.
void SetBack(LogState& state, absl::Time now) {
  if (IsDatedLater(state.limit_seen, now)) state.limit_seen = now;
  state.limit_since = std::min(state.limit_since, state.limit_seen);
}

}  // namespace

bool IsDatedLater(const LinkState& link, absl::Time now) {
  const absl::Time latest = now + kAhead;
  for (const auto& [name, source] : link.sources) {
    if (source.last_success > latest || source.last_complete_begin > latest) return true;
    if (source.gap_ended > latest) return true;
  }
  for (const auto& [name, guard] : link.guards) {
    if (guard.since > latest) return true;
  }
  if (link.baseline_at && *link.baseline_at > latest) return true;
  for (const LinkCause& cause : link.causes.causes) {
    if (IsFinite(cause.opened) && cause.opened > latest) return true;
    if (cause.counted_at > latest) return true;
  }
  if (link.causes.carried > latest || link.devices.limit_seen > latest) return true;
  for (const auto& [log, state] : link.logs) {
    if (state.limit_seen > latest) return true;
  }
  return std::any_of(link.calls.begin(), link.calls.end(),
                     [latest](const CallStamp& call) { return call.at > latest; });
}

void SetBack(LinkState& link, absl::Time now) {
  const absl::Time latest = now + kAhead;
  for (auto& [name, source] : link.sources) {
    if (source.gap_ended > latest) source.gap_ended = now;
    if (source.last_success > latest) {
      source.last_success = now;
      // How long nobody looked before that is not known.
      if (link.baseline_at) source.gap_ended = now;
    }
    if (source.last_complete_begin > latest) source.last_complete_begin = now - kWhileAgo;
  }
  for (auto& [name, guard] : link.guards) {
    // Of one that was reset windows are counted from there: rather too much is counted than
    // nothing.
    if (guard.since > latest) guard.since = guard.tripped ? now : now - kLongestWindow;
  }
  if (link.baseline_at && *link.baseline_at > latest) link.baseline_at = now;
  for (LinkCause& cause : link.causes.causes) {
    cause.opened = std::min(cause.opened, latest);
    cause.since = std::min(cause.since, latest);
    cause.counted_at = std::min(cause.counted_at, latest);
    // It may be meant to linger: not by itself a sign of a clock that was ahead.
    if (cause.ends_at) cause.ends_at = std::min(*cause.ends_at, latest);
  }
  CauseBook& book = link.causes;
  if (book.carried > latest) book.carried = now;
  book.tenant_read = std::min(book.tenant_read, latest);
  for (auto* slices : {&book.departures, &book.scope_exits}) {
    for (RecentSlice& slice : *slices) slice.counted = std::min(slice.counted, latest);
  }
  for (auto& [log, state] : link.logs) SetBack(state, now);
  SetBack(link.devices, now);
  for (CallStamp& call : link.calls) {
    if (call.at > latest) call.at = now;
  }
}

bool IsDatedLater(const Action& action, absl::Time now) {
  const absl::Time latest = now + kAhead;
  if (action.requested_at > latest || (action.intent_at && *action.intent_at > latest)) return true;
  if (!IsLive(action.state)) return action.finished_at && *action.finished_at > latest;
  const bool waits =
      action.retry_at && IsFinite(*action.retry_at) && *action.retry_at > now + kLongestWait;
  const bool called = action.called && action.called->lo > latest;
  return waits || called || (action.cleared_at && *action.cleared_at > latest);
}

void SetBack(Action& action, absl::Time now) {
  const absl::Time latest = now + kAhead;
  // Not now: what this very command requests is the newer one.
  if (action.requested_at > latest) action.requested_at = now - kWhileAgo;
  if (action.intent_at && *action.intent_at > latest) action.intent_at = now;
  if (action.finished_at && *action.finished_at > latest) action.finished_at = now;
  if (action.cleared_at && *action.cleared_at > latest) action.cleared_at = now;
  if (action.called) {
    action.called->lo = std::min(action.called->lo, now);
    action.called->hi = std::min(action.called->hi, now);
  }
  const bool waits = action.retry_at && IsFinite(*action.retry_at);
  if (waits && *action.retry_at > latest) action.retry_at = now;
}

}  // namespace driftwarden::monitor
