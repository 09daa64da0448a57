// Batches of changes and direct reads: merge what was seen, judge whom it touched, move the cursor
// with the round that is complete. Absence from a batch says nothing, in a full read as well.

#include <algorithm>
#include <utility>
#include <variant>

#include "base/strings.h"
#include "monitor/merge_all.h"
#include "monitor/set_back.h"
#include "monitor/unmanaged.h"

namespace driftwarden::monitor {
namespace {

// The batch begins a full read that is known to have begun. One that can be resumed begins with a
// cursor of its own.
bool BeganBefore(const SourceState& source, const ChangeBatch& batch) {
  if (!batch.cursor.empty() && !batch.completes_round) return batch.cursor == source.cursor;
  return source.snapshot_running || batch.round.lo == source.last_complete_begin;
}

void StartSnapshot(Transaction& tx, SourceState& source, const ChangeBatch& batch) {
  if (!batch.in_snapshot || !batch.starts_round) return;
  const bool again = BeganBefore(source, batch);
  // Not the same batch once more, but the read begun anew: perhaps by a process that counts its
  // batches from one again.
  if (!again || batch.number < source.snapshot_batch) {
    source.snapshot_batch = 0;
    source.snapshot_objects = 0;
  }
  if (again) return;
  source.snapshot_running = true;
  if (batch.snapshot_reason.empty() || batch.snapshot_reason == kFirstRead) return;
  ++tx.tally().source_resets[{batch.source, batch.snapshot_reason}];
  EvidenceEntry entry;
  entry.type = "source_reset";
  entry.source = batch.source.value;
  entry.fact = batch.round;
  entry.details["reason"] = batch.snapshot_reason;
  tx.Record(std::move(entry));
}

// A reset, or a silence longer than the source may be stale, or of nobody knows what length: what
// happened meanwhile was not seen as it happened.
void NoteGap(Transaction& tx, SourceState& source, const ChangeBatch& batch) {
  if (!batch.starts_round || !tx.link().baseline_at) return;
  if (batch.round.lo == source.last_complete_begin) return;
  const absl::Duration silence = batch.round.lo - source.last_success;
  const bool reset = batch.in_snapshot && source.snapshot_complete;
  const bool silent = silence > tx.policy().StaleAfter(batch.source) ||
                      IsDatedLater(source.last_success, batch.round.lo);
  if (reset || silent) source.gap_ended = batch.round.lo;
}

void CompleteRound(Transaction& tx, SourceState& source, const ChangeBatch& batch) {
  if (!batch.cursor.empty()) source.cursor = batch.cursor;
  if (!batch.completes_round) return;
  source.last_success = batch.round.hi;
  const bool replayed = batch.round.lo <= source.last_complete_begin;
  // A long full read ends after rounds that began later than it did.
  source.last_complete_begin =
      batch.in_snapshot ? std::max(source.last_complete_begin, batch.round.lo) : batch.round.lo;
  source.clock_offset = batch.clock_offset;
  source.snapshot_running = batch.beside_snapshot;
  if (!batch.in_snapshot) return;
  const bool again = source.snapshot_complete && !replayed;
  if (again && batch.kind == SourceKind::kEntra) tx.link().unreturned_since = batch.round.lo;
  source.snapshot_complete = true;
  tx.SetMustSync();
}

void TakeBaseline(Transaction& tx) {
  LinkState& link = tx.link();
  if (link.baseline_at || !BothSidesRead(link, tx.policy())) return;
  link.baseline_at = tx.now();
  EvidenceEntry entry;
  entry.type = "baseline_taken";
  entry.fact = TimeBounds::Exactly(tx.now());
  tx.Record(std::move(entry));
}

// Only the tenant's full read: in AD nobody counts as gone without a tombstone.
void NoteReturned(Transaction& tx, const ChangeBatch& batch) {
  if (!batch.in_snapshot || batch.kind != SourceKind::kEntra) return;
  for (const Observation& observation : batch.observations) {
    const Person* const person = tx.FindByEntraId(std::get<EntraView>(observation.view).id);
    if (person != nullptr) tx.Returned(person->ordinal);
  }
}

}  // namespace

TouchedKeys KeysOf(const std::vector<Observation>& observations) {
  TouchedKeys keys;
  for (const Observation& observation : observations) {
    if (const auto* ad = std::get_if<AdView>(&observation.view)) {
      keys.guids.push_back(ad->object_guid);
      keys.anchors.push_back(AnchorOf(ad->object_guid.Raw()));
      if (ad->consistency_guid && !ad->consistency_guid->empty()) {
        keys.anchors.push_back(AnchorOf(*ad->consistency_guid));
      }
    } else {
      const auto& entra = std::get<EntraView>(observation.view);
      keys.entra_ids.push_back(entra.id);
      if (entra.immutable_id) keys.anchors.push_back(*entra.immutable_id);
    }
  }
  return keys;
}

Changes ApplyBatch(const Context& context, PeopleSet people, const ChangeBatch& batch) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({batch.id, {}});
  SourceState& source = tx.link().sources[batch.source];
  source.kind = batch.kind;
  if (!batch.base_dn.empty()) source.base_dn = batch.base_dn;
  StartSnapshot(tx, source, batch);
  NoteGap(tx, source, batch);
  if (batch.in_snapshot && (batch.number > source.snapshot_batch || batch.resumes_snapshot)) {
    source.snapshot_objects += batch.observations.size();
    source.snapshot_batch = batch.number;
  }
  const bool in_baseline =
      !tx.link().baseline_at || (batch.in_snapshot && !source.snapshot_complete);
  CompleteRound(tx, source, batch);
  if (MergeObservations(tx, batch.observations, in_baseline)) source.last_change = tx.now();
  NoteReturned(tx, batch);
  if (batch.completes_round) TakeBaseline(tx);
  return tx.Finish();
}

Changes ApplyConfirmed(const Context& context, absl::Time since, uint64_t asked) {
  Transaction tx(context, {});
  if (tx.link().unreturned_since != since) return tx.Finish();
  tx.link().unreturned_since.reset();
  EvidenceEntry entry;
  entry.type = "unreturned_confirmed";
  entry.source = tx.policy().entra_source.value;
  entry.details["since"] = FormatRfc3339(since);
  entry.details["people"] = Cat(asked);
  tx.Record(std::move(entry));
  tx.SetMustSync();
  return tx.Finish();
}

Changes ApplyReads(const Context& context, PeopleSet people,
                   const std::vector<Observation>& observations, const BatchId& round) {
  Transaction tx(context, std::move(people));
  tx.CausedBy({round, {}});
  MergeObservations(tx, observations, !tx.link().baseline_at);
  return tx.Finish();
}

}  // namespace driftwarden::monitor
