#pragma once

// Every RocksDB option we set, with its reason. Included by rocks_*.cpp only.

#include <rocksdb/cache.h>
#include <rocksdb/options.h>

#include <memory>

#include "base/log.h"
#include "store/kv.h"
#include "store/rocks_store.h"

namespace driftwarden::store {

struct RocksTuning {
  rocksdb::DBOptions db;
  std::shared_ptr<rocksdb::Cache> cache;  // blocks, and charged with the write buffers
  uint64_t write_buffers = 0;             // bytes, part of the budget
};

RocksTuning TuningFor(const RocksStoreOptions& options);
rocksdb::ColumnFamilyOptions FamilyOptions(const RocksTuning& tuning);
void LogTuning(Logger& logger, const RocksStoreOptions& options, const RocksTuning& tuning);

}  // namespace driftwarden::store
