// Merging looks at an Entra account. There are no stamps here: a direct read outranks the change
// feed, and what contradicts one changes no fact until the next direct read decides.

#include <algorithm>

#include "monitor/facts.h"

namespace driftwarden::monitor {
namespace {

constexpr absl::Time kNever = absl::InfinitePast();

bool ShowsState(const EntraView& view) {
  return view.account_enabled.has_value() || view.deletion.has_value();
}

// Whether the view's account state differs from what is known.
bool Contradicts(const EntraHalf& half, const EntraView& view) {
  if (view.deletion && *view.deletion != half.deletion) return true;
  // A record with properties of an account that is deleted: perhaps restored, the page does not
  // say.
  if (!view.deletion && view.account_enabled && half.deletion != EntraDeletion::kLive) return true;
  return view.account_enabled && half.enabled != Tri::kUnknown &&
         ToTri(*view.account_enabled) != half.enabled;
}

// A page of the change feed may state what nobody read directly yet; anything else it would change
// is left to a direct read.
bool FeedMayDecide(const EntraHalf& half, const EntraView& view, const Look& look) {
  if (!Contradicts(half, view)) return true;
  if (half.last_direct_look.hi != kNever) return false;
  if (!view.deletion && half.deletion != EntraDeletion::kLive) return false;
  // Two records of one answer that differ: neither is better than the other.
  return !(look.at == half.last_look);
}

// A page that was answered before the direct read began, or that a later page overtook. One that
// was on its way during a direct read may know more than it: that is a contradiction, not a replay.
bool IsOldPage(const EntraHalf& half, const Look& look) {
  if (look.at.hi <= half.last_direct_look.lo) return true;
  return look.at.lo < half.last_look.lo && !(half.last_look == half.last_direct_look);
}

// A record came because something changed, but what matters most is not in it (seen in the wild):
// absent is unknown, and the feed will not say it again.
bool HidesState(const EntraHalf& half, const EntraView& view) {
  return !view.account_enabled && half.deletion == EntraDeletion::kLive &&
         half.enabled != Tri::kUnknown;
}

template <typename T>
void Take(T& known, const std::optional<T>& seen, bool& changed) {
  if (!seen || *seen == known) return;
  known = *seen;
  changed = true;
}

void TakeTri(Tri& known, const std::optional<bool>& seen, bool& changed) {
  if (!seen || ToTri(*seen) == known) return;
  known = ToTri(*seen);
  changed = true;
}

void MergeNames(EntraHalf& half, const EntraView& view, const Look& look, bool& changed) {
  Take(half.upn, view.upn, changed);
  Take(half.display_name, view.display_name, changed);
  Take(half.sam_account_name, view.sam_account_name, changed);
  Take(half.immutable_id, view.immutable_id, changed);
  Take(half.on_premises_sid, view.on_premises_sid, changed);
  Take(half.on_premises_domain, view.on_premises_domain, changed);
  TakeTri(half.guest, view.guest, changed);
  // Once synced, it was synced for ever.
  if (half.ever_synced != Tri::kYes) TakeTri(half.ever_synced, view.ever_synced, changed);
  if (!view.sync_enabled || ToTri(*view.sync_enabled) == half.sync_enabled) return;
  half.sync_enabled = ToTri(*view.sync_enabled);
  half.sync_since = look.at.hi;
  changed = true;
}

void MergeDeletion(EntraHalf& half, const EntraView& view, const Look& look, MergeResult& result) {
  if (!view.deletion || *view.deletion == half.deletion) return;
  const bool was_live = half.deletion == EntraDeletion::kLive;
  const bool is_live = *view.deletion == EntraDeletion::kLive;
  if (was_live) {
    half.deleted_since = {half.last_look.lo, look.at.hi};
    half.logs.deleted_looks = {};
    half.live_direct_first = kNever;
    result.events.push_back("entra_deleted");
  } else if (is_live) {
    half.restored_since = {half.last_look.lo, look.at.hi};
    half.deleted_since = {};
    half.logs.deleted_looks = {};
    half.baseline_seen = false;
    result.events.push_back("entra_restored");
  }
  half.deletion = *view.deletion;
  result.changed = true;
}

void MergeEnabled(EntraHalf& half, const EntraView& view, const Look& look, MergeResult& result) {
  if (!view.account_enabled) return;
  if (*view.account_enabled) {
    if (half.enabled == Tri::kNo) {
      half.enabled_since = {half.last_look.lo, look.at.hi};
      half.logs.enabled_looks = {};
      half.baseline_seen = false;
      result.events.push_back("entra_enabled");
    }
    if (half.enabled != Tri::kYes) result.changed = true;
    half.enabled = Tri::kYes;
    half.disabled_since = {};
    half.logs.disabled_looks = {};
    half.enabled_seen = std::max(half.enabled_seen, look.at.lo);
    return;
  }
  if (half.enabled != Tri::kNo) {
    half.disabled_since = {half.enabled == Tri::kYes ? half.enabled_seen : kNever, look.at.hi};
    half.logs.disabled_looks = {};
    half.live_direct_first = kNever;
    result.changed = true;
    result.events.push_back("entra_disabled");
  }
  half.enabled = Tri::kNo;
}

// The value only ever moves forward; an older one comes from a replica that lags behind. A page of
// the feed never says "never": its null may mean "not delivered".
void MergeSessions(EntraHalf& half, const EntraView& view, const Look& look, MergeResult& result) {
  if (!view.sessions_valid_from) return;
  const SessionsValidFrom& seen = *view.sessions_valid_from;
  if (seen.never) {
    if (look.kind != LookKind::kDirect || half.sessions_valid_from) return;
  } else if (half.sessions_valid_from && !half.sessions_valid_from->never &&
             seen.at <= half.sessions_valid_from->at) {
    return;
  }
  // Not a revocation yet: that takes an attribution.
  if (half.sessions_valid_from) result.events.push_back("sessions_valid_from_moved");
  half.sessions_valid_from = seen;
  result.changed = true;
}

void NoteLook(EntraHalf& half, const EntraView& view, const Look& look) {
  if (!ShowsState(view)) return;
  if (look.at.lo >= half.last_look.lo) half.last_look = look.at;
  if (look.kind != LookKind::kDirect) return;
  half.last_direct_look = look.at;
  half.needs_direct_read = false;
  const bool live = half.deletion == EntraDeletion::kLive && half.enabled == Tri::kYes;
  if (live && half.live_direct_first == kNever) half.live_direct_first = look.at.hi;
}

}  // namespace

MergeResult MergeEntra(EntraHalf& half, const EntraView& view, const Look& look) {
  MergeResult result;
  if (half.id.empty()) {
    half.id = view.id;
    half.source = look.source;
    half.first_seen = look.at.hi;
    result.changed = true;
  }
  half.first_seen = std::min(half.first_seen, look.at.hi);
  const bool direct = look.kind == LookKind::kDirect;
  if (direct ? look.at.lo < half.last_direct_look.lo : IsOldPage(half, look)) {
    result.replay = true;
    return result;
  }
  if (!direct && !FeedMayDecide(half, view, look)) {
    result.changed = !half.needs_direct_read;
    result.replay = !result.changed;
    half.needs_direct_read = true;
    return result;
  }
  MergeNames(half, view, look, result.changed);
  MergeDeletion(half, view, look, result);
  MergeEnabled(half, view, look, result);
  MergeSessions(half, view, look, result);
  NoteLook(half, view, look);
  if (!direct && HidesState(half, view) && !half.needs_direct_read) {
    half.needs_direct_read = true;
    result.changed = true;
  }
  result.replay = !result.changed;
  return result;
}

}  // namespace driftwarden::monitor
