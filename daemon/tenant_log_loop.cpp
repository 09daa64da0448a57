#include "daemon/tenant_log_loop.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "daemon/outage.h"

namespace driftwarden::daemon {

using monitor::LogLimit;
using monitor::LogLook;
using monitor::TenantLog;
using watchers::LogPage;

namespace {

constexpr TenantLog kChangeLogs[] = {TenantLog::kDirectoryAudits, TenantLog::kProvisioning};
constexpr TenantLog kSignInLogs[] = {TenantLog::kInteractiveSignIns,
                                     TenantLog::kNonInteractiveSignIns};

}  // namespace

TenantLogLoop::TenantLogLoop(LogFeed& feed, watchers::TenantLogs& logs, monitor::LinkName link,
                             monitor::SourceName source, std::function<bool()> cloud_sync,
                             Scheduler& scheduler, Rng& rng, Logger& log, TenantLogOptions options)
    : feed_(feed),
      logs_(logs),
      link_(std::move(link)),
      source_(std::move(source)),
      cloud_sync_(std::move(cloud_sync)),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      options_(options),
      backoff_(options.interval, options.interval * 8, rng) {}

asio::awaitable<void> TenantLogLoop::Run() {
  const TenantLogRound bounds;
  while (true) {
    const Status read = co_await ReadOnce(bounds);
    if (read.code() == StatusCode::kCancelled) co_return;
    absl::Duration wait = options_.interval;
    if (read.ok()) {
      backoff_.Reset();
    } else {
      wait = std::max({wait, backoff_.Next(), RetryAfter(read).value_or(absl::ZeroDuration())});
    }
    const Status slept = co_await scheduler_.SleepFor(wait);
    if (!slept.ok()) co_return;
  }
}

asio::awaitable<Status> TenantLogLoop::ReadOnce(TenantLogRound bounds) {
  batch_ = monitor::BatchId(MakeUuid(rng_));
  failed_ = OkStatus();
  engine_failed_ = false;
  const Status ended = co_await Round(bounds);
  if (ended.code() == StatusCode::kCancelled || engine_failed_) co_return ended;
  const Status failed = ended.ok() ? failed_ : ended;
  Note(failed);
  co_return failed;
}

bool TenantLogLoop::Ends(const Status& status) {
  if (status.ok()) return false;
  // When nothing answers there is no use in asking the rest; a broken answer, or a log that wants
  // patience, says nothing about the others.
  const bool ends = engine_failed_ || status.code() == StatusCode::kCancelled || IsOutage(status);
  if (failed_.ok()) failed_ = status;
  return ends;
}

asio::awaitable<Status> TenantLogLoop::Round(TenantLogRound bounds) {
  const Status said = co_await SayWhatIsOff();
  if (!said.ok()) co_return said;
  for (const TenantLog log : kChangeLogs) {
    const bool wanted = log == TenantLog::kDirectoryAudits || cloud_sync_();
    if (!options_.directory_audits || !wanted) continue;
    const Status read = co_await ReadChanges(log, bounds.pages);
    if (Ends(read)) co_return read;
  }
  for (const TenantLog log : kSignInLogs) {
    if (!options_.sign_ins) break;
    const Status read = co_await ReadSignIns(log, bounds);
    if (Ends(read)) co_return read;
  }
  const Status read = co_await ReadDevices(bounds.devices);
  if (Ends(read)) co_return read;
  co_return OkStatus();
}

asio::awaitable<Status> TenantLogLoop::Deliver(LogLook look) {
  const Status delivered = co_await feed_.DeliverLog(std::move(look));
  if (!delivered.ok()) engine_failed_ = true;
  co_return delivered;
}

asio::awaitable<Status> TenantLogLoop::SayWhatIsOff() {
  for (const TenantLog log : monitor::kAllTenantLogs) {
    const bool changes = log == TenantLog::kDirectoryAudits || log == TenantLog::kProvisioning;
    if (changes ? options_.directory_audits : options_.sign_ins) continue;
    if (said_off_.contains(log)) continue;
    LogLook look;
    look.batch = batch_;
    look.source = source_;
    look.log = log;
    look.limit = LogLimit::kSwitchedOff;
    const Status delivered = co_await Deliver(std::move(look));
    if (!delivered.ok()) co_return delivered;
    said_off_.insert(log);
  }
  co_return OkStatus();
}

asio::awaitable<Status> TenantLogLoop::ReadChanges(TenantLog log, size_t pages) {
  Reading& reading = readings_[log];
  if (reading.page.next.empty()) reading.from = feed_.ChangesFrom(log);
  if (reading.from == absl::InfiniteFuture()) co_return OkStatus();
  for (size_t i = 0; i < pages; ++i) {
    LogPage page = reading.page;
    reading.page.next.clear();  // after an error it begins anew
    monitor::BatchId batch = batch_;
    auto look = co_await logs_.ReadChanges(log, reading.from, std::move(batch), &page);
    if (!look.ok()) co_return look.status();
    const Status delivered = co_await Deliver(*std::move(look));
    if (!delivered.ok()) co_return delivered;
    reading.page = std::move(page);
    if (reading.page.next.empty()) co_return OkStatus();
  }
  co_return OkStatus();
}

asio::awaitable<Status> TenantLogLoop::ReadSignIns(TenantLog log, TenantLogRound bounds) {
  std::vector<Person> people;
  if (const auto left = unfinished_.find(log); left != unfinished_.end()) {
    people.push_back(std::move(left->second));
    unfinished_.erase(left);
  }
  auto targets = co_await feed_.SignInTargets(log, bounds.people);
  if (!targets.ok()) {
    engine_failed_ = true;
    co_return targets.status();
  }
  const std::string going_on = people.empty() ? "" : people.front().target.entra_id;
  for (LogTarget& target : *targets) {
    if (target.entra_id.empty() || target.entra_id == going_on) continue;
    if (people.size() < bounds.people) people.push_back({std::move(target), LogPage()});
  }
  Status failed;
  bool stop = false;
  for (size_t i = 0; i < people.size() && !stop; ++i) {
    auto reading = ReadPerson(log, std::move(people[i]), bounds.sign_in_pages, &stop);
    const Status read = co_await std::move(reading);
    // One whose answer is broken hides nobody else's.
    if (!read.ok() && failed.ok()) failed = read;
    const bool broken = read.code() == StatusCode::kDataLoss;
    if (!read.ok() && (engine_failed_ || !broken)) co_return read;
  }
  co_return failed;
}

asio::awaitable<Status> TenantLogLoop::ReadPerson(TenantLog log, Person person, size_t pages,
                                                  bool* stop) {
  for (size_t i = 0; i < pages; ++i) {
    std::string id = person.target.entra_id;
    monitor::BatchId batch = batch_;
    auto look = co_await logs_.ReadSignIns(log, std::move(id), person.target.from, std::move(batch),
                                           &person.page);
    if (!look.ok()) co_return look.status();
    *stop = look->limit != LogLimit::kNone;
    const Status delivered = co_await Deliver(*std::move(look));
    if (!delivered.ok()) co_return delivered;
    if (*stop || person.page.next.empty()) co_return OkStatus();
  }
  unfinished_[log] = std::move(person);
  co_return OkStatus();
}

asio::awaitable<Status> TenantLogLoop::ReadDevices(size_t limit) {
  auto targets = co_await feed_.DeviceTargets(limit);
  if (!targets.ok()) {
    engine_failed_ = true;
    co_return targets.status();
  }
  Status failed;
  for (const LogTarget& target : *targets) {
    if (target.entra_id.empty()) continue;
    std::string id = target.entra_id;
    monitor::BatchId batch = batch_;
    auto look = co_await logs_.ReadDevices(std::move(id), std::move(batch));
    // A deleted account's devices are no longer told.
    if (look.status().code() == StatusCode::kNotFound) continue;
    if (!look.ok()) {
      if (look.status().code() != StatusCode::kDataLoss) co_return look.status();
      failed.Update(look.status());
      continue;
    }
    const bool stop = look->limit != LogLimit::kNone;
    const Status delivered = co_await feed_.DeliverDevices(*std::move(look));
    if (!delivered.ok()) {
      engine_failed_ = true;
      co_return delivered;
    }
    if (stop) break;
  }
  co_return failed;
}

void TenantLogLoop::Note(const Status& status) {
  const std::string text(Message(status));
  if (text.empty() == last_error_.empty()) return;  // request ids differ each time
  last_error_ = text;
  const std::vector<LogField> fields = {{"link", link_.value}, {"batch", batch_.value}};
  if (status.ok()) {
    log_.Info("tenant_logs_read_again", "the tenant's logs are read again", fields);
  } else if (IsOutage(status)) {
    log_.Info("tenant_logs_not_read", text, fields);  // the poll meets it too, and tells it
  } else {
    log_.Warn("tenant_logs_not_read", text, fields);
  }
}

}  // namespace driftwarden::daemon
