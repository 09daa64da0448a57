#include <string>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "store/rocks_store.h"
#include "tests/sim/stage.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::sim {
namespace {

// A directory of its own, removed with it. A process that dies leaves its unsynced writes to the
// system, which keeps them: losing them too is what the disk in memory is for.
class RocksDisk final : public Disk {
 public:
  std::unique_ptr<store::StateStore> Open() override {
    store::RocksStoreOptions options;
    options.path = directory_.path() + "/state";
    options.memory_budget = uint64_t{16} << 20;
    auto opened = store::OpenRocksStore(options);
    DW_CHECK(opened.ok());
    return *std::move(opened);
  }
  void PowerLoss() override {}

 private:
  testing::TempDirectory directory_;
};

}  // namespace

std::unique_ptr<Disk> NewRocksDisk() {
  return std::make_unique<RocksDisk>();
}

}  // namespace driftwarden::sim
