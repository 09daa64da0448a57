#include "tests/sim/stage.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "store/mem_store.h"

namespace driftwarden::sim {
namespace {

class MemoryDisk final : public Disk {
 public:
  std::unique_ptr<store::StateStore> Open() override {
    auto opened = store::NewMemStore(disk_);
    DW_CHECK(opened.ok());
    return *std::move(opened);
  }
  void PowerLoss() override { disk_->LoseUnsynced(); }

 private:
  std::shared_ptr<store::MemDisk> disk_ = std::make_shared<store::MemDisk>();
};

// DRIFTWARDEN_SIM_LOG=1 shows what the monitor says.
const char* LogPath() {
  return std::getenv("DRIFTWARDEN_SIM_LOG") == nullptr ? "/dev/null" : "/dev/stderr";
}

}  // namespace

std::unique_ptr<Disk> NewMemoryDisk() {
  return std::make_unique<MemoryDisk>();
}

Stage::Stage(StageOptions options, std::unique_ptr<Disk> disk)
    : options_(std::move(options)),
      disk_(std::move(disk)),
      io_(1),
      clock_(options_.world.start),
      scheduler_(io_, clock_),
      world_(options_.world),
      controllers_(world_),
      log_(LogLevel::kInfo, LogFormat::kLogfmt, LogPath()) {}

Stage::~Stage() {
  if (process_) process_->Bury();
}

void Stage::Start(store::FaultPlan plan) {
  Begin(plan);
}

void Stage::Begin(store::FaultPlan plan) {
  const Surroundings around{io_, clock_, scheduler_, world_, controllers_, alerts_, reads_, log_};
  const uint64_t seed = options_.seed * 1000 + static_cast<uint64_t>(deaths_);
  process_ = std::make_unique<MonitorProcess>(around, options_.process, disk_->Open(), plan, seed);
  process_->wire().faults = faults_;
  began_ = now();
  process_->Start();
}

void Stage::Restart() {
  ++deaths_;
  commits_before_ += process_->store().commits();
  process_->Bury();
  process_.reset();
  scheduler_.Settle();
  disk_->PowerLoss();
  clock_.AdvanceTo(clock_.Steady() + options_.restart_after);
  world_.AdvanceTo(clock_.True());
  Begin(later ? later() : store::FaultPlan());
  if (after_death) after_death();
}

void Stage::KillAndRestart(absl::Duration meanwhile) {
  process_->Kill();
  if (meanwhile != absl::ZeroDuration()) StepWall(meanwhile);
  Restart();
}

void Stage::ResetGuards() {
  guards_reset_ = now();
  process_->ResetGuards();
}

void Stage::StepWall(absl::Duration by) {
  clock_.StepWall(by);
  clock_lead_ = std::max(clock_lead_, clock_.Wall() - clock_.True());
  stepped_ = now();
  stepped_by_ = by;
  clock_error_ = std::max(clock_error_, absl::AbsDuration(clock_.Wall() - clock_.True()));
}

bool Stage::clock_stepped_off() const {
  // Two sources that agree within 30 s make it trusted, and their own clocks are not exact.
  constexpr absl::Duration kTrusted = absl::Seconds(40);
  constexpr absl::Duration kNoticed = absl::Seconds(10);  // a step, by whoever compares two clocks
  constexpr absl::Duration kInFlight = absl::Seconds(15);
  return stepped_ >= began_ && absl::AbsDuration(stepped_by_) >= kNoticed &&
         now() - stepped_ > kInFlight && absl::AbsDuration(clock_.Wall() - now()) > kTrusted;
}

void Stage::RunFor(absl::Duration d) {
  const absl::Duration until = clock_.Steady() + d;
  while (true) {
    process_->wire().faults = faults_;
    const bool stepped = scheduler_.Step(until);
    if (after_step) after_step();
    if (process_->dead()) {
      Restart();
      continue;
    }
    if (!stepped) break;
  }
  clock_.AdvanceTo(until);
  world_.AdvanceTo(clock_.True());
}

void Stage::RunTo(absl::Duration since_start) {
  const absl::Duration left = since_start - clock_.Steady();
  if (left > absl::ZeroDuration()) RunFor(left);
}

void Stage::StartAnew(std::unique_ptr<Disk> disk) {
  commits_before_ += process_->store().commits();
  process_->Bury();
  process_.reset();
  scheduler_.Settle();
  disk_ = std::move(disk);
  Begin(store::FaultPlan());
}

void Stage::Stop() {
  process_->Bury();
}

}  // namespace driftwarden::sim
