// The engine's side of telling: what should be firing, and committing what was told.

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "daemon/alert_text.h"
#include "daemon/engine.h"

namespace driftwarden::daemon {

using alerts::PendingAlert;
using monitor::Changes;
using monitor::DeliveryReport;
using monitor::Incident;
using monitor::PeopleSet;

namespace {

constexpr size_t kPeopleAtOnce = 500;

// A report that tells nothing new: the same label set was announced before and fires still.
bool IsRepeat(const DeliveryReport& report, const Incident& incident) {
  const auto& announced = incident.announced;
  const bool known =
      std::find(announced.begin(), announced.end(), report.labels) != announced.end();
  return report.firing == known;
}

}  // namespace

asio::awaitable<StatusOr<std::vector<PendingAlert>>> Engine::Pending() {
  auto read = PendingOnStrand();
  auto pending = co_await RunOn(strand_, std::move(read));
  co_return pending;
}

asio::awaitable<StatusOr<std::vector<PendingAlert>>> Engine::PendingOnStrand() {
  if (!failed_.ok()) co_return failed_;
  auto list = [this] { return parts_.store.Incidents(link_); };
  auto listed = co_await OnLane(parts_.lane, std::move(list));
  if (!listed.ok()) co_return Annotate(listed.status(), link_.value);
  const std::vector<Incident> incidents = std::move(*listed);
  std::vector<PendingAlert> pending;
  for (size_t begin = 0; begin < incidents.size(); begin += kPeopleAtOnce) {
    const size_t end = std::min(begin + kPeopleAtOnce, incidents.size());
    store::PeopleKeys keys;
    for (size_t i = begin; i < end; ++i) {
      if (incidents[i].person) keys.ordinals.push_back(*incidents[i].person);
    }
    auto people = co_await Load(std::move(keys));
    if (!people.ok()) co_return people.status();
    const AlertContext context{*state_, *policy_, Now(), options_.resend_interval,
                               options_.external_url};
    for (size_t i = begin; i < end; ++i) {
      const monitor::Person* person = nullptr;
      if (incidents[i].person) {
        const auto found = people->by_ordinal.find(*incidents[i].person);
        if (found != people->by_ordinal.end()) person = &found->second;
      }
      std::vector<PendingAlert> alerts = PendingAlertsOf(incidents[i], person, context);
      pending.insert(pending.end(), std::make_move_iterator(alerts.begin()),
                     std::make_move_iterator(alerts.end()));
    }
  }
  co_return pending;
}

asio::awaitable<Status> Engine::WaitForChange(absl::Duration at_most) {
  auto wait = alerts_wake_.WaitFor(parts_.scheduler, at_most);
  const Status woken = co_await RunOn(strand_, std::move(wait));
  co_return woken;
}

asio::awaitable<Status> Engine::ReportDeliveries(std::vector<DeliveryReport> reports) {
  auto body = DeliveriesBody(std::move(reports));
  const Status done = co_await Command(Urgency::kOutcome, std::move(body));
  co_return done;
}

asio::awaitable<Status> Engine::DeliveriesBody(std::vector<DeliveryReport> reports) {
  auto list = [this] { return parts_.store.Incidents(link_); };
  auto listed = co_await OnLane(parts_.lane, std::move(list));
  if (!listed.ok()) co_return Annotate(listed.status(), link_.value);
  std::vector<Incident> incidents = std::move(*listed);
  std::set<monitor::IncidentId> touched;
  std::erase_if(reports, [&](const DeliveryReport& report) {
    const auto same = [&](const Incident& incident) { return incident.id == report.incident; };
    const auto found = std::find_if(incidents.begin(), incidents.end(), same);
    if (found == incidents.end() || IsRepeat(report, *found)) return true;
    touched.insert(report.incident);
    return false;
  });
  if (reports.empty()) co_return OkStatus();
  std::erase_if(incidents,
                [&](const Incident& incident) { return touched.count(incident.id) == 0; });
  store::PeopleKeys keys;
  for (const Incident& incident : incidents) {
    if (incident.person) keys.ordinals.push_back(*incident.person);
  }
  auto people = co_await Load(std::move(keys));
  if (!people.ok()) co_return people.status();
  const absl::Time now = Now();
  Changes changes =
      monitor::ApplyDelivery(MakeContext(now), std::move(*people), std::move(incidents), reports);
  const Status committed = co_await Commit(std::move(changes));
  co_return committed;
}

}  // namespace driftwarden::daemon
