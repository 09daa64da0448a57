// What size costs. First: one changed person, warm, where ten thousand people stand in the store
// and where ten million do. Second: very many people disabled at once, against RocksDB writing the
// same records. Stores are kept in --stores DIR for the next run.
//
//   scale_bench [--quick] [--prepare] [--json] [--people N] [--stores DIR]

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "base/time.h"
#include "bench/bare_store.h"
#include "bench/counters.h"
#include "bench/prepared_store.h"
#include "bench/stored_link.h"
#include "store/kv_state_store.h"
#include "store/rocks_kv.h"
#include "store/rocks_store.h"

namespace driftwarden::bench {
namespace {

constexpr int kPeople = 20;  // no mass disable by themselves
constexpr int kSmall = 10'000;
constexpr int kPage = 1000;
constexpr double kMostGrowth = 1.3;
constexpr double kMostCrowd = 10;  // times what RocksDB alone needs

struct Arguments {
  bool quick = false;
  bool prepare = false;
  bool json = false;
  std::string stores;
  std::string replay;  // a store: changes people in it, and nothing else; for a counting emulator
  int people = 0;      // that stand in it, or in the big store; 0: by default
};

struct Cost {
  double instructions = 0;  // 0: not counted
  double microseconds = 0;  // processor time, median
  double asked = 0;
  double read = 0;
};

}  // namespace

// A name of its own: the emulator counts between its beginning and its end.
extern "C" [[gnu::noinline]] bool MeasuredChange(StoredLink* link,
                                                 const monitor::ChangeBatch* batch) {
  return link->Deliver(*batch).ok() && link->ReviewDue().ok();
}

namespace {

[[noreturn]] void Die(const std::string& what) {
  fprintf(stderr, "scale_bench: %s\n", what.c_str());
  exit(1);
}

void Require(const Status& status) {
  if (!status.ok()) Die(std::string(ToStd(status.message())));
}

std::unique_ptr<StoredLink> OpenLink(const std::string& path) {
  store::RocksStoreOptions options;
  options.path = path;
  auto store = store::OpenRocksStore(options);
  Require(store.status());
  auto link = StoredLink::Open(*std::move(store));
  Require(link.status());
  return *std::move(link);
}

using Change = std::function<void(const monitor::ChangeBatch& batch)>;

// Everybody of a handful leaves in AD and in Entra and comes back in both, and half an hour passes
// in which nothing happens, so that nobody is flapping.
void Cycle(StoredLink& link, int people, const Change& change) {
  for (int step = 0; step < 4; ++step) {
    for (int i = 0; i < kPeople; ++i) {
      const int person = static_cast<int>(int64_t{people} * i / kPeople);
      const auto make = step % 2 == 0 ? &AdBatch : &EntraBatch;
      change(make(person, 1, step >= 2, link.NextChange()));
    }
  }
  for (int minute = 0; minute < 35; ++minute) {
    link.Hear(AdBatch(0, 0, true, link.NextChange()));
    link.Hear(EntraBatch(0, 0, true, link.NextChange()));
    Require(link.ReviewDue());
  }
}

void Replay(const std::string& path, int people) {
  const auto link = OpenLink(path);
  Cycle(*link, people, [&](const auto& batch) {
    Require(link->Deliver(batch));
    Require(link->ReviewDue());
  });
  Cycle(*link, people, [&](const auto& batch) {
    if (!MeasuredChange(link.get(), &batch)) Die("a change failed");
  });
}

// Without a counter in the processor valgrind counts, if it is there.
double EmulatedInstructions(const std::string& path, int people) {
  const std::string command =
      Cat("valgrind --tool=callgrind --callgrind-out-file=/dev/null "
          "--toggle-collect=MeasuredChange /proc/",
          getpid(), "/exe --replay '", path, "' ", people, " 2>&1");
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return 0;
  double collected = 0;
  char line[512];
  while (fgets(line, sizeof line, pipe) != nullptr) {
    const std::string text = line;
    const size_t at = text.find("Collected : ");
    if (at != std::string::npos) collected = std::atof(text.c_str() + at + 12);
  }
  return pclose(pipe) == 0 ? collected / (4 * kPeople) : 0;
}

Cost MeasureChanges(const std::string& path, int people, int cycles) {
  const Instructions counter;
  Cost cost;
  std::vector<uint64_t> times;
  BlockCounts blocks;
  uint64_t instructions = 0;
  {
    const auto link = OpenLink(path);
    const auto warm = [&](const auto& batch) { MeasuredChange(link.get(), &batch); };
    for (int i = 0; i < 2; ++i) Cycle(*link, people, warm);
    for (int i = 0; i < cycles; ++i) {
      Cycle(*link, people, [&](const auto& batch) {
        StartBlockCounts();
        const uint64_t counted = counter.ok() ? counter.Read() : 0;
        const uint64_t began = ThreadNanoseconds();
        const bool done = MeasuredChange(link.get(), &batch);
        times.push_back(ThreadNanoseconds() - began);
        if (counter.ok()) instructions += counter.Read() - counted;
        const BlockCounts now = ReadBlockCounts();
        blocks.asked += now.asked;
        blocks.read += now.read;
        if (!done) Die("a change failed");
      });
    }
  }
  std::sort(times.begin(), times.end());
  const auto changes = static_cast<double>(times.size());
  cost.microseconds = static_cast<double>(times[times.size() / 2]) / 1000;
  cost.asked = static_cast<double>(blocks.asked) / changes;
  cost.read = static_cast<double>(blocks.read) / changes;
  cost.instructions = counter.ok() ? static_cast<double>(instructions) / changes
                                   : EmulatedInstructions(path, people);
  return cost;
}

struct Wave {
  double ours = 0;  // seconds
  double bare = 0;
  double bytes = 0;
};

// Everything that a crowd's batches and deadlines write, by our store and then by RocksDB alone.
struct CrowdCost {
  Wave disabled;
  Wave warned;
  double shown = 0;  // seconds until all of them were listed as open
};

class Crowd {
 public:
  Crowd(const std::string& folder, int people)
      : people_(people), bare_(folder + "/bare"), path_(folder + "/ours") {
    store::RocksStoreOptions options;
    options.path = path_;
    auto kv = store::OpenRocksKv(options);
    Require(kv.status());
    auto recording = std::make_unique<RecordingKv>(*std::move(kv));
    recorded_ = recording.get();
    auto store = store::OpenKvStateStore(std::move(recording));
    Require(store.status());
    auto link = StoredLink::Open(*std::move(store));
    Require(link.status());
    link_ = *std::move(link);
    Require(link_->ReadBaseline(2 * people, *recorded_));
  }

  CrowdCost Measure() {
    CrowdCost cost;
    const uint32_t change = link_->NextChange();
    for (int first = 0; first < people_; first += kPage) {
      monitor::ChangeBatch page = AdBatch(first, std::min(kPage, people_ - first), false, change);
      page.starts_round = first == 0;
      page.completes_round = first + kPage >= people_;
      Time(cost.disabled, [&] { Require(link_->Deliver(page)); });
    }
    const absl::Duration began = clock_.Steady();
    if (CountOpen() != people_) Die("somebody is not visible");
    cost.shown = absl::ToDoubleSeconds(clock_.Steady() - began);
    const absl::Time warned = link_->now + absl::Minutes(41);
    while (link_->now < warned) {
      link_->Hear(AdBatch(0, 0, true, link_->NextChange()));
      link_->Hear(EntraBatch(0, 0, true, link_->NextChange()));
    }
    while (Due()) Time(cost.warned, [&] { Require(link_->ReviewDue()); });
    return cost;
  }

 private:
  void Time(Wave& wave, const std::function<void()>& work) {
    const absl::Duration began = clock_.Steady();
    work();
    const absl::Duration between = clock_.Steady();
    if (!bare_.Write(recorded_->last, true)) Die("RocksDB refused a write");
    wave.bare += absl::ToDoubleSeconds(clock_.Steady() - between);
    wave.ours += absl::ToDoubleSeconds(between - began);
    wave.bytes += static_cast<double>(BytesOf(recorded_->last));
  }

  bool Due() {
    const auto due = link_->store().DueBefore(link_->link().name, link_->now, 1);
    Require(due.status());
    return !due->empty();
  }

  int CountOpen() {
    monitor::PersonOrdinal after = 0;
    int count = 0;
    while (true) {
      store::PeopleKeys keys;
      auto page = link_->store().OpenPeople(link_->link().name, after, kPage);
      Require(page.status());
      if (page->empty()) return count;
      after = page->back();
      keys.ordinals = *std::move(page);
      const auto people = link_->store().LoadPeople(link_->link().name, keys);
      Require(people.status());
      for (const auto& [ordinal, person] : people->by_ordinal) count += person.episode ? 1 : 0;
    }
  }

  const SystemClock clock_;
  const int people_;
  Bare bare_;
  const std::string path_;
  RecordingKv* recorded_ = nullptr;  // the link's store owns it
  std::unique_ptr<StoredLink> link_;
};

double Ratio(double big, double small) {
  return small > 0 ? big / small : 1;
}

void Print(const Cost& small, const Cost& big, int people) {
  const bool counted = small.instructions > 0 && big.instructions > 0;
  printf("one changed person, warm       %12d %12d   ratio\n", kSmall, people);
  if (counted) {
    printf("  instructions (%s)  %12.0f %12.0f   %.2f\n",
           Instructions().ok() ? "processor" : "emulated ", small.instructions, big.instructions,
           Ratio(big.instructions, small.instructions));
  } else {
    printf("  instructions: neither the kernel nor valgrind counts them here\n");
  }
  printf("  processor time, us           %12.1f %12.1f   %.2f\n", small.microseconds,
         big.microseconds, Ratio(big.microseconds, small.microseconds));
  printf("  blocks asked for             %12.1f %12.1f   %.2f\n", small.asked, big.asked,
         Ratio(big.asked, small.asked));
  printf("  blocks read from files       %12.2f %12.2f\n", small.read, big.read);
}

void Print(const char* what, const Wave& wave) {
  printf("  %-12s %8.2f s   RocksDB alone %8.2f s, %.0f MB   ratio %.2f\n", what, wave.ours,
         wave.bare, wave.bytes / 1e6, Ratio(wave.ours, wave.bare));
}

void PrintJson(const Cost& small, const Cost& big, int people, const CrowdCost& crowd,
               int crowd_people) {
  const auto cost = [](const Cost& c) {
    return Cat("{\"instructions\":", c.instructions, ",\"cpu_us\":", c.microseconds,
               ",\"blocks_asked\":", c.asked, ",\"blocks_read\":", c.read, "}");
  };
  const auto wave = [](const Wave& w) {
    return Cat("{\"seconds\":", w.ours, ",\"rocksdb_seconds\":", w.bare, ",\"bytes\":", w.bytes,
               "}");
  };
  printf("%s\n",
         Cat("{\"changed_person\":{\"", kSmall, "\":", cost(small), ",\"", people, "\":", cost(big),
             "},\"crowd\":{\"people\":", crowd_people, ",\"disabled\":", wave(crowd.disabled),
             ",\"warned\":", wave(crowd.warned), ",\"listed_seconds\":", crowd.shown, "}}")
             .c_str());
}

Arguments Parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      out.quick = true;
    } else if (argument == "--prepare") {
      out.prepare = true;
    } else if (argument == "--json") {
      out.json = true;
    } else if (argument == "--stores" && i + 1 < argc) {
      out.stores = argv[++i];
    } else if (argument == "--people" && i + 1 < argc) {
      out.people = std::atoi(argv[++i]);
    } else if (argument == "--replay" && i + 2 < argc) {
      out.replay = argv[++i];
      out.people = std::atoi(argv[++i]);
    } else {
      Die(Cat("unknown argument ", argument));
    }
  }
  return out;
}

int Run(const Arguments& arguments) {
  if (!arguments.replay.empty()) {
    Replay(arguments.replay, arguments.people);
    return 0;
  }
  const int usual = arguments.quick ? 1'000'000 : 10'000'000;
  const int people = arguments.people > kSmall ? arguments.people : usual;
  const Folder folder;
  const std::string stores = arguments.stores.empty() ? folder.path() : arguments.stores;
  const auto path = [&](int n) { return Cat(stores, "/people-", n); };
  for (const int n : {kSmall, people}) Require(PrepareStore(path(n), n));
  if (arguments.prepare) return 0;
  const int cycles = arguments.quick ? 3 : 10;
  const Cost small = MeasureChanges(path(kSmall), kSmall, cycles);
  const Cost big = MeasureChanges(path(people), people, cycles);
  const int crowd_people = arguments.quick ? 10'000 : 100'000;
  const CrowdCost crowd = Crowd(folder.path(), crowd_people).Measure();
  if (arguments.json) {
    PrintJson(small, big, people, crowd, crowd_people);
  } else {
    Print(small, big, people);
    printf("%d people disabled at once, of %d\n", crowd_people, 2 * crowd_people);
    Print("disabled", crowd.disabled);
    Print("warned of", crowd.warned);
    printf("  all of them read back as open: %.2f s\n", crowd.shown);
  }
  const bool flat = Ratio(big.asked, small.asked) <= kMostGrowth &&
                    Ratio(big.instructions, small.instructions) <= kMostGrowth;
  if (!flat) fprintf(stderr, "scale_bench: a change costs more where more people are\n");
  const bool crowd_fits = Ratio(crowd.disabled.ours + crowd.warned.ours,
                                crowd.disabled.bare + crowd.warned.bare) <= kMostCrowd;
  if (!crowd_fits) fprintf(stderr, "scale_bench: a crowd takes too long\n");
  return flat && crowd_fits ? 0 : 1;
}

}  // namespace
}  // namespace driftwarden::bench

int main(int argc, char** argv) {
  return driftwarden::bench::Run(driftwarden::bench::Parse(argc, argv));
}
