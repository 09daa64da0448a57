#pragma once

// The Kv over RocksDB.

#include <memory>

#include "store/kv.h"
#include "store/rocks_store.h"

namespace driftwarden::store {

StatusOr<std::unique_ptr<Kv>> OpenRocksKv(const RocksStoreOptions& options);

}  // namespace driftwarden::store
