#include "bench/bare_store.h"

#include <rocksdb/db.h>
#include <stdlib.h>

#include <filesystem>

namespace driftwarden::bench {
namespace {

rocksdb::DB* OpenBare(const std::string& path, std::vector<rocksdb::ColumnFamilyHandle*>* handles) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  for (const char* name : store::kFamilyNames) {
    families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path, families, handles, &db);
  return opened.ok() ? db : nullptr;
}

}  // namespace

Folder::Folder() {
  std::string pattern = std::filesystem::temp_directory_path() / "driftwarden-bench-XXXXXX";
  path_ = ::mkdtemp(pattern.data());
}

Folder::~Folder() {
  std::filesystem::remove_all(path_);
}

Bare::Bare(const std::string& path) : db_(OpenBare(path, &handles_)) {}

Bare::~Bare() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  delete db_;
}

bool Bare::Write(const store::KvBatch& batch, bool sync) {
  rocksdb::WriteBatch writes;
  for (const store::KvChange& change : batch.changes()) {
    rocksdb::ColumnFamilyHandle* const family =
        handles_[1 + static_cast<size_t>(change.family)];  // the default one comes first
    const rocksdb::Status status = change.value ? writes.Put(family, change.key, *change.value)
                                                : writes.Delete(family, change.key);
    if (!status.ok()) return false;
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  return db_->Write(options, &writes).ok();
}

uint64_t BytesOf(const store::KvBatch& batch) {
  uint64_t bytes = 0;
  for (const store::KvChange& change : batch.changes()) {
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  return bytes;
}

}  // namespace driftwarden::bench
