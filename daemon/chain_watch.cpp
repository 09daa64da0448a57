#include "daemon/chain_watch.h"

#include "base/strings.h"
#include "monitor/evidence.h"

namespace driftwarden::daemon {

StatusOr<size_t> VerifyPage(store::StateStore& store, const monitor::LinkName& link, size_t limit,
                            ChainPlace& place, const VisitEvidence& visit) {
  DW_ASSIGN_OR_RETURN(const auto entries, store.Evidence(link, place.seq + 1, limit));
  for (const monitor::EvidenceEntry& entry : entries) {
    DW_RETURN_IF_ERROR(monitor::VerifyEvidence(entry, place.seq, place.hash));
    place = {entry.seq, entry.hash};
    if (visit) visit(entry);
  }
  return entries.size();
}

Status VerifyEnd(const ChainPlace& place, const monitor::LinkState& record) {
  if (place.seq < record.evidence_seq) {
    return DataLossError(Cat(record.name.value, ": the chain ends at ", place.seq,
                             " but the link's record says ", record.evidence_seq,
                             ": entries were removed"));
  }
  if (place.seq == record.evidence_seq && place.hash != record.evidence_hash) {
    return DataLossError(
        Cat(record.name.value, ": the head's hash differs from the link's record"));
  }
  return OkStatus();
}

StatusOr<ChainReport> ChainWatch::Turn() {
  const bool before = report_.whole;
  report_.behind = false;
  const Status seen = Look();
  if (seen.code() == StatusCode::kDataLoss) {
    if (before) report_.fault = seen;  // what was found first is what is told
    report_.whole = false;
    pass_ = {};
  } else if (!seen.ok()) {
    return seen;
  }
  report_.changed = report_.whole != before;
  return report_;
}

Status ChainWatch::Look() {
  DW_ASSIGN_OR_RETURN(const auto record, store_.LoadLink(link_));
  if (!record.has_value()) {
    if (!newest_) return OkStatus();  // nothing was committed yet
    return At(*newest_, DataLossError(Cat(link_.value, ": the link's record is missing")));
  }
  // What stands before our time is the full pass's.
  if (!newest_) newest_ = ChainPlace{record->evidence_seq, record->evidence_hash};
  if (report_.whole) DW_RETURN_IF_ERROR(FollowNew(*record));
  return GoOnWithPass(*record);
}

Status ChainWatch::FollowNew(const monitor::LinkState& record) {
  ChainPlace& place = *newest_;
  if (record.evidence_seq < place.seq) {
    return At(place, DataLossError(Cat(link_.value, ": entry ", place.seq,
                                       " was there, but the link's record says ",
                                       record.evidence_seq, ": entries were removed")));
  }
  if (record.evidence_seq == place.seq) return At(place, VerifyEnd(place, record));
  const auto count = VerifyPage(store_, link_, options_.new_entries, place, nullptr);
  if (!count.ok()) return At(place, count.status());
  report_.behind = *count == options_.new_entries && place.seq < record.evidence_seq;
  if (report_.behind) return OkStatus();
  return At(place, VerifyEnd(place, record));
}

Status ChainWatch::GoOnWithPass(const monitor::LinkState& record) {
  const auto count = VerifyPage(store_, link_, options_.pass_entries, pass_, nullptr);
  if (!count.ok()) return At(pass_, count.status());
  if (*count == options_.pass_entries) return OkStatus();
  DW_RETURN_IF_ERROR(At(pass_, VerifyEnd(pass_, record)));
  if (!report_.whole) {
    newest_ = pass_;
    report_ = ChainReport();
  }
  pass_ = {};
  return OkStatus();
}

// Remembers where a break is: at the entry behind the last whole one.
Status ChainWatch::At(const ChainPlace& place, Status status) {
  const bool found = status.code() == StatusCode::kDataLoss;
  if (found && report_.whole) report_.entry = place.seq + 1;
  return status;
}

}  // namespace driftwarden::daemon
