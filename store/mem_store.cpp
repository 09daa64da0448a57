#include "store/mem_store.h"

#include "store/kv_state_store.h"

namespace driftwarden::store {

StatusOr<std::unique_ptr<StateStore>> NewMemStore(std::shared_ptr<MemDisk> disk) {
  return OpenKvStateStore(NewMemKv(std::move(disk)));
}

}  // namespace driftwarden::store
