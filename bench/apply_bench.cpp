// What the core costs a person: a batch of 200 applied to the people it touches. Loading and
// committing are not in it (store_bench).

#include <benchmark/benchmark.h>

#include <string>

#include "bench/people.h"

namespace driftwarden::bench {
namespace {

constexpr int kBatch = 200;

using MakeBatch = monitor::ChangeBatch (*)(int first, int count, bool enabled, uint32_t change);

void Measure(benchmark::State& state, LinkInMemory& link, const monitor::ChangeBatch& batch) {
  link.now = batch.round.hi;
  const monitor::PeopleSet loaded = link.Load(batch);
  size_t written = 0;
  for (auto _ : state) {
    state.PauseTiming();
    monitor::PeopleSet people = loaded;
    state.ResumeTiming();
    const monitor::Changes changes = link.Apply(batch, std::move(people));
    written = changes.people.size();
    benchmark::DoNotOptimize(changes.people.data());
  }
  state.counters["people"] = static_cast<double>(written);
  state.counters["per_person"] = benchmark::Counter(
      kBatch, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void FirstRead(benchmark::State& state, MakeBatch make) {
  LinkInMemory link;
  monitor::ChangeBatch batch = make(0, kBatch, true, 1);
  batch.in_snapshot = true;
  batch.snapshot_reason = "first";
  Measure(state, link, batch);
}

void SecondSide(benchmark::State& state) {
  LinkInMemory link;
  monitor::ChangeBatch ad = AdBatch(0, kBatch, true, 1);
  monitor::ChangeBatch entra = EntraBatch(0, kBatch, true, 2);
  ad.in_snapshot = entra.in_snapshot = true;
  ad.snapshot_reason = entra.snapshot_reason = "first";
  link.Take(ad);
  Measure(state, link, entra);
}

void Changed(benchmark::State& state, MakeBatch make) {
  LinkInMemory link;
  link.ReadBaseline(kBatch);
  Measure(state, link, make(0, kBatch, false, 10));
}

void Unchanged(benchmark::State& state, MakeBatch make) {
  LinkInMemory link;
  link.ReadBaseline(kBatch);
  Measure(state, link, make(0, kBatch, true, 10));
}

BENCHMARK_CAPTURE(FirstRead, ad, &AdBatch);
BENCHMARK_CAPTURE(FirstRead, entra, &EntraBatch);
BENCHMARK(SecondSide);
BENCHMARK_CAPTURE(Changed, ad, &AdBatch);
BENCHMARK_CAPTURE(Changed, entra, &EntraBatch);
BENCHMARK_CAPTURE(Unchanged, ad, &AdBatch);
BENCHMARK_CAPTURE(Unchanged, entra, &EntraBatch);

}  // namespace
}  // namespace driftwarden::bench
