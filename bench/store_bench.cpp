// What our store adds to RocksDB: one commit of 200 people against a bare WriteBatch of the same
// keys and values, on the same disk and in the same run. The ratio of the two is what to watch.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "bench/bare_store.h"
#include "bench/people.h"
#include "store/kv_state_store.h"
#include "store/rocks_kv.h"
#include "store/rocks_store.h"

namespace driftwarden::bench {
namespace {

constexpr int kPeople = 200;

// Commits that change the same people back and forth, so that each writes every one of them.
class Commits {
 public:
  Commits() {
    LinkInMemory link;
    link.ReadBaseline(kPeople);
    for (const auto& [ordinal, person] : link.people()) first_.people.push_back(person);
    first_.link = link.link();
    link.now = Start() + absl::Seconds(10);
    const monitor::ChangeBatch batch = AdBatch(0, kPeople, false, 10);
    second_ = link.Apply(batch, link.Load(batch));
  }
  monitor::Changes& Next() {
    turn_ = !turn_;
    return turn_ ? first_ : second_;
  }

 private:
  monitor::Changes first_;
  monitor::Changes second_;
  bool turn_ = false;
};

struct Sums {
  absl::Duration ours;
  absl::Duration bare;
  uint64_t writes = 0;
  uint64_t bytes = 0;
};

void Report(benchmark::State& state, const Sums& sums) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["commit_us"] = absl::ToDoubleMicroseconds(sums.ours) / rounds;
  state.counters["bare_us"] = absl::ToDoubleMicroseconds(sums.bare) / rounds;
  state.counters["ratio"] = absl::FDivDuration(sums.ours, sums.bare);
  state.counters["writes"] = static_cast<double>(sums.writes) / rounds;
  state.counters["bytes"] = static_cast<double>(sums.bytes) / rounds;
}

// The argument: whether each write is synced to the disk.
void CommitAgainstBareBatch(benchmark::State& state) {
  const bool sync = state.range(0) != 0;
  const Folder folder;
  const SystemClock clock;
  store::RocksStoreOptions options;
  options.path = folder.path() + "/ours";
  auto kv = store::OpenRocksKv(options);
  if (!kv.ok()) return state.SkipWithError("our store does not open");
  auto recording = std::make_unique<RecordingKv>(*std::move(kv));
  const RecordingKv& recorded = *recording;
  auto store = store::OpenKvStateStore(std::move(recording));
  if (!store.ok()) return state.SkipWithError("our store does not open");
  const auto lease = (*store)->AcquireLease();
  Bare bare(folder.path() + "/bare");
  if (!lease.ok() || !bare.ok()) return state.SkipWithError("a store does not open");
  Commits commits;
  Sums sums;
  for (auto _ : state) {
    monitor::Changes& changes = commits.Next();
    changes.must_sync = sync;
    const absl::Duration begin = clock.Steady();
    const Status committed = (*store)->Commit(*lease, changes);
    const absl::Duration between = clock.Steady();
    const bool written = bare.Write(recorded.last, sync);
    const absl::Duration end = clock.Steady();
    if (!committed.ok() || !written) return state.SkipWithError("a write failed");
    sums.ours += between - begin;
    sums.bare += end - between;
    sums.writes += recorded.last.changes().size();
    sums.bytes += BytesOf(recorded.last);
    state.SetIterationTime(absl::ToDoubleSeconds(between - begin));
  }
  Report(state, sums);
}

BENCHMARK(CommitAgainstBareBatch)->ArgName("sync")->Arg(0)->Arg(1)->UseManualTime();

// Reading 200 people back, with their lookups.
void LoadPeople(benchmark::State& state) {
  const Folder folder;
  store::RocksStoreOptions options;
  options.path = folder.path();
  auto store = store::OpenRocksStore(options);
  if (!store.ok()) return state.SkipWithError("our store does not open");
  const auto lease = (*store)->AcquireLease();
  Commits commits;
  const monitor::Changes& changes = commits.Next();
  if (!lease.ok() || !(*store)->Commit(*lease, changes).ok()) {
    return state.SkipWithError("the people cannot be written");
  }
  store::PeopleKeys keys;
  for (const monitor::Person& person : changes.people) {
    keys.guids.push_back(person.facts.ad.front().object_guid);
  }
  for (auto _ : state) {
    const auto people = (*store)->LoadPeople(changes.link.name, keys);
    if (!people.ok() || people->by_ordinal.size() != keys.guids.size()) {
      return state.SkipWithError("the people cannot be read");
    }
  }
  state.counters["per_person"] = benchmark::Counter(
      kPeople, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK(LoadPeople);

}  // namespace
}  // namespace driftwarden::bench
