#include "tests/store/backend.h"

#include "store/mem_store.h"
#include "store/rocks_kv.h"
#include "store/rocks_store.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::store {
namespace {

class MemBackend final : public Backend {
 public:
  StatusOr<std::unique_ptr<StateStore>> Open() override { return NewMemStore(disk_); }
  StatusOr<std::unique_ptr<Kv>> OpenKv() override { return NewMemKv(disk_); }

 private:
  std::shared_ptr<MemDisk> disk_ = std::make_shared<MemDisk>();
};

class RocksBackend final : public Backend {
 public:
  RocksBackend() { options_.path = directory_.path() + "/new/store"; }
  StatusOr<std::unique_ptr<StateStore>> Open() override { return OpenRocksStore(options_); }
  StatusOr<std::unique_ptr<Kv>> OpenKv() override { return OpenRocksKv(options_); }

 private:
  testing::TempDirectory directory_;
  RocksStoreOptions options_;
};

}  // namespace

std::unique_ptr<Backend> MakeMemBackend() {
  return std::make_unique<MemBackend>();
}

std::unique_ptr<Backend> MakeRocksBackend() {
  return std::make_unique<RocksBackend>();
}

}  // namespace driftwarden::store
