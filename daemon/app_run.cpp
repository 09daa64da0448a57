// Working and ending: what runs, in which order it starts and stops.

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <exception>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "daemon/app_parts.h"
#include "daemon/json_text.h"
#include "daemon/verbs.h"
#include "monitor/advice.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

constexpr absl::Duration kFlushFor = absl::Seconds(10);
constexpr absl::Duration kUnsubscribeFor = absl::Seconds(3);
constexpr absl::Duration kHousekeepEvery = absl::Seconds(15);
constexpr int kChainTurns = 20;  // of one link, each time; more than any engine commits meanwhile

void Rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);  // an exception out of a coroutine is a bug: terminate
}

asio::awaitable<void> FlushAll(std::vector<alerts::Dispatcher*> dispatchers) {
  for (alerts::Dispatcher* dispatcher : dispatchers) {
    const Status sent = co_await dispatcher->DispatchOnce();
    if (sent.code() == StatusCode::kCancelled) co_return;
  }
}

// Of a run that ends after one pass: five reports at most.
TenantLogRound OneLogRound() {
  TenantLogRound round;
  round.pages = 1;
  round.sign_in_pages = 1;
  round.people = 1;
  return round;
}

// Cancels `group` after `wait`.
asio::awaitable<void> CancelLater(TaskGroup* group, Scheduler* scheduler, absl::Duration wait) {
  const Status slept = co_await scheduler->SleepFor(wait);
  if (slept.ok()) group->Cancel();
}

}  // namespace

void App::Parts::OnStoreFailed(const Status& status) {
  if (!store_failure.ok()) return;
  store_failure = status;
  log.Error("store_failed", Message(status), {{"data_dir", config.data_dir}});
  if (stop != nullptr) stop->Set();
}

asio::awaitable<Status> App::Parts::OpenEngines() {
  for (const auto& link : links) {
    const Status opened = co_await link->engine->Open();
    if (!opened.ok()) co_return Annotate(opened, Cat("link ", link->policy->link.value));
  }
  co_return OkStatus();
}

Status App::Parts::Listen() {
  net::ServerOptions options;
  options.address = config.http.address == "localhost" ? "127.0.0.1" : config.http.address;
  options.port = config.http.port;
  options.clock = &clock;
  if (!config.http.tls.cert_file.empty()) {
    DW_ASSIGN_OR_RETURN(
        options.tls, net::LoadTlsServerConfig(config.http.tls.cert_file, config.http.tls.key_file,
                                              config.http.tls.client_ca_file));
  }
  const bool secure = options.tls.has_value();
  const bool brackets = options.address.find(':') != std::string::npos;
  const std::string host = brackets ? Cat("[", options.address, "]") : options.address;
  DW_ASSIGN_OR_RETURN(const uint16_t port, server->Listen(std::move(options)));
  net::ServerOptions socket;
  socket.unix_path = config.data_dir + "/control.sock";
  socket.clock = &clock;
  const std::string socket_path = socket.unix_path;
  DW_ASSIGN_OR_RETURN([[maybe_unused]] const uint16_t none, server->Listen(std::move(socket)));
  DW_RETURN_IF_ERROR(notifications->Listen());
  const std::string url = Cat(secure ? "https://" : "http://", host, ":", port);
  json::object run;
  run["pid"] = ::getpid();
  run["http"] = url;
  run["socket"] = socket_path;
  run["version"] = VersionText();
  for (const auto& [source, at] : notifications->addresses()) {
    if (!run.contains("notifications")) run["notifications"].emplace_object();
    run["notifications"].as_object()[source] = at;
  }
  DW_RETURN_IF_ERROR(WriteFileAtomic(config.data_dir + "/run.json", PrettyJson(run), 0644));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    address = url;
  }
  log.Info("listening", "the API and /metrics answer", {{"http", url}, {"socket", socket_path}});
  return OkStatus();
}

asio::awaitable<void> App::Parts::WatchSignals() {
  asio::signal_set set(io, SIGTERM, SIGINT);
  if (reload_on_hangup) set.add(SIGHUP);
  bool stopping = false;
  while (true) {
    const auto [error, number] = co_await set.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    if (number == SIGHUP) {
      if (!stopping) signals->Spawn(ReloadOnHangup());
      continue;
    }
    // Crash-safe by construction: the data directory is whole whenever we end.
    if (stopping) ::_exit(128 + number);
    stopping = true;
    log.Info("stopping", "finishing the command in hand; a second signal ends at once",
             {{"signal", number}});
    stop->Set();
  }
}

// The tenant's allowance goes by its size, which the last full read told.
void App::Parts::SizeBudgets() {
  for (const auto& tenant : tenants) {
    uint64_t users = 0;
    for (const auto& link : links) {
      const auto state = link->engine->State();
      const auto source = state->sources.find(tenant->config.name);
      if (source == state->sources.end() || !source->second.snapshot_complete ||
          source->second.snapshot_running) {
        continue;
      }
      users = std::max(users, source->second.snapshot_objects);
    }
    if (users > 0) tenant->client->budget().SetDirectorySize(users);
  }
}

asio::awaitable<void> App::Parts::Housekeep() {
  while (true) {
    SizeBudgets();
    auto read = [this] { return store->Stats(); };
    const auto stats = co_await OnLane(read_lane, std::move(read));
    RefreshStoreMetrics(stats);
    for (const auto& link : links) {
      auto count = [this, &link] { return TakeCensus(*store, link->policy->link, clock.Wall()); };
      const auto census = co_await OnLane(read_lane, std::move(count));
      if (census.ok()) link->metrics->SetCensus(*census);
      co_await VerifyChain(link.get());
    }
    const Status slept = co_await scheduler.SleepFor(kHousekeepEvery);
    if (!slept.ok()) co_return;
  }
}

// A page at a time, so that readers of the API get their turn on the lane in between.
asio::awaitable<void> App::Parts::VerifyChain(Link* link) {
  const std::string name = link->policy->link.value;
  for (int turn = 0; turn < kChainTurns; ++turn) {
    auto verify = [link] { return link->chain->Turn(); };
    const auto report = co_await OnLane(read_lane, std::move(verify));
    if (!report.ok()) {
      if (report.status().code() == StatusCode::kCancelled) co_return;
      log.Warn("evidence_not_verified", Message(report.status()), {{"link", name}});
      co_return;
    }
    link->metrics->SetChainWhole(report->whole);
    if (report->changed && !report->whole) {
      log.Error("evidence_broken", Message(report->fault),
                {{"link", name}, {"evidence", report->entry}});
    } else if (report->changed) {
      log.Info("evidence_whole", "a full pass found the chain of evidence whole again",
               {{"link", name}});
    }
    if (!report->behind) co_return;
  }
}

void App::Parts::RefreshStoreMetrics(const StatusOr<store::StoreStats>& stats) {
  registry.Set(metrics::Metric::kMemoryBytes, {"budget"},
               static_cast<double>(config.memory_budget));
  const auto statm = ReadFile("/proc/self/statm", 4096);
  if (statm.ok()) {
    const std::vector<std::string> fields = SplitString(*statm, ' ');
    const auto pages = fields.size() > 1 ? ParseUint64(fields[1]) : std::nullopt;
    if (pages) {
      registry.Set(metrics::Metric::kMemoryBytes, {"resident"},
                   static_cast<double>(*pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    }
  }
  if (!stats.ok()) return;
  for (const auto& [part, bytes] : stats->bytes) {
    registry.Set(metrics::Metric::kStoreBytes, {part}, static_cast<double>(bytes));
  }
}

// Each receiver for itself: one that hangs takes no time from the others.
void App::Parts::TellEverybody(const alerts::Alert& alert, absl::Duration give_up,
                               TaskGroup& group) {
  const TellParts parts{scheduler, rng, log, *delivery_metrics};
  for (const auto& sink : sinks) {
    group.Spawn(TellUntilTaken(sink.get(), alert, parts, give_up));
  }
}

// To the receivers, within bounds; what is lost here is sent again after a restart.
asio::awaitable<void> App::Parts::LastWord() {
  TaskGroup flush(io.get_executor());
  TaskGroup timer(io.get_executor());
  if (store_failure.ok()) {
    std::vector<alerts::Dispatcher*> dispatchers;
    for (const auto& link : links) dispatchers.push_back(link->dispatcher.get());
    flush.Spawn(FlushAll(std::move(dispatchers)));
  } else {
    const alerts::Alert alert = StoreFailedAlert(store_failure, config.data_dir, clock.Wall(),
                                                 config.alerting.external_url);
    TellEverybody(alert, kFlushFor, flush);
  }
  timer.Spawn(CancelLater(&flush, &scheduler, kFlushFor));
  co_await flush.Join();
  timer.Cancel();
  co_await timer.Join();
}

// Subscriptions that are left end by themselves: nobody waits long for it.
asio::awaitable<void> App::Parts::Unsubscribe() {
  TaskGroup drops(io.get_executor());
  TaskGroup timer(io.get_executor());
  for (const auto& tenant : tenants) {
    if (tenant->subscription != nullptr) drops.Spawn(tenant->subscription->Drop());
  }
  timer.Spawn(CancelLater(&drops, &scheduler, kUnsubscribeFor));
  co_await drops.Join();
  timer.Cancel();
  co_await timer.Join();
}

asio::awaitable<void> App::Parts::TakeDown() {
  ready = false;
  co_await server->Stop();
  co_await notifications->Stop();
  pollers->Cancel();
  tellers->Cancel();
  for (const auto& link : links) link->engine->EndWaits();
  co_await pollers->Join();
  co_await tellers->Join();
  co_await Unsubscribe();
  co_await LastWord();
  for (const auto& link : links) link->engine->Stop();
  signals->Cancel();
  co_await signals->Join();
  ::unlink((config.data_dir + "/run.json").c_str());
}

asio::awaitable<void> App::Parts::Main(Status* result) {
  const Status opened = co_await OpenEngines();
  const Status listening = opened.ok() ? Listen() : opened;
  if (!listening.ok()) {
    co_await server->Stop();
    co_await notifications->Stop();
    if (!store_failure.ok()) co_await LastWord();
    *result = listening;
    co_return;
  }
  for (const auto& entry : directories) {
    pollers->Spawn(entry->loop->Run());
    pollers->Spawn(entry->group_loop->Run());
    if (entry->notifier == nullptr) continue;
    pollers->Spawn(entry->notifier->Listen());
    pollers->Spawn(entry->notifier->HandOn());
  }
  for (const auto& tenant : tenants) {
    pollers->Spawn(tenant->loop->Run());
    if (tenant->subscription == nullptr) continue;
    pollers->Spawn(tenant->subscription->Run());
    pollers->Spawn(tenant->subscription->HandOn());
  }
  for (const auto& link : links) {
    pollers->Spawn(link->direct_reads->Run());
    pollers->Spawn(link->verification->Run());
    pollers->Spawn(link->tenant_verification->Run());
    pollers->Spawn(link->tenant_loop->Run());
    pollers->Spawn(link->log_loop->Run());
    if (link->residue_loop != nullptr) pollers->Spawn(link->residue_loop->Run());
    pollers->Spawn(link->deadlines->Run());
    pollers->Spawn(link->actions->Run());
    tellers->Spawn(link->dispatcher->Run());
    tellers->Spawn(JudgeAnew(link.get()));
  }
  if (leavers != nullptr) pollers->Spawn(leavers->Run());
  tellers->Spawn(watchdog->Run());
  tellers->Spawn(Housekeep());
  signals->Spawn(WatchSignals());
  // A life before may have ended with its store: whoever was told then learns that it is over.
  TellEverybody(StoreMendedAlert(clock.Wall(), config.alerting.external_url), kStoreFailedFor,
                *tellers);
  ready = true;
  const bool asked = co_await stop->Wait();
  if (!asked) log.Warn("stopping", "cancelled");
  co_await TakeDown();
  *result = store_failure;
}

void App::TellUnopened(const Config& config, const Status& error, Logger& log) {
  // Another process at work in the directory watches; a newer schema is a fault of the upgrade.
  // Both are seen by whoever starts us.
  if (error.code() != StatusCode::kUnavailable && error.code() != StatusCode::kDataLoss) return;
  Parts parts(config, log);
  parts.delivery_metrics = std::make_unique<DeliveryMetrics>(parts.registry, parts.clock);
  const Status built = parts.BuildReceivers();
  if (!built.ok()) {
    log.Error("alert_delivery_failed", Message(built));
    return;
  }
  parts.store_failure = error;
  asio::co_spawn(parts.io, parts.LastWord(), [&parts](const std::exception_ptr& thrown) {
    Rethrow(thrown);
    parts.io.stop();
  });
  parts.io.run();
}

Status App::Run() {
  Parts& parts = *parts_;
  parts.pollers = std::make_unique<TaskGroup>(parts.io.get_executor());
  parts.tellers = std::make_unique<TaskGroup>(parts.io.get_executor());
  parts.signals = std::make_unique<TaskGroup>(parts.io.get_executor());
  parts.stop = std::make_unique<AsyncEvent>(parts.io.get_executor());
  Status result;
  asio::co_spawn(parts.io, parts.Main(&result), [&parts](const std::exception_ptr& error) {
    Rethrow(error);
    parts.io.stop();  // idle connections to servers would keep it running until they time out
  });
  parts.io.run();
  return result;
}

namespace {

// Those of the pending whom a pass that ends tells of: a daemon looks again, and warns. Blocks.
StatusOr<int64_t> CountOpenForOnePass(store::StateStore& store, const monitor::LinkState& link,
                                      const monitor::Policy& policy, absl::Time now) {
  constexpr size_t kPage = 500;
  store::PeopleFilter filter;
  filter.state = monitor::State::kPending;
  filter.where = [&](const monitor::Person& person) {
    return monitor::IsOpenForOnePass(person, link, policy, now);
  };
  int64_t people = 0;
  std::string cursor;
  do {
    DW_ASSIGN_OR_RETURN(const auto page, store.ListPeople(link.name, filter, cursor, kPage));
    people += static_cast<int64_t>(page.items.size());
    cursor = page.next_cursor;
  } while (!cursor.empty());
  return people;
}

}  // namespace

asio::awaitable<void> App::Parts::Once(OnceResult* out, Status* result) {
  const Status opened = co_await OpenEngines();
  if (!opened.ok()) {
    *result = opened;
    co_return;
  }
  for (const auto& entry : directories) {
    if (!entry->groups->wanted()) continue;
    const Status refreshed = co_await entry->group_loop->RefreshOnce();
    if (!refreshed.ok()) {
      out->unread.push_back(Cat(entry->config.name.value, ": ", Message(refreshed)));
    }
  }
  std::vector<watchers::SourceLoop*> loops;
  for (const auto& entry : directories) loops.push_back(entry->loop.get());
  for (const auto& tenant : tenants) loops.push_back(tenant->loop.get());
  for (watchers::SourceLoop* loop : loops) {
    Status polled = co_await loop->PollOnce();
    while (polled.ok() && loop->InSnapshot()) polled = co_await loop->PollOnce();
    if (!polled.ok()) out->unread.push_back(Cat(loop->name().value, ": ", Message(polled)));
  }
  for (int look = 0; look < 2 && leavers != nullptr; ++look) {  // the second one takes rows back
    const Status told = co_await leavers->Once();
    if (told.code() == StatusCode::kCancelled) co_return;
    // Not a source: nobody's state is less known without it.
    if (!told.ok() && look == 0) {
      out->faults.push_back(Cat("expected_leavers.csv_file: ", Message(told)));
    }
  }
  for (const auto& link : links) {
    // Its failures are told by the log; nothing that this run answers with waits for them.
    const Status told = co_await link->tenant_loop->LookOnce(true);
    if (told.code() == StatusCode::kCancelled) co_return;
    const Status read = co_await link->direct_reads->ReadOnce();
    if (!read.ok() && out->unread.empty()) out->unread.emplace_back(Message(read));
    // As much of the logs as the tenant lets be asked without a wait; as above.
    const TenantLogRound few = OneLogRound();
    const Status logged = co_await link->log_loop->ReadOnce(few);
    if (logged.code() == StatusCode::kCancelled) co_return;
    Status reviewed = co_await link->engine->ReviewAll();
    if (reviewed.ok()) reviewed = co_await link->engine->ReviewDue();
    if (!reviewed.ok()) *result = reviewed;
    const auto state = link->engine->State();
    out->open += static_cast<int64_t>(state->in_drift.All() + state->inherited_live);
    const auto policy = link->engine->CurrentPolicy();
    auto count = [this, &state, &policy] {
      return CountOpenForOnePass(*store, *state, *policy, clock.Wall());
    };
    const auto late = co_await OnLane(read_lane, std::move(count));
    if (!late.ok()) *result = late.status();
    if (late.ok()) out->open += *late;
  }
  out->summary_json = PrettyJson(api->StatusObject());
  for (const auto& link : links) link->engine->Stop();
}

StatusOr<App::OnceResult> App::RunOnce() {
  OnceResult out;
  Status result;
  parts_->ready = true;
  asio::co_spawn(parts_->io, parts_->Once(&out, &result), [this](const std::exception_ptr& error) {
    Rethrow(error);
    parts_->io.stop();
  });
  parts_->io.run();
  if (!result.ok()) return result;
  if (!parts_->store_failure.ok()) return parts_->store_failure;
  return out;
}

void App::ReloadOnHangup() {
  parts_->reload_on_hangup = true;
}

void App::RequestStop() {
  asio::post(parts_->io, [parts = parts_.get()] {
    if (parts->stop != nullptr) parts->stop->Set();
  });
}

std::string App::Address() const {
  const std::lock_guard<std::mutex> lock(parts_->mutex);
  return parts_->address;
}

}  // namespace driftwarden::daemon
