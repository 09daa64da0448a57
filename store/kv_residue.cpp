// What is left of people in their tenants: written apart from the engine's commits, under the same
// lease.

#include "base/strings.h"
#include "store/kv_state_store.h"
#include "store/records_residue.h"

namespace driftwarden::store {

Status KvStateStore::PutResidue(uint64_t lease_epoch, const LinkName& name,
                                const monitor::Residue& residue) {
  const std::lock_guard lock(write_mutex_);
  KvBatch batch;
  {
    RecordReader reader(*kv_);
    DW_ASSIGN_OR_RETURN(const uint64_t epoch, reader.LeaseEpoch());
    if (lease_epoch != epoch || epoch == 0) {
      return PreconditionError(Cat("the store in ", kv_->path(),
                                   " was taken over: its lease is at ", epoch,
                                   ", this write holds ", lease_epoch));
    }
    DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
    if (!link) return NotFoundError(Cat("nothing is stored of link ", name.value));
    DW_ASSIGN_OR_RETURN(const auto person,
                        reader.kv().Get(Family::kPeople, NumberKey(*link, residue.person)));
    // Merged into another person meanwhile.
    if (!person) return NotFoundError(Cat("there is no person ", residue.person));
    batch.Put(Family::kMeta, ResidueKey(*link, residue.person), EncodeResidue(residue));
  }
  // Read again after a loss: not worth waiting for the disk.
  return kv_->Write(batch, false);
}

StatusOr<std::map<PersonOrdinal, monitor::Residue>> KvStateStore::LoadResidue(
    const LinkName& name, const std::vector<PersonOrdinal>& people) {
  std::map<PersonOrdinal, monitor::Residue> out;
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto link, reader.NumberOf(name));
  if (!link) return out;
  std::vector<std::string> keys;
  for (const PersonOrdinal person : people) keys.push_back(ResidueKey(*link, person));
  DW_ASSIGN_OR_RETURN(const auto values, reader.kv().MultiGet(Family::kMeta, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!values[i]) continue;
    DW_ASSIGN_OR_RETURN(monitor::Residue residue, DecodeResidue(keys[i], *values[i]));
    out.emplace(people[i], std::move(residue));
  }
  return out;
}

}  // namespace driftwarden::store
