// Merging looks at an AD account. The directory's own stamps decide which of two looks is the newer
// one, so that a replica that lags behind cannot undo what is known.

#include <algorithm>

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

void MergeNames(AdHalf& half, const AdView& view, bool& changed) {
  Take(half.sid, view.sid, changed);
  Take(half.sam_account_name, view.sam_account_name, changed);
  Take(half.account_expires, view.account_expires, changed);
  Take(half.admin_count, view.admin_count, changed);
  // A tombstone lost its names and lies elsewhere; what they were tells the tier and the anchor.
  if (view.deleted.value_or(false)) return;
  Take(half.upn, view.upn, changed);
  Take(half.dn, view.dn, changed);
  Take(half.display_name, view.display_name, changed);
  Take(half.consistency_guid, view.consistency_guid, changed);
}

// One modify of the attribute raises its version by 1 on Windows and by 2 on Samba.
bool MovedByOneWrite(uint32_t before, uint32_t after) {
  return after > before && after - before <= 2;
}

// When the account became disabled, as far as this look tells.
TimeBounds DisabledSince(const AdHalf& half, const AdView& view, const Look& look) {
  const absl::Time last_clear = half.disabled == Tri::kNo ? half.enabled_seen : kNever;
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
                   MergeResult& result) {
  const auto disabled = view.Disabled();
  if (!disabled) return;
  half.user_account_control = *view.user_account_control;
  if (*disabled && half.disabled != Tri::kYes) {
    half.disabled_since = DisabledSince(half, view, look);
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

void MergeDeleted(AdHalf& half, const AdView& view, const Look& look, MergeResult& result) {
  const bool gone = view.deleted.value_or(false);
  if (gone && !half.deleted) {
    half.deleted = true;
    half.deleted_since = view.deleted_stamp
                             ? TimeBounds::Exactly(view.deleted_stamp->originating_time)
                             : TimeBounds{half.last_look.lo, look.at.hi};
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

MergeResult MergeAd(AdHalf& half, const AdView& view, const Look& look,
                    absl::Duration poll_interval) {
  MergeResult result;
  const bool first_sight = half.object_guid.IsZero();
  if (first_sight) {
    half.object_guid = view.object_guid;
    half.source = look.source;
    result.changed = true;
  } else if (IsStale(half, view, look)) {
    // It was asked and knows nothing newer: that is as good as a look which agrees, or whoever left
    // would wait for a controller that lags.
    const bool asked = look.kind == LookKind::kDirect && LagsBehind(half, view);
    if (asked && look.at.lo >= half.last_look.lo) half.last_look = look.at;
    result.replay = true;
    return result;
  }
  const bool moved = view.usn_changed != half.usn_changed;
  MergeNames(half, view, result.changed);
  MergeDeleted(half, view, look, result);
  MergeDisabled(half, view, look, poll_interval, result);
  if (!Departed(half)) half.baseline_departed = false;
  const bool shows_state = view.user_account_control.has_value() || view.deleted.value_or(false);
  if (shows_state && look.at.lo >= half.last_look.lo) half.last_look = look.at;
  if (view.usn_changed != 0) half.usn_changed = view.usn_changed;
  result.unwatched = !result.changed && moved && view.usn_changed != 0;
  result.replay = !result.changed && !result.unwatched;
  return result;
}

}  // namespace driftwarden::monitor
