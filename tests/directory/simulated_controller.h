#pragma once

// Sources over real sessions against the simulator's controller, and a sink that collects.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/async/lane.h"
#include "tests/directory/recording_observer.h"
#include "tests/directory/run.h"
#include "tests/simulator/live_service.h"
#include "watchers/ad_dirsync_source.h"
#include "watchers/ad_sight.h"
#include "watchers/directory/schema.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::watchers {

using simulator::LiveService;

class CollectingSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!batch.cursor.empty()) cursor = batch.cursor;
    if (!batch.snapshot_reason.empty()) reason = batch.snapshot_reason;
    complete = batch.completes_round && !batch.beside_snapshot;
    largest = std::max(largest, batch.observations.size());
    for (const monitor::Observation& observation : batch.observations) {
      const auto& view = std::get<monitor::AdView>(observation.view);
      seen[view.sam_account_name.value_or("?")] = view;
    }
    co_return OkStatus();
  }
  std::map<std::string, monitor::AdView> seen;
  bool complete = false;  // a round, and no full read is under way
  std::string cursor;
  std::string reason;
  size_t largest = 0;
};

class SimulatedController : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    simulator::SimulatorOptions options;
    options.users = 300;
    options.cycle = absl::Seconds(3600);
    live_ = new LiveService(options);
  }
  static void TearDownTestSuite() {
    delete live_;
    live_ = nullptr;
  }
  void SetUp() override {
    options_.name = monitor::SourceName("corp");
    options_.servers = {live_->at().forests[0].ldaps_url};
    options_.ca_file = live_->at().ca_file;
    options_.bind.user = live_->at().forests[0].bind_user;
    options_.bind.password_file = live_->at().password_file;
    options_.page_size = 50;
    options_.pin = std::make_shared<AdPin>();
    options_.sight = std::make_shared<AdSight>(options_.name, quiet_);
    Restart();
  }
  void TearDown() override {
    Faults([](simulator::LdapFaults& faults) { faults = {}; });
  }
  void Restart() {
    dirsync_.reset();
    usn_ = std::make_unique<AdUsnSource>(options_, *factory_, clock_, quiet_);
    dirsync_ = std::make_unique<AdDirSyncSource>(options_, *usn_, clock_, quiet_, observer_);
  }
  Status Poll() {
    sink_.seen.clear();
    sink_.reason.clear();
    return RunOn(context_, dirsync_->Poll(sink_.cursor, monitor::BatchId("round"), sink_));
  }
  // Its text; empty when it is not there.
  std::string FindingOf(const std::string& name) const {
    for (const Finding& finding : options_.sight->findings()) {
      if (finding.name == name) return finding.text;
    }
    return "";
  }
  template <typename F>
  void Faults(F change) {
    live_->On([&] { change(live_->service().ldap().faults()); });
  }
  template <typename F>
  void Change(F change) {
    live_->On([&] {
      const Status done = change(live_->service().world().directory(), clock_.Wall());
      EXPECT_TRUE(done.ok()) << done;
    });
  }
  void Disable(const std::string& sam) {
    Change([&](auto& directory, absl::Time now) { return directory.Disable(sam, now); });
  }
  void Delete(const std::string& sam) {
    Change([&](auto& directory, absl::Time now) { return directory.Delete(sam, now); });
  }
  StatusOr<std::unique_ptr<directory::Session>> Open() {
    directory::SessionOptions session;
    session.source = "corp";
    session.server = options_.servers.front();
    session.ca_file = options_.ca_file;
    session.bind = options_.bind;
    return RunOn(context_, factory_->Open(std::move(session)));
  }
  static directory::SearchRequest Everything() {
    directory::SearchRequest request;
    request.base = "DC=corp,DC=example";
    request.attributes = directory::AccountAttributes();
    request.page_size = 0;
    return request;
  }

  static inline LiveService* live_ = nullptr;
  SystemClock clock_;
  asio::io_context context_;
  ThreadLane lane_{"ldap", 2};
  LaneTurns turns_{lane_, 2};
  std::unique_ptr<directory::SessionFactory> factory_ =
      directory::MakeOpenLdapSessionFactory(turns_, clock_);
  Logger quiet_{LogLevel::kError, LogFormat::kLogfmt, "/dev/null"};
  RecordingObserver observer_;
  AdSourceOptions options_;
  CollectingSink sink_;
  std::unique_ptr<AdUsnSource> usn_;
  std::unique_ptr<AdDirSyncSource> dirsync_;
};

}  // namespace driftwarden::watchers
