#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "store/rocks_store.h"
#include "tests/sim/stage.h"

namespace driftwarden::sim {
namespace {

// A directory of its own, removed with it. A process that dies leaves its unsynced writes to the
// system, which keeps them: losing them too is what the disk in memory is for.
class RocksDisk final : public Disk {
 public:
  RocksDisk() {
    std::string pattern = (std::filesystem::temp_directory_path() / "driftwarden-sim-XXXXXX");
    DW_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~RocksDisk() override {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::unique_ptr<store::StateStore> Open() override {
    store::RocksStoreOptions options;
    options.path = path_ / "state";
    options.memory_budget = uint64_t{16} << 20;
    auto opened = store::OpenRocksStore(options);
    DW_CHECK(opened.ok());
    return *std::move(opened);
  }
  void PowerLoss() override {}

 private:
  std::filesystem::path path_;
};

}  // namespace

std::unique_ptr<Disk> NewRocksDisk() {
  return std::make_unique<RocksDisk>();
}

}  // namespace driftwarden::sim
