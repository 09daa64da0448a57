#pragma once

// Who is who: finds or creates the person an observation is about, and joins the halves again when
// an anchor changes. An anchor change moves halves between people; nobody is re-keyed.

#include "monitor/transaction.h"

namespace driftwarden::monitor {

// The half an AD observation is about, in a touched person. Null: nobody is known by it and it is
// not to be kept (the tombstone of an account that was never seen).
AdHalf* ResolveAd(Transaction& tx, const AdView& view, PersonOrdinal& person);
// The same for Entra; null for the deletion of an account that was never seen.
EntraHalf* ResolveEntra(Transaction& tx, const EntraView& view, PersonOrdinal& person);

// Called after a merge: moves halves to where their anchors now belong. Everybody concerned is
// touched; the half's person may be another one afterwards, or gone.
void RejoinAd(Transaction& tx, PersonOrdinal person, const Guid& guid);
void RejoinEntra(Transaction& tx, PersonOrdinal person);

// Ends a conflict of anchors that is over.
void ClearConflict(Transaction& tx, PersonOrdinal person);

}  // namespace driftwarden::monitor
