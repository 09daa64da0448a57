#pragma once

// The StateStore on disk. RocksDB stays behind this header.

#include <cstdint>
#include <memory>
#include <string>

#include "base/log.h"
#include "store/state_store.h"

namespace driftwarden::store {

struct RocksStoreOptions {
  std::string path;  // a directory of its own; made if absent
  // Bytes for block cache and write buffers together.
  uint64_t memory_budget = uint64_t{256} << 20;
  // For looking at a store, beside a daemon that runs on it too: what it has written so far is
  // seen, nothing is locked, made or migrated, and commits are refused.
  bool read_only = false;
  Logger* logger = nullptr;  // outlives the store; says which options hold
};

// AlreadyExists: in use by another process; FailedPrecondition: of a newer schema; NotFound:
// read_only and there is none; Unavailable: the disk; DataLoss: damaged.
StatusOr<std::unique_ptr<StateStore>> OpenRocksStore(const RocksStoreOptions& options);

}  // namespace driftwarden::store
