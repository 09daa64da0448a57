// How many connections a source has, as the domain controller sees them, and that none of them
// waits for another.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <string>

#include "base/async/lane_turns.h"
#include "base/async/scheduler.h"
#include "base/async/task_group.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/strings.h"
#include "tests/directory/hostile_dc.h"
#include "tests/directory/recording_observer.h"
#include "tests/directory/run.h"
#include "watchers/ad_direct_reads.h"
#include "watchers/ad_notifier.h"
#include "watchers/ad_usn_source.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::watchers {
namespace {

using directory::HostileDc;
using simulator::LdapMessage;

class IgnoringSink final : public BatchSink {
 public:
  asio::awaitable<Status> Deliver(monitor::ChangeBatch) override { co_return OkStatus(); }
};

class DeafPort final : public NoticePort {
 public:
  void Wake() override {}
  asio::awaitable<Status> DeliverAside(monitor::ChangeBatch) override { co_return OkStatus(); }
};

// Answers what is asked about one object, and keeps every search of a subtree waiting.
HostileDc::Reply KeepWaiting(const LdapMessage& request) {
  if (request.name.starts_with("<GUID=")) {
    return {HostileDc::Person(request.id, "ann") + HostileDc::Done(request)};
  }
  if (request.scope == simulator::LdapSearchRequest::Scope::kBase) {
    return HostileDc::Decent(request);
  }
  return {};
}

asio::awaitable<void> PollOnce(AdUsnSource* source, bool* ended) {
  IgnoringSink sink;
  std::string cursor;
  monitor::BatchId batch("round");
  const Status polled = co_await source->Poll(std::move(cursor), std::move(batch), sink);
  static_cast<void>(polled);
  *ended = true;
}

TEST(ThreeSessions, AreAllThatASourceHasAndNoneWaitsForAnother) {
  asio::io_context context;
  HostileDc dc(context);
  size_t searches_kept = 0;
  dc.OnSearch([&searches_kept](const LdapMessage& request) {
    HostileDc::Reply reply = KeepWaiting(request);
    if (reply.bytes.empty()) ++searches_kept;
    return reply;
  });
  SystemClock clock;
  RealScheduler scheduler(clock);
  SeededRng rng(1);
  Logger quiet(LogLevel::kError, LogFormat::kLogfmt);
  ThreadLane lane("ldap", 2);
  LaneTurns turns(lane, 2);
  const auto sessions = directory::MakeOpenLdapSessionFactory(turns, clock);
  AdSourceOptions options;
  options.name = monitor::SourceName("corp");
  options.servers = {dc.Options().server};
  options.ca_file = dc.Options().ca_file;
  options.bind = dc.Options().bind;
  options.pin = std::make_shared<AdPin>();
  RecordingObserver observer;
  DeafPort port;
  AdUsnSource source(options, *sessions, clock, quiet);
  AdNotifier notifier(context.get_executor(), options, *sessions, source, port, scheduler, rng,
                      quiet, observer);
  AdDirectReads reads(options, *sessions, scheduler, quiet);

  TaskGroup tasks(context.get_executor());
  bool polled = false;
  tasks.Spawn(PollOnce(&source, &polled));
  tasks.Spawn(notifier.Listen());
  // The snapshot's search and the notification's: neither is ever answered.
  for (int i = 0; i < 3000 && searches_kept < 2; ++i) {
    context.restart();
    context.run_one_for(std::chrono::milliseconds(20));
  }
  ASSERT_EQ(searches_kept, 2U);
  monitor::Guid ann;
  ann.bytes = {'a', 'n', 'n', '.', '.', '.', '.', '.', '.', '.', '.', '.', '.', '.', '.', '.'};
  for (int i = 0; i < 10; ++i) {
    const auto read = RunOn(context, reads.ReadAccount(ann));
    ASSERT_TRUE(read.ok()) << read.status();
  }
  EXPECT_FALSE(polled) << "the snapshot is under way all the while";
  EXPECT_EQ(dc.connections(), 3U);
  tasks.Cancel();
  context.restart();
  RunOn(context, [](TaskGroup* group) -> asio::awaitable<bool> {
    co_await group->Join();
    co_return true;
  }(&tasks));
}

}  // namespace
}  // namespace driftwarden::watchers
