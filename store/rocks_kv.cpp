#include "store/rocks_kv.h"

#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/strings.h"
#include "store/directory_lock.h"
#include "store/rocks_options.h"

namespace driftwarden::store {
namespace {

rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

// RocksDB's words hold the system's ("No space left on device: While appending to file ...").
Status FromRocks(const rocksdb::Status& status, const std::string& path) {
  if (status.ok()) return OkStatus();
  const std::string text = Cat("the store in ", path, ": ", status.ToString());
  return status.IsCorruption() ? DataLossError(text) : UnavailableError(text);
}

using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

// Closes in the one order RocksDB allows: snapshots (their owners), handles, database.
struct Database {
  rocksdb::DB* db = nullptr;
  Handles handles;  // everything that was opened
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families{};

  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    if (db == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  rocksdb::ColumnFamilyHandle* Of(Family family) const {
    return families[static_cast<size_t>(family)];
  }
};

class RocksSnapshot final : public KvSnapshot {
 public:
  RocksSnapshot(const Database& database, const std::string& path)
      : database_(database), path_(path), snapshot_(database.db) {
    read_.snapshot = snapshot_.snapshot();
  }

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) override {
    std::string value;
    const auto status = database_.db->Get(read_, database_.Of(family), ToSlice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>();
    if (!status.ok()) return FromRocks(status, path_);
    return std::optional<std::string>(std::move(value));
  }

  StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      Family family, const std::vector<std::string>& keys) override {
    std::vector<std::optional<std::string>> out(keys.size());
    if (keys.empty()) return out;
    std::vector<rocksdb::Slice> slices;
    slices.reserve(keys.size());
    for (const std::string& key : keys) slices.push_back(ToSlice(key));
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    const bool sorted = std::is_sorted(keys.begin(), keys.end());
    database_.db->MultiGet(read_, database_.Of(family), keys.size(), slices.data(), values.data(),
                           statuses.data(), sorted);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      if (!statuses[i].ok()) return FromRocks(statuses[i], path_);
      out[i] = values[i].ToString();
    }
    return out;
  }

  StatusOr<std::vector<KvEntry>> Scan(Family family, const KvRange& range, size_t limit,
                                      bool reverse) override {
    std::vector<KvEntry> out;
    if (range.from >= range.to || limit == 0) return out;
    // The bounds keep an iterator from walking over deleted keys beyond the range.
    const rocksdb::Slice lower = ToSlice(range.from), upper = ToSlice(range.to);
    rocksdb::ReadOptions read = read_;
    read.iterate_lower_bound = &lower;
    read.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(
        database_.db->NewIterator(read, database_.Of(family)));
    for (reverse ? it->SeekToLast() : it->SeekToFirst(); it->Valid() && out.size() < limit;
         reverse ? it->Prev() : it->Next()) {
      out.push_back({it->key().ToString(), it->value().ToString()});
    }
    if (!it->status().ok()) return FromRocks(it->status(), path_);
    return out;
  }

 private:
  const Database& database_;
  const std::string& path_;
  rocksdb::ManagedSnapshot snapshot_;
  rocksdb::ReadOptions read_;
};

class RocksKv final : public Kv {
 public:
  RocksKv(std::optional<DirectoryLock> lock, std::unique_ptr<Database> database, RocksTuning tuning,
          RocksStoreOptions options)
      : lock_(std::move(lock)),
        tuning_(std::move(tuning)),
        options_(std::move(options)),
        database_(std::move(database)) {}

  std::unique_ptr<KvSnapshot> Snapshot() override {
    return std::make_unique<RocksSnapshot>(*database_, options_.path);
  }

  Status Write(const KvBatch& batch, bool sync) override {
    if (options_.read_only) {
      return PreconditionError(Cat("the store in ", options_.path, " is open for reading only"));
    }
    rocksdb::WriteBatch writes;
    for (const KvChange& change : batch.changes()) {
      rocksdb::ColumnFamilyHandle* const family = database_->Of(change.family);
      const rocksdb::Status status =
          change.value.has_value() ? writes.Put(family, ToSlice(change.key), ToSlice(*change.value))
                                   : writes.Delete(family, ToSlice(change.key));
      if (!status.ok()) return FromRocks(status, options_.path);
    }
    rocksdb::WriteOptions write;
    write.sync = sync;
    return FromRocks(database_->db->Write(write, &writes), options_.path);
  }

  StatusOr<KvStats> Stats() override {
    KvStats stats;
    uint64_t memtables = 0;
    uint64_t tables = 0;
    for (size_t i = 0; i < kFamilyCount; ++i) {
      rocksdb::ColumnFamilyHandle* const family = database_->families[i];
      stats.keys[kFamilyNames[i]] = Property(family, rocksdb::DB::Properties::kEstimateNumKeys);
      memtables += Property(family, rocksdb::DB::Properties::kSizeAllMemTables);
      tables += Property(family, rocksdb::DB::Properties::kTotalSstFilesSize);
    }
    stats.bytes["sst"] = tables;
    stats.bytes["memtables"] = memtables;
    stats.bytes["block_cache"] = tuning_.cache->GetUsage();
    stats.bytes["wal"] = LogBytes();
    return stats;
  }

  const std::string& path() const override { return options_.path; }
  bool read_only() const override { return options_.read_only; }

 private:
  uint64_t Property(rocksdb::ColumnFamilyHandle* family, const std::string& name) {
    uint64_t value = 0;
    database_->db->GetIntProperty(family, name, &value);
    return value;
  }

  uint64_t LogBytes() {
    rocksdb::VectorLogPtr files;
    uint64_t bytes = 0;
    if (!database_->db->GetSortedWalFiles(files).ok()) return 0;
    for (const auto& file : files) bytes += file->SizeFileBytes();
    return bytes;
  }

  const std::optional<DirectoryLock> lock_;  // released last
  const RocksTuning tuning_;
  const RocksStoreOptions options_;
  const std::unique_ptr<Database> database_;
};

// RocksDB wants every family named at opening, also those only a newer version knows: its schema
// must be read to be refused.
std::vector<std::string> FamiliesToOpen(const RocksStoreOptions& options,
                                        const RocksTuning& tuning) {
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(tuning.db, options.path, &names).ok()) names.clear();
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  add(rocksdb::kDefaultColumnFamilyName);
  for (const char* name : kFamilyNames) add(name);
  return names;
}

Status OpenDatabase(const RocksStoreOptions& options, const RocksTuning& tuning,
                    Database& database) {
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : FamiliesToOpen(options, tuning)) {
    descriptors.emplace_back(name, FamilyOptions(tuning));
  }
  const rocksdb::Status status =
      options.read_only ? rocksdb::DB::OpenForReadOnly(tuning.db, options.path, descriptors,
                                                       &database.handles, &database.db)
                        : rocksdb::DB::Open(tuning.db, options.path, descriptors, &database.handles,
                                            &database.db);
  DW_RETURN_IF_ERROR(FromRocks(status, options.path));
  for (size_t i = 0; i < kFamilyCount; ++i) {
    for (rocksdb::ColumnFamilyHandle* handle : database.handles) {
      if (handle->GetName() == kFamilyNames[i]) database.families[i] = handle;
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<Kv>> OpenRocksKv(const RocksStoreOptions& options) {
  std::optional<DirectoryLock> lock;
  if (options.read_only) {
    const bool there = rocksdb::Env::Default()->FileExists(options.path + "/CURRENT").ok();
    if (!there) return NotFoundError(Cat("there is no store in ", options.path));
  } else {
    DW_RETURN_IF_ERROR(MakeDirectories(options.path));
    DW_ASSIGN_OR_RETURN(lock, DirectoryLock::Take(options.path));
  }
  RocksTuning tuning = TuningFor(options);
  auto database = std::make_unique<Database>();
  DW_RETURN_IF_ERROR(OpenDatabase(options, tuning, *database));
  if (options.logger != nullptr) LogTuning(*options.logger, options, tuning);
  return std::unique_ptr<Kv>(
      std::make_unique<RocksKv>(std::move(lock), std::move(database), std::move(tuning), options));
}

}  // namespace driftwarden::store
