#include "bench/stored_link.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "store/indexes.h"
#include "store/keys.h"
#include "store/records.h"

namespace driftwarden::bench {

using monitor::ChangeBatch;
using monitor::Changes;
using monitor::Context;
using monitor::PeopleSet;

namespace {

constexpr int kPage = 1000;
constexpr store::LinkNumber kOnlyLink = 1;

store::PeopleKeys KeysFor(const ChangeBatch& batch) {
  monitor::TouchedKeys touched = monitor::KeysOf(batch.observations);
  store::PeopleKeys keys;
  keys.guids = std::move(touched.guids);
  keys.entra_ids = std::move(touched.entra_ids);
  keys.anchors = std::move(touched.anchors);
  return keys;
}

// The same person under other names.
void Rename(monitor::Person& person, const monitor::AdView& ad, const monitor::EntraView& entra) {
  monitor::AdHalf& half = person.facts.ad.front();
  half.object_guid = ad.object_guid;
  half.sid = *ad.sid;
  half.sam_account_name = *ad.sam_account_name;
  half.upn = *ad.upn;
  half.dn = *ad.dn;
  half.display_name = *ad.display_name;
  monitor::EntraHalf& account = *person.facts.entra;
  account.id = entra.id;
  account.upn = *entra.upn;
  account.display_name = *entra.display_name;
  account.sam_account_name = *entra.sam_account_name;
  account.immutable_id = *entra.immutable_id;
  account.on_premises_sid = *entra.on_premises_sid;
  person.facts.anchor = *entra.immutable_id;
}

}  // namespace

StatusOr<std::unique_ptr<StoredLink>> StoredLink::Open(std::unique_ptr<store::StateStore> store) {
  std::unique_ptr<StoredLink> out(new StoredLink(std::move(store)));
  DW_ASSIGN_OR_RETURN(out->lease_, out->store_->AcquireLease());
  const monitor::LinkName name = out->policy_.link;
  DW_ASSIGN_OR_RETURN(auto known, out->store_->LoadLink(name));
  if (known.has_value()) {
    out->link_ = *std::move(known);
  } else {
    out->link_ = LinkInMemory().link();
  }
  return out;
}

Status StoredLink::Commit(const Changes& changes) {
  DW_RETURN_IF_ERROR(store_->Commit(lease_, changes));
  link_ = changes.link;
  return OkStatus();
}

Status StoredLink::Deliver(const ChangeBatch& batch) {
  now = batch.round.hi;
  DW_ASSIGN_OR_RETURN(PeopleSet people, store_->LoadPeople(link_.name, KeysFor(batch)));
  return Commit(monitor::ApplyBatch(Context{link_, policy_, now, rng_}, std::move(people), batch));
}

void StoredLink::Hear(const ChangeBatch& empty) {
  now = empty.round.hi;
  Changes changes = monitor::ApplyBatch(Context{link_, policy_, now, rng_}, {}, empty);
  link_ = std::move(changes.link);
}

Status StoredLink::ReviewDue(size_t limit) {
  store::PeopleKeys keys;
  DW_ASSIGN_OR_RETURN(keys.ordinals, store_->DueBefore(link_.name, now, limit));
  if (!keys.ordinals.empty()) {
    DW_ASSIGN_OR_RETURN(PeopleSet people, store_->LoadPeople(link_.name, keys));
    DW_RETURN_IF_ERROR(
        Commit(monitor::ApplyReview(Context{link_, policy_, now, rng_}, std::move(people))));
  }
  return store_->DueBefore(link_.name, absl::InfiniteFuture(), 1).status();
}

Status StoredLink::ReadFirst(int count) {
  ChangeBatch ad = AdBatch(0, count, true, 1);
  ChangeBatch entra = EntraBatch(0, count, true, 2);
  for (ChangeBatch* batch : {&ad, &entra}) {
    batch->in_snapshot = true;
    batch->snapshot_reason = "first";
    DW_RETURN_IF_ERROR(Deliver(*batch));
  }
  const bool all = link_.linked_people == static_cast<uint64_t>(count) && link_.baseline_at;
  return all ? OkStatus() : InternalError(Cat(link_.linked_people, " of ", count, " are linked"));
}

Status StoredLink::ReadBaseline(int count, store::Kv& kv) {
  const int judged = std::min(kPage, count);
  DW_RETURN_IF_ERROR(ReadFirst(judged));
  store::PeopleKeys keys;
  keys.ordinals = {1};
  DW_ASSIGN_OR_RETURN(PeopleSet first, store_->LoadPeople(link_.name, keys));
  const monitor::Person pattern = first.by_ordinal.begin()->second;
  for (int from = judged; from < count; from += kPage) {
    const int page = std::min(kPage, count - from);
    const ChangeBatch ad = AdBatch(from, page, true, 1);
    const ChangeBatch entra = EntraBatch(from, page, true, 2);
    store::KvBatch batch;
    for (size_t i = 0; i < ad.observations.size(); ++i) {
      monitor::Person person = pattern;
      person.ordinal = link_.next_person++;
      Rename(person, std::get<monitor::AdView>(ad.observations[i].view),
             std::get<monitor::EntraView>(entra.observations[i].view));
      batch.Put(store::Family::kPeople, store::NumberKey(kOnlyLink, person.ordinal),
                store::EncodePerson(person));
      for (store::IndexEntry& entry : store::EntriesOf(kOnlyLink, person)) {
        batch.Put(entry.family, std::move(entry.key), std::move(entry.value));
      }
    }
    DW_RETURN_IF_ERROR(kv.Write(batch, false));
  }
  link_.linked_people = static_cast<uint64_t>(count);
  link_.users.at({pattern.state, pattern.tier}) = count;
  Changes counted;
  counted.link = link_;
  counted.must_sync = true;
  return Commit(counted);
}

uint32_t StoredLink::NextChange() const {
  absl::Time latest = Start();
  for (const auto& [name, source] : link_.sources) latest = std::max(latest, source.last_success);
  return static_cast<uint32_t>(absl::ToInt64Seconds(latest - Start())) + 60;
}

}  // namespace driftwarden::bench
