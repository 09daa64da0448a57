#pragma once

// What our store is measured against: the same keys and values, written by RocksDB alone.

#include <memory>
#include <string>
#include <vector>

#include "store/kv.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
}  // namespace rocksdb

namespace driftwarden::bench {

// A new directory, removed with everything in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Passes everything on and keeps the last batch.
class RecordingKv final : public store::Kv {
 public:
  explicit RecordingKv(std::unique_ptr<store::Kv> inner) : inner_(std::move(inner)) {}
  std::unique_ptr<store::KvSnapshot> Snapshot() override { return inner_->Snapshot(); }
  Status Write(const store::KvBatch& batch, bool sync) override {
    last = batch;
    return inner_->Write(batch, sync);
  }
  StatusOr<store::KvStats> Stats() override { return inner_->Stats(); }
  const std::string& path() const override { return inner_->path(); }
  bool read_only() const override { return inner_->read_only(); }
  store::KvBatch last;

 private:
  std::unique_ptr<store::Kv> inner_;
};

// RocksDB alone, with its own defaults.
class Bare {
 public:
  explicit Bare(const std::string& path);
  ~Bare();
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  bool ok() const { return db_ != nullptr; }
  bool Write(const store::KvBatch& batch, bool sync);

 private:
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::DB* const db_;
};

uint64_t BytesOf(const store::KvBatch& batch);

}  // namespace driftwarden::bench
