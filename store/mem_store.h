#pragma once

// The StateStore of tests and simulation.

#include <memory>

#include "store/mem_disk.h"
#include "store/state_store.h"

namespace driftwarden::store {

// Opening another store on the same disk models a restart: the lease tells them apart. Fails only
// when the disk refuses writes or holds what this version cannot read.
StatusOr<std::unique_ptr<StateStore>> NewMemStore(std::shared_ptr<MemDisk> disk);

}  // namespace driftwarden::store
