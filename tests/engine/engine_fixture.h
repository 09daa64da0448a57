#pragma once

// One engine on virtual time over a store in memory, and batches made by hand.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "daemon/engine.h"
#include "store/mem_store.h"
#include "tests/testing/fault_store.h"
#include "tests/testing/sim_scheduler.h"

namespace driftwarden::daemon {

inline std::shared_ptr<monitor::Policy> TestPolicy(const std::string& link = "corp-contoso") {
  auto policy = std::make_shared<monitor::Policy>();
  policy->link = monitor::LinkName(link);
  policy->settle = absl::ZeroDuration();
  policy->ad_sources = {monitor::SourceName("corp")};
  policy->entra_source = monitor::SourceName("contoso");
  policy->poll_intervals[monitor::SourceName("corp")] = absl::Seconds(5);
  policy->poll_intervals[monitor::SourceName("contoso")] = absl::Seconds(15);
  policy->remediation.mode = monitor::Mode::kAuto;
  policy->remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
  return policy;
}

// Person n of a made-up forest and tenant.
inline monitor::Guid GuidOf(int n) {
  monitor::Guid guid;
  guid.bytes[0] = 0xad;
  guid.bytes[14] = static_cast<uint8_t>(n >> 8);
  guid.bytes[15] = static_cast<uint8_t>(n);
  return guid;
}
inline std::string EntraIdOf(int n) {
  return Cat("00000000-0000-4000-8000-", 100000000000 + n);
}
inline monitor::Sid SidOf(int n) {
  return *monitor::Sid::Parse(Cat("S-1-5-21-1-2-3-", 1000 + n));
}

inline monitor::AdView AdPerson(int n, bool enabled, uint32_t version = 1,
                                absl::Time at = absl::UnixEpoch()) {
  monitor::AdView view;
  view.object_guid = GuidOf(n);
  view.sid = SidOf(n);
  view.sam_account_name = Cat("u", n);
  view.upn = Cat("u", n, "@corp.example");
  view.dn = Cat("CN=u", n, ",DC=corp,DC=example");
  view.consistency_guid = "";
  view.user_account_control = enabled ? 0x200 : 0x202;
  view.admin_count = false;
  view.deleted = false;
  monitor::MetadataStamp stamp;
  stamp.version = version;
  stamp.originating_time = at;
  stamp.invocation_id.bytes[0] = 1;
  view.uac_stamp = stamp;
  return view;
}

inline monitor::EntraView EntraPerson(int n, bool enabled) {
  monitor::EntraView view;
  view.id = EntraIdOf(n);
  view.upn = Cat("u", n, "@corp.example");
  view.immutable_id = monitor::AnchorOf(GuidOf(n).Raw());
  view.on_premises_sid = SidOf(n);
  view.sync_enabled = true;
  view.account_enabled = enabled;
  view.deletion = monitor::EntraDeletion::kLive;
  return view;
}

template <typename View>
monitor::Observation Seen(const std::string& source, View view, absl::Time now,
                          monitor::LookKind kind = monitor::LookKind::kFeed) {
  monitor::Observation seen;
  seen.look.source = monitor::SourceName(source);
  seen.look.at = TimeBounds::Exactly(now);
  seen.look.kind = kind;
  seen.view = std::move(view);
  return seen;
}

inline monitor::ChangeBatch Round(const std::string& source, absl::Time now,
                                  std::vector<monitor::Observation> seen, const std::string& cursor,
                                  bool snapshot = false) {
  monitor::ChangeBatch batch;
  batch.source = monitor::SourceName(source);
  batch.kind =
      source == "corp" ? monitor::SourceKind::kActiveDirectory : monitor::SourceKind::kEntra;
  batch.observations = std::move(seen);
  batch.in_snapshot = snapshot;
  if (snapshot) batch.snapshot_reason = "first";
  batch.starts_round = true;
  batch.completes_round = true;
  batch.cursor = cursor;
  batch.round = TimeBounds::Exactly(now);
  return batch;
}

class CountingObserver final : public CommitObserver {
 public:
  void OnCommit(const monitor::LinkState& link, const monitor::Tally&) override {
    ++commits;
    last_seq = link.evidence_seq;
  }
  int commits = 0;
  uint64_t last_seq = 0;
};

// Runs the work at once, and before it what a test put there.
class HookedLane final : public Lane {
 public:
  void Post(std::function<void()> work) override {
    const auto first = std::exchange(before, nullptr);
    if (first) first();
    work();
  }
  std::function<void()> before;
};

class EngineFixture {
 public:
  explicit EngineFixture(std::shared_ptr<monitor::Policy> policy = TestPolicy(),
                         const std::string& log_path = "/dev/null",
                         std::shared_ptr<store::MemDisk> on = nullptr, store::FaultPlan plan = {},
                         EngineOptions options = {})
      : clock(absl::FromUnixSeconds(1795219200)),
        scheduler(io, clock),
        log(LogLevel::kInfo, LogFormat::kLogfmt, log_path) {
    if (on != nullptr) disk = std::move(on);
    auto opened = store::NewMemStore(disk);
    DW_CHECK(opened.ok());
    store = std::make_unique<store::FaultStore>(*std::move(opened), plan);
    lease = *store->AcquireLease();
    EngineParts parts{*store, lane, scheduler, rng, log, observer, [this](const Status& status) {
                        failures.push_back(status);
                      }};
    engine = std::make_unique<Engine>(io.get_executor(), lease, std::move(policy), std::move(parts),
                                      std::move(options));
    DW_CHECK(Await(engine->Open()).ok());
  }
  ~EngineFixture() {
    engine->Stop();
    scheduler.Settle();
  }

  // Runs the task to its end; virtual time passes only if it has to.
  template <typename R>
  R Await(asio::awaitable<R> task) {
    std::optional<R> result;
    auto done = [&result](const std::exception_ptr& error, R value) {
      DW_CHECK(!error);
      result = std::move(value);
    };
    asio::co_spawn(io, std::move(task), std::move(done));
    DW_CHECK(scheduler.RunUntil([&result] { return result.has_value(); }, absl::Hours(1)));
    return *std::move(result);
  }
  Status Deliver(monitor::ChangeBatch batch) { return Await(engine->Deliver(std::move(batch))); }
  // Both sides read once, with people 1..n enabled on both.
  void Baseline(int n) {
    std::vector<monitor::Observation> ad;
    std::vector<monitor::Observation> entra;
    for (int i = 1; i <= n; ++i) {
      ad.push_back(Seen("corp", AdPerson(i, true), clock.Wall()));
      entra.push_back(Seen("contoso", EntraPerson(i, true), clock.Wall()));
    }
    DW_CHECK(Deliver(Round("corp", clock.Wall(), ad, "usn-1", true)).ok());
    DW_CHECK(Deliver(Round("contoso", clock.Wall(), entra, "delta-1", true)).ok());
  }
  // AD disables person n now.
  void Disable(int n) {
    std::vector<monitor::Observation> seen = {
        Seen("corp", AdPerson(n, false, 2, clock.Wall()), clock.Wall())};
    DW_CHECK(Deliver(Round("corp", clock.Wall(), std::move(seen), Cat("usn-d", n))).ok());
  }

  asio::io_context io{1};
  uint64_t lease = 0;  // the engine's
  testing::SimClock clock;
  testing::SimScheduler scheduler;
  Logger log;
  HookedLane lane;
  SeededRng rng{1};
  CountingObserver observer;
  std::shared_ptr<store::MemDisk> disk = std::make_shared<store::MemDisk>();
  std::unique_ptr<store::FaultStore> store;
  std::vector<Status> failures;
  std::unique_ptr<Engine> engine;
};

}  // namespace driftwarden::daemon
