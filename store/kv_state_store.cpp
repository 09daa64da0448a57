#include "store/kv_state_store.h"

#include "base/strings.h"
#include "store/migrate.h"
#include "store/records.h"

namespace driftwarden::store {

StatusOr<std::unique_ptr<StateStore>> OpenKvStateStore(std::unique_ptr<Kv> kv) {
  DW_RETURN_IF_ERROR(BringToSchema(*kv, CurrentPlan()));
  return std::unique_ptr<StateStore>(std::make_unique<KvStateStore>(std::move(kv)));
}

StatusOr<uint64_t> KvStateStore::AcquireLease() {
  const std::lock_guard lock(write_mutex_);
  DW_ASSIGN_OR_RETURN(uint64_t epoch, RecordReader(*kv_).LeaseEpoch());
  ++epoch;
  KvBatch batch;
  batch.Put(Family::kMeta, LeaseKey(), EncodeNumber(epoch));
  DW_RETURN_IF_ERROR(kv_->Write(batch, true));
  return epoch;
}

StatusOr<std::vector<LinkName>> KvStateStore::Links() {
  DW_ASSIGN_OR_RETURN(const auto links, RecordReader(*kv_).Links());
  std::vector<LinkName> out;
  for (const auto& [number, name] : links) out.push_back(name);
  return out;
}

StatusOr<std::optional<LinkState>> KvStateStore::LoadLink(const LinkName& link) {
  RecordReader reader(*kv_);
  DW_ASSIGN_OR_RETURN(const auto number, reader.NumberOf(link));
  if (!number.has_value()) return std::optional<LinkState>();
  return reader.Link(*number);
}

StatusOr<StoreStats> KvStateStore::Stats() {
  DW_ASSIGN_OR_RETURN(KvStats found, kv_->Stats());
  StoreStats stats;
  stats.path = kv_->path();
  stats.schema = kSchema;
  stats.keys = std::move(found.keys);
  stats.bytes = std::move(found.bytes);
  return stats;
}

}  // namespace driftwarden::store
