#include "store/rocks_store.h"

#include "store/kv_state_store.h"
#include "store/rocks_kv.h"

namespace driftwarden::store {

StatusOr<std::unique_ptr<StateStore>> OpenRocksStore(const RocksStoreOptions& options) {
  DW_ASSIGN_OR_RETURN(auto kv, OpenRocksKv(options));
  return OpenKvStateStore(std::move(kv));
}

}  // namespace driftwarden::store
