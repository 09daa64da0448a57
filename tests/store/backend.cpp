#include "tests/store/backend.h"

#include "store/mem_store.h"

namespace driftwarden::store {
namespace {

class MemBackend final : public Backend {
 public:
  StatusOr<std::unique_ptr<StateStore>> Open() override { return NewMemStore(disk_); }
  StatusOr<std::unique_ptr<Kv>> OpenKv() override { return NewMemKv(disk_); }

 private:
  std::shared_ptr<MemDisk> disk_ = std::make_shared<MemDisk>();
};

}  // namespace

std::unique_ptr<Backend> MakeMemBackend() {
  return std::make_unique<MemBackend>();
}

}  // namespace driftwarden::store
