#include "store/rocks_options.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#ifdef __SANITIZE_THREAD__
// Debian's RocksDB is not built for ThreadSanitizer, which therefore sees its memory operations but
// not the atomics that order them. Ours are still looked at.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\n";
}
#endif

namespace driftwarden::store {
namespace {

constexpr uint64_t kLeastBudget = uint64_t{8} << 20;
constexpr uint64_t kLargestWriteBuffers = uint64_t{128} << 20;
constexpr uint64_t kLargestLog = uint64_t{64} << 20;
constexpr double kFilterBits = 10;  // about one lookup in a hundred reads a block for nothing

// Takes the place of RocksDB's own log file: that one ends the process by an assertion when the
// disk is full (Debian builds RocksDB with them), and a reader must not add to the directory
// anyway.
class EngineLog final : public rocksdb::Logger {
 public:
  explicit EngineLog(driftwarden::Logger* logger)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), logger_(logger) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    if (logger_ == nullptr) return;
    char text[1000];
    vsnprintf(text, sizeof text, format, arguments);
    logger_->Warn("store_engine", text);
  }

 private:
  driftwarden::Logger* const logger_;
};

// A disk that failed once is not trusted again before a restart: the daemon stops. Else RocksDB
// would resume by itself when there is room, after the caller was told that it is over.
class NoRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

}  // namespace

RocksTuning TuningFor(const RocksStoreOptions& options) {
  RocksTuning tuning;
  const uint64_t budget = std::max(options.memory_budget, kLeastBudget);
  tuning.cache = rocksdb::NewLRUCache(budget);
  tuning.write_buffers = std::min(budget / 4, kLargestWriteBuffers);
  rocksdb::DBOptions& db = tuning.db;
  // Memtables of all families together; their memory is taken from the cache's, so that the budget
  // bounds both.
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(tuning.write_buffers, tuning.cache);
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  // A torn tail is what a crash leaves: everything before it is kept. What was synced is before it.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.max_total_wal_size = kLargestLog;
  db.max_background_jobs = 2;
  db.bytes_per_sync = uint64_t{1} << 20;
  db.max_open_files = 256;  // descriptors and open table readers
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log = std::make_shared<EngineLog>(options.logger);
  db.listeners.push_back(std::make_shared<NoRecovery>());
  return tuning;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const RocksTuning& tuning) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = std::max<uint64_t>(tuning.write_buffers / 2, uint64_t{1} << 20);
  family.compression = rocksdb::kLZ4Compression;
  family.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = tuning.cache;
  table.cache_index_and_filter_blocks = true;  // else they would stand outside the budget
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBits, false));
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

void LogTuning(Logger& logger, const RocksStoreOptions& options, const RocksTuning& tuning) {
  const rocksdb::ColumnFamilyOptions family = FamilyOptions(tuning);
  logger.Info("store_opened", "the state store is open",
              {{"path", options.path},
               {"read_only", options.read_only},
               {"memory_budget", uint64_t{tuning.cache->GetCapacity()}},
               {"write_buffers", tuning.write_buffers},
               {"family_write_buffer", uint64_t{family.write_buffer_size}},
               {"log_limit", tuning.db.max_total_wal_size},
               {"open_files", tuning.db.max_open_files},
               {"background_jobs", tuning.db.max_background_jobs},
               {"compression", "lz4"}});
}

}  // namespace driftwarden::store
