// Merging looks at an AD account. The directory's own stamps decide which of two looks is the newer
// one, so that a replica that lags behind cannot undo what is known.

#include <algorithm>
#include <utility>

#include "monitor/facts.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Time kNever = absl::InfinitePast();

// Without stamps nothing tells a return from a replica that has not heard of the departure: only
// the copy of the directory that showed the departure can take it back.
bool IsReturnElsewhere(const AdHalf& half, const AdView& view, const Look& look) {
  if (half.last_look.lo >= look.one_copy_since || view.deleted.value_or(false)) return false;
  if (half.deleted && !half.deleted_stamp) return true;
  const bool stamped = half.uac_stamp && view.uac_stamp;
  return !stamped && half.disabled == Tri::kYes && !view.Disabled().value_or(true);
}

// All but the last sub-authority: the domain whose member the account is (MS-DTYP 2.4.2).
std::string_view DomainOf(const Sid& sid) {
  constexpr size_t kRidBytes = 4;
  const std::string_view bytes = sid.bytes;
  return bytes.substr(0, bytes.size() - std::min(bytes.size(), kRidBytes));
}

// The same account as another domain shows it. A move between domains of a forest keeps the
// objectGUID and gives another SID; nothing deletes the account where it was, it is only not there
// any more (MS-ADTS 3.1.1.5.4.2).
bool IsOfAnotherDomain(const AdHalf& half, const AdView& view, const Look& look) {
  if (half.source == look.source || half.sid.bytes.empty() || !view.sid) return false;
  return DomainOf(half.sid) != DomainOf(*view.sid);
}

// Versions are counted anew where the account went, and only the time of a write says which domain
// shows the later state: by clocks that Kerberos keeps within minutes of each other, while a move
// writes nothing in the domain that is left. Without stamps the later look does. A tombstone is of
// the domain that had the account when it was deleted.
bool IsOfFormerDomain(const AdHalf& half, const AdView& view, const Look& look) {
  const auto& seen = view.deleted.value_or(false) ? view.deleted_stamp : view.uac_stamp;
  const auto& known = half.deleted ? half.deleted_stamp : half.uac_stamp;
  if (seen && known && seen->originating_time != known->originating_time) {
    return seen->originating_time < known->originating_time;
  }
  return view.deleted.value_or(false) || look.at.lo < half.last_look.lo;
}

// Nothing that the former domain's controllers stamped or counted holds in the new one.
void MoveToDomain(AdHalf& half, const Look& look, MergeResult& result) {
  half.source = look.source;
  half.uac_stamp.reset();
  half.deleted_stamp.reset();
  half.expires_stamp.reset();
  half.password_stamp.reset();
  half.usn_changed = 0;
  result.changed = true;
  result.events.push_back("ad_moved_domain");
}

// The stamps say that the directory as it was looked at has not heard of what is known.
bool LagsBehind(const AdHalf& half, const AdView& view) {
  return half.uac_stamp && view.uac_stamp && CompareStamps(*view.uac_stamp, *half.uac_stamp) < 0;
}

// The account as this look showed it is older than what is known.
bool IsStale(const AdHalf& half, const AdView& view, const Look& look) {
  const bool gone = view.deleted.value_or(false);
  if (half.deleted && !gone && half.deleted_stamp) {
    // Alive again only by a newer write of isDeleted: else a replica has not heard of the deletion.
    if (!view.deleted_stamp || CompareStamps(*view.deleted_stamp, *half.deleted_stamp) <= 0) {
      return true;
    }
    return false;
  }
  if (!half.deleted && gone && half.deleted_stamp && view.deleted_stamp &&
      CompareStamps(*view.deleted_stamp, *half.deleted_stamp) <= 0) {
    return true;  // the tombstone of an account that was restored since
  }
  if (gone && !half.deleted) return false;
  if (half.uac_stamp && view.uac_stamp) {
    const int order = CompareStamps(*view.uac_stamp, *half.uac_stamp);
    if (order != 0) return order < 0;
  }
  if (IsReturnElsewhere(half, view, look)) return true;
  // The same write, or no stamps to go by. A page may have been on its way for long: what it says
  // of a later change still counts.
  return look.at.lo < half.last_look.lo && view.usn_changed <= half.usn_changed;
}

template <typename T>
void Take(T& known, const std::optional<T>& seen, bool& changed) {
  if (!seen || *seen == known) return;
  known = *seen;
  changed = true;
}

// Not when its stamp says that this is an older write: a replica may lag behind in one attribute.
template <typename T>
void TakeStamped(T& known, std::optional<MetadataStamp>& known_stamp, const std::optional<T>& seen,
                 const std::optional<MetadataStamp>& seen_stamp, bool& changed) {
  if (!seen) return;
  if (known_stamp && seen_stamp && CompareStamps(*seen_stamp, *known_stamp) < 0) return;
  Take(known, seen, changed);
  if (seen_stamp) known_stamp = seen_stamp;
}

// Who leaves is taken out of groups as well: what the account was in tells the tier of its
// departure.
void MergeGroups(AdHalf& half, const AdView& view, bool& changed) {
  if (!view.groups) return;
  std::vector<std::string> groups = *view.groups;
  const bool leaves = view.deleted.value_or(false) || view.Disabled().value_or(false);
  const bool back = view.Disabled().has_value() && !leaves;
  if (leaves || (Departed(half) && !back)) {
    groups.insert(groups.end(), half.groups.begin(), half.groups.end());
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  if (groups == half.groups) return;
  half.groups = std::move(groups);
  changed = true;
}

void MergeNames(AdHalf& half, const AdView& view, bool& changed) {
  Take(half.sid, view.sid, changed);
  Take(half.sid_history, view.sid_history, changed);
  Take(half.sam_account_name, view.sam_account_name, changed);
  Take(half.admin_count, view.admin_count, changed);
  MergeGroups(half, view, changed);
  TakeStamped(half.account_expires, half.expires_stamp, view.account_expires, view.expires_stamp,
              changed);
  TakeStamped(half.password_set, half.password_stamp, view.password_set, view.password_stamp,
              changed);
  // A tombstone lost its names and lies elsewhere; what they were tells the tier and the anchor.
  if (view.deleted.value_or(false)) return;
  Take(half.upn, view.upn, changed);
  Take(half.dn, view.dn, changed);
  Take(half.display_name, view.display_name, changed);
  Take(half.mail, view.mail, changed);
  Take(half.consistency_guid, view.consistency_guid, changed);
  Take(half.recipient_type, view.recipient_type, changed);
  Take(half.attributes, view.attributes, changed);
  bool ignored = false;
  Take(half.locked_at, view.locked_at, ignored);
  Take(half.when_changed, view.when_changed, ignored);
}

// A move out of scope is neither a deletion nor a return: who was known in scope stays known.
void MergeScope(AdHalf& half, const AdView& view, const Look& look, absl::Time clear,
                MergeResult& result) {
  // Where a deleted account lay says nothing of where it was when we knew it.
  if (!view.in_scope || view.deleted.value_or(false)) return;
  if (!*view.in_scope && half.scope == ScopeState::kIn) {
    half.scope = ScopeState::kLeft;
    half.scope_since = {clear, look.at.hi};
    result.events.push_back("ad_left_scope");
    result.changed = true;
  } else if (*view.in_scope && half.scope != ScopeState::kIn) {
    half.scope = ScopeState::kIn;
    half.scope_since = {};
    result.events.push_back("ad_entered_scope");
    result.changed = true;
  }
}

// One modify of the attribute raises its version by 1 on Windows and by 2 on Samba.
bool MovedByOneWrite(uint32_t before, uint32_t after) {
  return after > before && after - before <= 2;
}

// When the account became disabled, as far as this look tells.
TimeBounds DisabledSince(const AdHalf& half, const AdView& view, const Look& look,
                         absl::Time unchanged_at) {
  const absl::Time last_clear =
      half.disabled == Tri::kNo ? std::max(half.enabled_seen, unchanged_at) : kNever;
  if (!view.uac_stamp) return {last_clear, look.at.hi};
  const absl::Time written = view.uac_stamp->originating_time;
  const bool created_so = half.disabled == Tri::kUnknown && view.uac_stamp->version == 1;
  const bool one_write = half.disabled == Tri::kNo && half.uac_stamp &&
                         MovedByOneWrite(half.uac_stamp->version, view.uac_stamp->version);
  if (created_so || one_write) return TimeBounds::Exactly(written);
  // The source's own time beats our clock: a bound of ours that lies behind it gives way.
  return {std::min(last_clear, written), written};
}

void MergeDisabled(AdHalf& half, const AdView& view, const Look& look, absl::Duration poll_interval,
                   absl::Time unchanged_at, MergeResult& result) {
  const auto disabled = view.Disabled();
  if (!disabled) return;
  half.user_account_control = *view.user_account_control;
  if (*disabled && half.disabled != Tri::kYes) {
    half.disabled_since = DisabledSince(half, view, look, unchanged_at);
    half.time_uncertain = half.disabled_since.Width() > 2 * poll_interval;
    half.disabled_seen = look.at.hi;
    half.disabled = Tri::kYes;
    result.changed = true;
    result.events.push_back("ad_disabled");
  } else if (!*disabled) {
    if (half.disabled == Tri::kYes) result.events.push_back("ad_enabled");
    if (half.disabled != Tri::kNo) result.changed = true;
    half.disabled = Tri::kNo;
    half.disabled_since = {};
    half.disabled_seen = kNever;
    half.time_uncertain = false;
    half.enabled_seen = std::max(half.enabled_seen, look.at.lo);
  }
  // Still disabled and another bit was edited: the stamp moves, the known time does not.
  if (view.uac_stamp) half.uac_stamp = view.uac_stamp;
}

void MergeDeleted(AdHalf& half, const AdView& view, const Look& look, absl::Time unchanged_at,
                  MergeResult& result) {
  const bool gone = view.deleted.value_or(false);
  if (gone && !half.deleted) {
    half.deleted = true;
    half.deleted_since = view.deleted_stamp
                             ? TimeBounds::Exactly(view.deleted_stamp->originating_time)
                             : TimeBounds{std::max(half.last_look.lo, unchanged_at), look.at.hi};
    half.deleted_seen = look.at.hi;
    result.changed = true;
    result.events.push_back("ad_deleted");
  } else if (!gone && half.deleted && view.deleted.has_value()) {
    half.deleted = false;
    half.deleted_since = {};
    half.deleted_seen = kNever;
    result.changed = true;
    result.events.push_back("ad_restored");
  }
  if (view.deleted_stamp) half.deleted_stamp = view.deleted_stamp;
}

}  // namespace

void AdoptSource(AdHalf& half, const AdView& view, const Look& look) {
  const bool same_domain =
      half.sid.bytes.empty() || !view.sid || DomainOf(half.sid) == DomainOf(*view.sid);
  if (!same_domain) return;
  half.source = look.source;
  half.usn_changed = 0;
}

MergeResult MergeAd(AdHalf& half, const AdView& view, const Look& look,
                    absl::Duration poll_interval, absl::Time complete_until) {
  MergeResult result;
  const bool first_sight = half.object_guid.IsZero();
  const bool known_here = !first_sight && half.source == look.source;
  if (first_sight) {
    half.object_guid = view.object_guid;
    half.source = look.source;
    half.scope = view.in_scope.value_or(true) ? ScopeState::kIn : ScopeState::kNever;
    result.changed = true;
  } else if (IsOfAnotherDomain(half, view, look)) {
    if (IsOfFormerDomain(half, view, look)) {
      result.replay = true;
      return result;
    }
    MoveToDomain(half, look, result);
  } else if (IsStale(half, view, look)) {
    // It was asked and knows nothing newer: that is as good as a look which agrees, or whoever left
    // would wait for a controller that lags.
    const bool asked = look.kind == LookKind::kDirect && LagsBehind(half, view);
    if (asked && look.at.lo >= half.last_look.lo) half.last_look = look.at;
    result.replay = true;
    return result;
  }
  // A look from before that read says nothing of what the read did not bring.
  const bool follows = known_here && complete_until <= look.at.lo;
  const absl::Time unchanged_at = follows ? complete_until : kNever;
  const bool moved = view.usn_changed != half.usn_changed;
  MergeNames(half, view, result.changed);
  MergeDeleted(half, view, look, unchanged_at, result);
  MergeDisabled(half, view, look, poll_interval, unchanged_at, result);
  // By its new state: who comes into scope disabled was so before anybody asked.
  const bool entered = half.scope == ScopeState::kNever && view.in_scope.value_or(false) &&
                       !view.deleted.value_or(false);
  if (entered) half.baseline_departed = Departed(half);
  if (half.scope == ScopeState::kNever) result.events.clear();
  MergeScope(half, view, look, std::max(half.last_look.lo, unchanged_at), result);
  if (!Departed(half)) half.baseline_departed = false;
  const bool shows_state = view.user_account_control.has_value() || view.deleted.value_or(false);
  if (shows_state && look.at.lo >= half.last_look.lo) half.last_look = look.at;
  if (view.usn_changed != 0) half.usn_changed = view.usn_changed;
  result.unwatched = !result.changed && moved && view.usn_changed != 0;
  result.replay = !result.changed && !result.unwatched;
  return result;
}

bool OnlyLookedAt(const AdHalf& before, const AdHalf& after) {
  AdHalf expected = before;
  expected.last_look = after.last_look;
  expected.usn_changed = after.usn_changed;
  expected.enabled_seen = after.enabled_seen;
  expected.locked_at = after.locked_at;
  expected.when_changed = after.when_changed;
  return expected == after;
}

}  // namespace driftwarden::monitor
