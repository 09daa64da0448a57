// The engine on real threads: two links that share a forest, everybody calling at once, from
// executors that are not the engine's.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/strand.hpp>
#include <thread>

#include "base/async/lane.h"
#include "base/async/scheduler.h"
#include "monitor/evidence.h"
#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

constexpr int kPeople = 20;
constexpr int kRounds = 30;

struct Work {
  Engine* engine;
  const Clock* clock;
  std::atomic<int>* errors;
  std::atomic<int>* running;
};

void Ended(const Work& work, const Status& status) {
  if (!status.ok()) ++*work.errors;
}

// A source: rounds in which people come and go.
asio::awaitable<void> Feed(Work work, bool ad) {
  for (int round = 0; round < kRounds; ++round) {
    std::vector<monitor::Observation> seen;
    for (int n = 1; n <= kPeople; ++n) {
      const absl::Time now = work.clock->Wall();
      const bool enabled = round == 0 || (n + round) % 3 != 0;
      const uint32_t version = static_cast<uint32_t>(round) + 1;
      if (ad) {
        seen.push_back(Seen("corp", AdPerson(n, enabled, version, now), now));
      } else {
        seen.push_back(Seen("contoso", EntraPerson(n, enabled), now));
      }
    }
    monitor::ChangeBatch batch = Round(ad ? "corp" : "contoso", work.clock->Wall(), std::move(seen),
                                       Cat("c", round), round == 0);
    batch.number = static_cast<uint64_t>(round) + 1;
    const Status done = co_await work.engine->Deliver(std::move(batch));
    Ended(work, done);
  }
  --*work.running;
}

asio::awaitable<void> Read(Work work) {
  for (int round = 0; round < kRounds; ++round) {
    auto open = co_await work.engine->OpenTargets(0, 50);
    Ended(work, open.status());
    std::vector<monitor::Observation> seen;
    const absl::Time now = work.clock->Wall();
    seen.push_back(Seen("contoso", EntraPerson(1 + round % kPeople, round % 2 == 0), now,
                        monitor::LookKind::kDirect));
    const Status done = co_await work.engine->DeliverReads(std::move(seen), monitor::BatchId());
    Ended(work, done);
    const Status reviewed = co_await work.engine->ReviewDue();
    Ended(work, reviewed);
  }
  --*work.running;
}

asio::awaitable<void> Act(Work work) {
  for (int round = 0; round < kRounds; ++round) {
    auto claimed = co_await work.engine->Claim();
    Ended(work, claimed.status());
    auto pending = co_await work.engine->Pending();
    Ended(work, pending.status());
    const auto state = work.engine->State();
    if (state->name != work.engine->link()) ++*work.errors;
    const Status woken = co_await work.engine->WaitForWork(absl::Milliseconds(1));
    Ended(work, woken);
  }
  --*work.running;
}

asio::awaitable<void> OpenAll(std::vector<Engine*> engines, std::atomic<int>* opened) {
  for (Engine* engine : engines) {
    const Status done = co_await engine->Open();
    if (done.ok()) ++*opened;
  }
}

std::string VerifyChain(store::StateStore& store, const monitor::LinkName& link) {
  uint64_t seq = 0;
  Sha256Digest hash{};
  while (true) {
    const auto entries = store.Evidence(link, seq + 1, 500);
    if (!entries.ok()) return entries.status().ToString();
    if (entries->empty()) break;
    for (const auto& entry : *entries) {
      const Status good = monitor::VerifyEvidence(entry, seq, hash);
      if (!good.ok()) return good.ToString();
      seq = entry.seq;
      hash = entry.hash;
    }
  }
  return seq == 0 ? "no evidence" : "";
}

void RunWithThreads(int threads) {
  SystemClock clock;
  RealScheduler scheduler(clock);
  Logger log(LogLevel::kError, LogFormat::kLogfmt, "/dev/null");
  auto disk = std::make_shared<store::MemDisk>();
  auto store = store::NewMemStore(disk);
  ASSERT_TRUE(store.ok());
  const auto lease = (*store)->AcquireLease();
  ThreadLane lane("store", 2);
  CountingObserver observers[2];
  SeededRng rngs[2] = {SeededRng(1), SeededRng(2)};
  std::atomic<int> errors{0};
  std::atomic<int> opened{0};
  asio::io_context io(threads);
  std::vector<std::unique_ptr<Engine>> engines;
  std::vector<Engine*> all;
  for (int i = 0; i < 2; ++i) {
    EngineParts parts{
        **store, lane, scheduler, rngs[i], log, observers[i], [&](const Status&) { ++errors; }};
    engines.push_back(std::make_unique<Engine>(asio::make_strand(io.get_executor()), *lease,
                                               TestPolicy(Cat("link-", i)), std::move(parts),
                                               EngineOptions()));
    all.push_back(engines.back().get());
  }
  asio::co_spawn(io, OpenAll(all, &opened), asio::detached);
  io.run();
  ASSERT_EQ(opened, 2);

  std::atomic<int> running{0};
  for (Engine* engine : all) {
    const Work work{engine, &clock, &errors, &running};
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(Feed(work, true));
    tasks.push_back(Feed(work, false));
    tasks.push_back(Read(work));
    tasks.push_back(Act(work));
    for (asio::awaitable<void>& task : tasks) {
      ++running;
      asio::co_spawn(asio::make_strand(io.get_executor()), std::move(task), asio::detached);
    }
  }
  io.restart();
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; ++i) pool.emplace_back([&io] { io.run(); });
  for (std::thread& thread : pool) thread.join();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(errors, 0);
  for (Engine* engine : all) {
    EXPECT_EQ(VerifyChain(**store, engine->link()), "");
    const auto stored = (*store)->LoadLink(engine->link());
    ASSERT_TRUE(stored.ok() && stored->has_value());
    EXPECT_EQ((*stored)->evidence_seq, engine->State()->evidence_seq);
    EXPECT_EQ((*stored)->linked_people, static_cast<uint64_t>(kPeople));
  }
  const auto faults = (*store)->Check();
  ASSERT_TRUE(faults.ok());
  EXPECT_TRUE(faults->empty()) << faults->front();
}

TEST(EngineThreads, OneThread) {
  RunWithThreads(1);
}
TEST(EngineThreads, FourThreads) {
  RunWithThreads(4);
}

}  // namespace
}  // namespace driftwarden::daemon
