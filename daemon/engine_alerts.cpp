// The engine's side of telling: what should be firing, and committing what was told.

#include <algorithm>
#include <iterator>
#include <set>

#include "base/strings.h"
#include "daemon/alert_fold.h"
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

store::PeopleKeys KeysOf(const std::vector<Incident>& incidents, size_t begin, size_t end) {
  store::PeopleKeys keys;
  for (size_t i = begin; i < end; ++i) {
    if (incidents[i].person) keys.ordinals.push_back(*incidents[i].person);
  }
  return keys;
}

// Null: of nobody, or of somebody who is gone.
const monitor::Person* PersonOf(const Incident& incident, const PeopleSet& people) {
  if (!incident.person) return nullptr;
  const auto found = people.by_ordinal.find(*incident.person);
  return found == people.by_ordinal.end() ? nullptr : &found->second;
}

Telling TellingOf(const AlertFold& fold, const monitor::IncidentId& incident) {
  if (fold.Counts(incident)) return Telling::kCounted;
  return fold.Holds(incident) ? Telling::kFolded : Telling::kAlone;
}

// Whom the summary of those without a revocation is about: tier 0 first. Blocks.
StatusOr<AlertCrowd> NotRevokedCrowd(store::StateStore& store, const monitor::LinkName& link,
                                     const monitor::Policy& policy,
                                     const monitor::LinkCause& cause) {
  AlertCrowd crowd;
  crowd.people = cause.people;
  crowd.worst = cause.severity;
  for (const bool tier0 : {true, false}) {
    std::vector<std::string>& names =
        crowd.names[tier0 ? monitor::Severity::kWarning : monitor::Severity::kInfo];
    store::PeopleFilter filter;
    filter.kind = monitor::DriftKind::kTokenNotRevoked;
    filter.where = [&policy, tier0](const monitor::Person& person) {
      const monitor::TierName& tier = person.episode->tier;
      return (tier.value == monitor::kTier0) == tier0 && !monitor::RevokesByItself(policy, tier);
    };
    std::string cursor;
    do {
      DW_ASSIGN_OR_RETURN(const auto page,
                          store.ListPeople(link, filter, cursor, kNamedPeople - names.size()));
      for (const monitor::Person& person : page.items) names.push_back(NameOf(person));
      cursor = page.next_cursor;
    } while (!cursor.empty() && names.size() < kNamedPeople);
  }
  return crowd;
}

void Append(std::vector<PendingAlert>& to, std::vector<PendingAlert> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
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
  // As they are now, whatever is committed while people are read.
  const std::shared_ptr<const monitor::LinkState> state = state_;
  const std::shared_ptr<const monitor::Policy> policy = policy_;
  const monitor::LinkSituation situation{*state, *policy, Now(), running_since_};
  AlertFold fold(situation);
  if (fold.MayFold()) {
    for (size_t begin = 0; begin < incidents.size(); begin += kPeopleAtOnce) {
      const size_t end = std::min(begin + kPeopleAtOnce, incidents.size());
      store::PeopleKeys keys = KeysOf(incidents, begin, end);
      auto people = co_await Load(std::move(keys));
      if (!people.ok()) co_return people.status();
      for (size_t i = begin; i < end; ++i) {
        const monitor::Person* person = PersonOf(incidents[i], *people);
        if (person != nullptr) fold.Look(incidents[i], *person);
      }
    }
    fold.Decide();
  }
  for (const monitor::LinkCause& cause : state->causes.causes) {
    if (cause.kind != monitor::CauseKind::kNotRevoked || cause.ended_at) continue;
    const Status named = co_await NameCounted(cause, *policy, &fold);
    if (!named.ok()) co_return named;
  }
  const AlertContext context{*state, *policy, situation.now, options_.resend_interval,
                             options_.external_url};
  std::vector<PendingAlert> pending;
  for (const monitor::LinkCause& cause : state->causes.causes) {
    Append(pending, PendingAlertsOf(cause, fold, context));
  }
  std::vector<Incident> told;
  for (const Incident& incident : incidents) {
    // Told of by its cause, and by nothing else before: it need not be read again.
    if (!fold.Holds(incident.id) || !incident.announced.empty()) told.push_back(incident);
  }
  for (size_t begin = 0; begin < told.size(); begin += kPeopleAtOnce) {
    const size_t end = std::min(begin + kPeopleAtOnce, told.size());
    store::PeopleKeys keys = KeysOf(told, begin, end);
    auto people = co_await Load(std::move(keys));
    if (!people.ok()) co_return people.status();
    for (size_t i = begin; i < end; ++i) {
      const monitor::Person* const person = PersonOf(told[i], *people);
      if (person != nullptr && monitor::IsLeftBehind(told[i], *person)) {
        told[i].ended_at = situation.now;
      }
      Append(pending, PendingAlertsOf(told[i], person, TellingOf(fold, told[i].id), context));
    }
  }
  co_return pending;
}

// As the count stands, so do the names: what nobody has to act on at once changes once a day.
asio::awaitable<Status> Engine::NameCounted(const monitor::LinkCause& cause,
                                            const monitor::Policy& policy, AlertFold* fold) {
  CountedNames& names = counted_names_;
  if (names.number != cause.number || names.counted_at != cause.counted_at) {
    auto look = [this, &cause, &policy] {
      return NotRevokedCrowd(parts_.store, link_, policy, cause);
    };
    auto crowd = co_await OnLane(parts_.lane, std::move(look));
    if (!crowd.ok()) co_return Annotate(crowd.status(), link_.value);
    names = {cause.number, cause.counted_at, std::move(*crowd)};
  }
  fold->Name(cause, names.crowd);
  co_return OkStatus();
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
  for (const monitor::LinkCause& cause : state_->causes.causes) {
    incidents.push_back(monitor::CauseIncident(cause, link_, monitor::Severity::kWarning));
  }
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
