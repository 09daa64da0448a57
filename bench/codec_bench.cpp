// Records to bytes and back: an ordinary person, one with an open episode, an evidence entry and a
// link.

#include <benchmark/benchmark.h>

#include "bench/people.h"
#include "monitor/evidence.h"
#include "store/records.h"

namespace driftwarden::bench {
namespace {

LinkInMemory Departed() {
  LinkInMemory link;
  link.ReadBaseline(1);
  link.Take(AdBatch(0, 1, false, 10));
  return link;
}

template <typename Record, typename Encode>
void MeasureEncode(benchmark::State& state, const Record& record, Encode encode) {
  size_t bytes = 0;
  for (auto _ : state) {
    const std::string out = encode(record);
    bytes = out.size();
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["record_bytes"] = static_cast<double>(bytes);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

template <typename Decode>
void MeasureDecode(benchmark::State& state, const std::string& bytes, Decode decode) {
  for (auto _ : state) {
    const auto record = decode("key", bytes);
    if (!record.ok()) {
      state.SkipWithError("the record does not decode");
      return;
    }
    benchmark::DoNotOptimize(&*record);
  }
  state.counters["record_bytes"] = static_cast<double>(bytes.size());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}

void EncodePerson(benchmark::State& state, bool departed) {
  LinkInMemory link;
  link.ReadBaseline(1);
  if (departed) link = Departed();
  MeasureEncode(state, link.people().begin()->second, &store::EncodePerson);
}

void DecodePerson(benchmark::State& state, bool departed) {
  LinkInMemory link;
  link.ReadBaseline(1);
  if (departed) link = Departed();
  const std::string bytes = store::EncodePerson(link.people().begin()->second);
  MeasureDecode(state, bytes, &store::DecodePerson);
}

monitor::EvidenceEntry SomeEvidence() {
  monitor::LinkState link;
  link.name = monitor::LinkName("corp-contoso");
  monitor::EvidenceEntry entry;
  entry.at = Start();
  entry.type = "ad_disabled";
  entry.person = 42;
  entry.episode = "e17.corp-contoso";
  entry.fact = TimeBounds::Exactly(Start());
  entry.source = "corp";
  entry.details = {{"from", "aligned"}, {"to", "pending"}};
  monitor::ChainEvidence(link, entry);
  return entry;
}

void EncodeEvidence(benchmark::State& state) {
  MeasureEncode(state, SomeEvidence(), &store::EncodeEvidence);
}

void DecodeEvidence(benchmark::State& state) {
  MeasureDecode(state, store::EncodeEvidence(SomeEvidence()), &store::DecodeEvidence);
}

void ChainEvidence(benchmark::State& state) {
  monitor::EvidenceEntry entry = SomeEvidence();
  monitor::LinkState link;
  link.name = entry.link;
  for (auto _ : state) {
    monitor::ChainEvidence(link, entry);
    benchmark::DoNotOptimize(entry.hash.data());
  }
}

void EncodeLink(benchmark::State& state) {
  MeasureEncode(state, Departed().link(), &store::EncodeLinkState);
}

void DecodeLink(benchmark::State& state) {
  MeasureDecode(state, store::EncodeLinkState(Departed().link()), &store::DecodeLinkState);
}

BENCHMARK_CAPTURE(EncodePerson, aligned, false);
BENCHMARK_CAPTURE(EncodePerson, departed, true);
BENCHMARK_CAPTURE(DecodePerson, aligned, false);
BENCHMARK_CAPTURE(DecodePerson, departed, true);
BENCHMARK(EncodeEvidence);
BENCHMARK(DecodeEvidence);
BENCHMARK(ChainEvidence);
BENCHMARK(EncodeLink);
BENCHMARK(DecodeLink);

}  // namespace
}  // namespace driftwarden::bench
