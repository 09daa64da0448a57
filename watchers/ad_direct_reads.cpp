#include "watchers/ad_direct_reads.h"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "base/async/task_group.h"
#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::watchers {
namespace {

AdSourceOptions ForSecondOpinions(AdSourceOptions options, std::shared_ptr<AdPin> avoided) {
  options.pin = std::move(avoided);
  options.avoids_pin = true;
  // A bind blocks a thread and cannot be cut short from outside.
  options.network_timeout = std::min(options.network_timeout, kSecondOpinionLimit);
  options.direct_timeout = std::min(options.direct_timeout, kSecondOpinionLimit);
  return options;
}

AdSourceOptions ForReads(AdSourceOptions options) {
  options.follows_pin = true;
  return options;
}

}  // namespace

AdDirectReads::AdDirectReads(AdSourceOptions options, directory::SessionFactory& sessions,
                             Scheduler& scheduler, Logger& log)
    : name_(options.name),
      scheduler_(scheduler),
      reader_(ForReads(options), sessions, scheduler.clock(), log),
      avoided_(std::make_shared<AdPin>()),
      other_(ForSecondOpinions(options, avoided_), sessions, scheduler.clock(), log) {}

asio::awaitable<StatusOr<monitor::Observation>> AdDirectReads::ReadAccount(monitor::Guid guid) {
  auto read = co_await reader_.ReadAccount(guid);
  co_return read;
}

asio::awaitable<StatusOr<std::vector<monitor::Observation>>> AdDirectReads::ReadAccounts(
    std::vector<monitor::Guid> guids) {
  auto read = co_await reader_.ReadAccounts(std::move(guids));
  co_return read;
}

asio::awaitable<StatusOr<monitor::Observation>> AdDirectReads::ReadAccountElsewhere(
    monitor::Guid guid) {
  const auto executor = co_await asio::this_coro::executor;
  const AdConnection& asked = reader_.connection();
  avoided_->server = asked.server();
  avoided_->dsa = asked.state().dsa;
  StatusOr<monitor::Observation> answer =
      UnavailableError(Cat(name_.value, ": no second domain controller answered within ",
                           HumanDuration(kSecondOpinionLimit)));
  AsyncEvent done(executor);
  TaskGroup both(executor);
  both.Spawn(Ask(guid, &answer, &done));
  both.Spawn(GiveUp(&done));
  const bool in_time = co_await done.Wait();
  both.Cancel();
  co_await both.Join();
  if (!in_time) co_return CancelledError("stopping");
  co_return answer;
}

asio::awaitable<void> AdDirectReads::Ask(monitor::Guid guid, StatusOr<monitor::Observation>* answer,
                                         AsyncEvent* done) {
  auto read = co_await other_.ReadAccount(guid);
  // Cancelled: the time is over, and the answer says so already.
  if (read.status().code() != StatusCode::kCancelled) *answer = std::move(read);
  done->Set();
}

asio::awaitable<void> AdDirectReads::GiveUp(AsyncEvent* done) {
  const Status slept = co_await scheduler_.SleepFor(kSecondOpinionLimit);
  if (slept.ok()) done->Set();
}

}  // namespace driftwarden::watchers
