#pragma once

// The ports of the monitor over the simulated world, in one process and on virtual time: what the
// real watchers, readers and actuators do over LDAP and HTTPS, without the bytes. Each answer takes
// time, and may fail or get lost as the dice say.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "alerts/alert_sink.h"
#include "base/rng.h"
#include "remediation/actuator.h"
#include "simulator/world.h"
#include "tests/testing/read_book.h"
#include "tests/testing/sim_scheduler.h"
#include "tests/testing/world_controllers.h"
#include "watchers/change_source.h"

namespace driftwarden::testing {

// Chances of one exchange.
struct WireFaults {
  double error = 0;       // it fails before it reaches the other side
  double lost_reply = 0;  // the other side did it, we never hear
  double disorder = 0;    // the records of a round come in any order, over all of its pages
};

// How one process reaches the world. After its death every exchange answers Cancelled, and nothing
// reaches the world any more.
class Wire {
 public:
  Wire(simulator::World& world, Controllers& controllers, SimClock& clock, SimScheduler& scheduler,
       Rng& rng, std::function<bool()> dead)
      : world_(world),
        controllers_(controllers),
        clock_(clock),
        scheduler_(scheduler),
        rng_(rng),
        dead_(std::move(dead)) {}

  // The way there, and the way back.
  asio::awaitable<Status> Go();
  asio::awaitable<Status> Return();
  // The way to a tenant, with a token for it.
  asio::awaitable<Status> GoToTenant(size_t tenant);

  // True: this round's records are to be dealt anew.
  bool InDisorder() { return faults.disorder > 0 && rng_.Unit() < faults.disorder; }
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng_.Below(i)]);
  }
  // The controller that this process reads: the pinned one while it is up. Null: none is up.
  Controller* Pinned(size_t forest);
  Controller* Elsewhere(size_t forest);
  void Pin(size_t forest, size_t number) { pins_[forest] = number; }
  // Another takes the place of a pinned one that is down; in a while it goes back to the first.
  void MovePin(size_t forest);

  simulator::World& world() { return world_; }
  absl::Time True() const { return clock_.True(); }
  absl::Time Wall() const { return clock_.Wall(); }
  absl::Duration Steady() const { return clock_.Steady(); }
  WireFaults faults;
  ReadBook* book = nullptr;  // notes direct reads; must outlive it
  absl::Duration latency = absl::Milliseconds(3);

 private:
  asio::awaitable<Status> Travel();

  simulator::World& world_;
  Controllers& controllers_;
  SimClock& clock_;
  SimScheduler& scheduler_;
  Rng& rng_;
  std::function<bool()> dead_;
  std::map<size_t, size_t> pins_;
};

// USN polling of a forest: of one controller at a time, each from where it was read last.
class WorldAdSource final : public watchers::ChangeSource {
 public:
  WorldAdSource(Wire& wire, size_t forest, monitor::SourceName name, size_t page_size)
      : wire_(wire), forest_(forest), name_(std::move(name)), page_size_(page_size) {}
  const monitor::SourceName& name() const override { return name_; }
  monitor::SourceKind kind() const override { return monitor::SourceKind::kActiveDirectory; }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId,
                               watchers::BatchSink& sink) override;

 private:
  struct Round;
  Round Begin(const std::string& cursor, Controller& controller);
  // The next records of a round; fails when its controller does.
  StatusOr<std::vector<monitor::Observation>> NextPage(Round& round, TimeBounds at);

  Wire& wire_;
  const size_t forest_;
  const monitor::SourceName name_;
  const size_t page_size_;
  bool polled_ = false;
};

// Delta rounds of a tenant.
class WorldEntraSource final : public watchers::ChangeSource {
 public:
  WorldEntraSource(Wire& wire, size_t tenant, monitor::SourceName name)
      : wire_(wire), tenant_(tenant), name_(std::move(name)) {}
  const monitor::SourceName& name() const override { return name_; }
  monitor::SourceKind kind() const override { return monitor::SourceKind::kEntra; }
  asio::awaitable<Status> Poll(std::string cursor, monitor::BatchId,
                               watchers::BatchSink& sink) override;

 private:
  monitor::ChangeBatch BatchOf(const simulator::DeltaPage& page, TimeBounds at) const;
  // A round whose pages all came, as any other order of the same records.
  asio::awaitable<Status> DeliverShuffled(std::vector<monitor::ChangeBatch> round,
                                          watchers::BatchSink* sink);

  Wire& wire_;
  const size_t tenant_;
  const monitor::SourceName name_;
};

class WorldAdReader final : public watchers::DirectoryReader {
 public:
  // `asker`: as in ReadBook.
  WorldAdReader(Wire& wire, size_t forest, monitor::SourceName name, size_t asker)
      : wire_(wire), forest_(forest), name_(std::move(name)), asker_(asker) {}
  asio::awaitable<StatusOr<monitor::Observation>> ReadAccount(monitor::Guid guid) override;
  asio::awaitable<StatusOr<monitor::Observation>> ReadAccountElsewhere(monitor::Guid guid) override;

 private:
  asio::awaitable<StatusOr<monitor::Observation>> Ask(monitor::Guid guid, bool second);

  Wire& wire_;
  const size_t forest_;
  const monitor::SourceName name_;
  const size_t asker_;
};

class WorldEntraReader final : public watchers::TenantReader {
 public:
  WorldEntraReader(Wire& wire, size_t tenant, monitor::SourceName name)
      : wire_(wire), tenant_(tenant), name_(std::move(name)) {}
  asio::awaitable<StatusOr<monitor::Observation>> ReadUser(std::string id,
                                                           monitor::ActionId) override;
  asio::awaitable<std::vector<StatusOr<monitor::Observation>>> ReadUsers(
      std::vector<std::string> ids, monitor::BatchId) override;

 private:
  monitor::Observation Read(const std::string& id, TimeBounds at) const;
  void Note(const monitor::Observation& seen) const;

  Wire& wire_;
  const size_t tenant_;
  const monitor::SourceName name_;
};

class WorldActuator final : public remediation::Actuator {
 public:
  WorldActuator(Wire& wire, size_t tenant) : wire_(wire), tenant_(tenant) {}
  asio::awaitable<remediation::CallResult> RevokeSessions(std::string entra_id,
                                                          monitor::ActionId action,
                                                          absl::Duration not_after) override;

 private:
  Wire& wire_;
  const size_t tenant_;
};

// An Alertmanager: lives on when the monitor dies.
class AlertBook {
 public:
  struct Line {
    absl::Time at;
    bool firing = false;
    monitor::LabelSet labels;
  };
  void Take(const alerts::Alert& alert, absl::Time now);
  // What fires at `now`: told and neither resolved nor past its end.
  std::vector<monitor::LabelSet> Firing(absl::Time now) const;
  // Each time a label set began or ended, in order.
  const std::vector<Line>& history() const { return history_; }
  const std::map<monitor::LabelSet, alerts::Alert>& latest() const { return latest_; }

 private:
  std::map<monitor::LabelSet, alerts::Alert> latest_;
  std::vector<Line> history_;
};

class BookSink final : public alerts::AlertSink {
 public:
  BookSink(Wire& wire, AlertBook& book, std::string name)
      : wire_(wire), book_(book), name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  const std::string& address() const override { return name_; }
  asio::awaitable<Status> Deliver(std::vector<alerts::Alert> alerts) override;

 private:
  Wire& wire_;
  AlertBook& book_;
  const std::string name_;
};

}  // namespace driftwarden::testing
