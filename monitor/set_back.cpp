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

bool IsFinite(absl::Time at) {
  return at != absl::InfiniteFuture();
}

// Every date of our clock's in a person, for one that looks and one that mends.
template <typename P, typename Upper, typename Look>
void ForEachDate(P& person, Upper upper, Look look) {
  for (auto& half : person.facts.ad) {
    look(half.last_look.lo);
    look(half.last_look.hi);
    look(half.enabled_seen);
    upper(half.disabled_seen);
    upper(half.deleted_seen);
    look(half.scope_since.lo);
    upper(half.scope_since.hi);
  }
  if (person.facts.entra) {
    auto& half = *person.facts.entra;
    look(half.last_look.lo);
    look(half.last_look.hi);
    look(half.last_direct_look.lo);
    look(half.last_direct_look.hi);
    look(half.enabled_seen);
    upper(half.live_direct_first);
    upper(half.first_seen);
    for (auto* bounds :
         {&half.disabled_since, &half.enabled_since, &half.deleted_since, &half.restored_since}) {
      look(bounds->lo);
      upper(bounds->hi);
    }
  }
  if (person.facts.last_revocation) {
    auto& revoked = *person.facts.last_revocation;
    upper(revoked.called.lo);
    upper(revoked.called.hi);
    upper(revoked.verified_at);
  }
  if (person.facts.sid_mismatch_since) upper(*person.facts.sid_mismatch_since);
  if (person.memory.upn_differs_since) upper(*person.memory.upn_differs_since);
  if (person.episode) {
    for (auto& kind : person.episode->kinds) upper(kind.since);
  }
  for (auto& at : person.memory.toggles) upper(at);
  if (person.memory.last_converged) upper(*person.memory.last_converged);
  if (person.memory.returned_at) upper(*person.memory.returned_at);
}

}  // namespace

bool IsDatedLater(const Person& person, absl::Time now) {
  bool later = false;
  const auto see = [&](const absl::Time& at) { later |= IsFinite(at) && at > now + kAhead; };
  ForEachDate(person, see, see);
  return later;
}

void SetBack(Person& person, absl::Time now) {
  const auto to = [now](absl::Time at) {
    return [now, at](absl::Time& date) {
      if (IsFinite(date) && date > now + kAhead) date = at;
    };
  };
  ForEachDate(person, to(now), to(now - kWhileAgo));
}

bool IsDatedLater(const LinkState& link, absl::Time now) {
  const absl::Time latest = now + kAhead;
  for (const auto& [name, source] : link.sources) {
    if (source.last_success > latest || source.last_complete_begin > latest) return true;
    if (source.gap_ended > latest) return true;
  }
  if (link.baseline_at && *link.baseline_at > latest) return true;
  for (const LinkCause& cause : link.causes.causes) {
    if (IsFinite(cause.opened) && cause.opened > latest) return true;
    if (cause.counted_at > latest) return true;
  }
  return std::any_of(link.calls.begin(), link.calls.end(),
                     [latest](const CallStamp& call) { return call.at > latest; });
}

void SetBack(LinkState& link, absl::Time now) {
  const absl::Time latest = now + kAhead;
  for (auto& [name, source] : link.sources) {
    if (source.last_success > latest) source.last_success = now;
    if (source.last_complete_begin > latest) source.last_complete_begin = now - kWhileAgo;
    if (source.gap_ended > latest) source.gap_ended = now;
  }
  if (link.baseline_at && *link.baseline_at > latest) link.baseline_at = now;
  for (LinkCause& cause : link.causes.causes) {
    cause.opened = std::min(cause.opened, latest);
    cause.since = std::min(cause.since, latest);
    cause.counted_at = std::min(cause.counted_at, latest);
  }
  for (CallStamp& call : link.calls) {
    if (call.at > latest) call.at = now;
  }
}

bool IsDatedLater(const Action& action, absl::Time now) {
  if (!IsLive(action.state)) return action.finished_at && *action.finished_at > now + kAhead;
  const absl::Time latest = now + kAhead;
  const bool waits =
      action.retry_at && IsFinite(*action.retry_at) && *action.retry_at > now + kLongestWait;
  const bool called = action.called && action.called->lo > latest;
  return waits || called || (action.cleared_at && *action.cleared_at > latest);
}

void SetBack(Action& action, absl::Time now) {
  const absl::Time latest = now + kAhead;
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
