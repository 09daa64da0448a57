#include "daemon/residue_loop.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "daemon/outage.h"

namespace driftwarden::daemon {

using monitor::Residue;
using monitor::ResidueOutcome;
using watchers::ResidueLook;

namespace {

// All of it was to be read and nothing was, for a reason that is this person's own.
ResidueLook FailedResidueLook(const Status& status, absl::Time now) {
  ResidueLook look;
  look.requests = watchers::TenantResidue::kRequestsAtLeast;
  for (const monitor::ResidueArea area : monitor::kAllResidueAreas) {
    monitor::ResidueFindings& findings = look.areas[area];
    findings.outcome = ResidueOutcome::kFailed;
    findings.at = now;
    findings.detail = std::string(Message(status));
  }
  return look;
}

}  // namespace

ResidueLoop::ResidueLoop(ResidueFeed& feed, watchers::TenantResidue& reader, monitor::LinkName link,
                         Scheduler& scheduler, Rng& rng, Logger& log, ResidueOptions options)
    : feed_(feed),
      reader_(reader),
      link_(std::move(link)),
      scheduler_(scheduler),
      rng_(rng),
      log_(log),
      options_(options),
      backoff_(options.interval, options.interval * 60, rng) {}

asio::awaitable<void> ResidueLoop::Run() {
  absl::Duration wait = options_.interval;
  while (true) {
    const Status slept = co_await scheduler_.SleepFor(wait);
    if (!slept.ok()) co_return;
    const Status read = co_await ReadSome();
    if (read.code() == StatusCode::kCancelled) co_return;
    wait = options_.interval;
    if (read.ok()) {
      if (more_) wait = absl::ZeroDuration();  // each of them was paid for
      backoff_.Reset();
    } else {
      wait = std::max({wait, backoff_.Next(), RetryAfter(read).value_or(absl::ZeroDuration())});
    }
  }
}

asio::awaitable<Status> ResidueLoop::ReadSome() {
  auto targets = co_await feed_.Next(options_.people);
  Status status = targets.status();
  more_ = targets.ok() && targets->size() >= options_.people;
  for (size_t i = 0; status.ok() && i < targets->size(); ++i) {
    ResidueTarget target = std::move((*targets)[i]);
    status = co_await ReadOne(std::move(target));
  }
  if (status.code() != StatusCode::kCancelled) Note(status);
  co_return status;
}

asio::awaitable<Status> ResidueLoop::ReadOne(ResidueTarget target) {
  std::string entra_id = target.entra_id;
  std::string request_id = MakeUuid(rng_);
  auto look = co_await reader_.Read(std::move(entra_id), std::move(request_id));
  const absl::Time now = scheduler_.clock().Wall();
  if (!look.ok()) {
    const Status& status = look.status();
    const bool passing = status.code() == StatusCode::kCancelled ||
                         status.code() == StatusCode::kResourceExhausted || IsOutage(status);
    if (passing) co_return status;
    look = FailedResidueLook(status, now);
  }
  const size_t requests = look->requests;
  Residue residue;
  residue.person = target.person;
  residue.entra_id = target.entra_id;
  residue.read = now;
  residue.areas = std::move(look->areas);
  const Status delivered = co_await feed_.Deliver(std::move(residue));
  if (!delivered.ok()) co_return delivered;
  // Paid for afterwards: what one person costs is known only then.
  const absl::Duration pause =
      absl::Minutes(1) * (static_cast<double>(requests) / options_.requests_a_minute);
  const Status slept = co_await scheduler_.SleepFor(pause);
  co_return slept;
}

void ResidueLoop::Note(const Status& status) {
  const std::string text(Message(status));
  if (text.empty() == last_error_.empty()) return;  // request ids differ each time
  last_error_ = text;
  const std::vector<LogField> fields = {{"link", link_.value}};
  if (status.ok()) {
    log_.Info("residue_read_again", "what remains of people is read again", fields);
  } else {
    // The report says what was not evaluated; nothing else depends on it.
    log_.Info("residue_not_read", text, fields);
  }
}

}  // namespace driftwarden::daemon
