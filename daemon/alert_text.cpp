#include "daemon/alert_text.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "base/units.h"
#include "monitor/advice.h"
#include "monitor/evaluate.h"
#include "monitor/lags.h"

namespace driftwarden::daemon {

using monitor::Person;
using monitor::State;

namespace {

constexpr int kResendsAhead = 3;  // so many may be lost before a receiver lets the alert go

// Of an episode without a departure: what is wrong instead.
std::string_view DriftOf(const monitor::Episode& episode) {
  switch (LeadingKind(episode)) {
    case monitor::DriftKind::kAccountExpiredLive:
      return "expired in Active Directory, live in Entra: disable the account in Active Directory";
    case monitor::DriftKind::kReverseDrift:
      return "out of Entra, but enabled in Active Directory";
    case monitor::DriftKind::kAnchorConflict:
      return "two accounts claim the same identity";
    case monitor::DriftKind::kScopeExit:
      return "out of the sync engine's scope and live in Entra: no disable would reach it";
    case monitor::DriftKind::kLockedOutByUs:
      return "enabled in Active Directory, but locked out of Entra by driftwarden's own disable";
    case monitor::DriftKind::kResetWithoutRevoke:
      return "the password was reset twice, but sessions from before are still alive";
    case monitor::DriftKind::kOrphanSynced:
      return "synced to Entra, but nothing in Active Directory stands behind it";
    case monitor::DriftKind::kLeftNotDisabled:
      return "should have left, but enabled in Active Directory: disable the account there";
    default:
      return "in drift";
  }
}

std::string_view PlightOf(const Person& person) {
  if (person.episode && !person.episode->OfDeparture()) return DriftOf(*person.episode);
  switch (person.phase) {
    case State::kPending:
    case State::kLagging:
    case State::kBreached:
      return "still enabled in Entra";
    case State::kContained:
      return "sessions revoked, but can sign in again: disable the account";
    case State::kUnsealed:
      return "disabled in Entra, but no sessions were revoked since";
    case State::kRegressed:
      return "enabled again in Entra while Active Directory says disabled";
    case State::kConverged:
      return "gone in Entra too";
    case State::kReversed:
    case State::kAligned:
      return "enabled in Active Directory again";
    default:
      return "in drift";
  }
}

std::string LagSoFar(const Person& person, absl::Time now) {
  if (!person.episode || !person.episode->OfDeparture()) return "";
  const monitor::Episode& episode = *person.episode;
  const absl::Time until = episode.entra_disabled ? episode.entra_disabled->hi : now;
  const absl::Duration lag = std::max(until - episode.departed.hi, absl::ZeroDuration());
  return HumanDuration(lag);
}

std::string SummaryOf(const monitor::Incident& incident, const Person* person,
                      const AlertContext& context) {
  if (person == nullptr) {
    const auto kind = incident.labels.find("kind");
    return kind == incident.labels.end() ? incident.alertname : kind->second;
  }
  std::string text = Cat(NameOf(*person), ": ");
  const std::string lag = LagSoFar(*person, context.now);
  if (!lag.empty() && person->episode) {
    const char* what = person->episode->deleted_in_ad ? "deleted" : "disabled";
    const bool over = person->episode->entra_disabled.has_value();
    text += Cat(what, over ? " in Active Directory " : " in Active Directory for ", lag,
                over ? " before Entra, " : ", ");
  }
  const auto kind = incident.labels.find("kind");
  const bool signed_in =
      kind != incident.labels.end() &&
      kind->second == monitor::DriftKindText(monitor::DriftKind::kSignInAfterDisable);
  if (signed_in) text += "SIGNED IN since; ";
  text += PlightOf(*person);
  const std::string advice = monitor::AdviceOf(*person, context.link, context.policy, context.now);
  if (!advice.empty()) text += Cat(": ", advice);
  return text;
}

std::string DescriptionOf(const Person& person, const AlertContext& context) {
  const monitor::Verdict verdict =
      monitor::Evaluate(person, context.link, context.policy, context.now);
  std::string text;
  if (person.episode && person.episode->OfDeparture()) {
    const monitor::Episode& episode = *person.episode;
    text += Cat("Departed in Active Directory at ", FormatRfc3339(episode.departed.hi), ". ");
    if (episode.entra_disabled) {
      text +=
          Cat("Disabled or deleted in Entra at ", FormatRfc3339(episode.entra_disabled->hi), ". ");
    }
    text += episode.revoked ? Cat("Sessions revoked at ", FormatRfc3339(*episode.revoked), ". ")
                            : std::string("Sessions not revoked since. ");
  }
  const auto departure = DepartureTimeOf(person, context.link, context.policy);
  if (person.episode && person.episode->OfDeparture() && departure && departure->uncertain) {
    text += "Time uncertain: counted from the latest it can have been. ";
  }
  if (person.state == State::kQuarantined) {
    text += "Two accounts claim the same identity: nothing is done automatically. ";
  }
  if (verdict.blind) text += "A source cannot be read at present. ";
  if (!verdict.next.empty() && verdict.review_at != absl::InfiniteFuture()) {
    text += Cat("Next, at ", FormatRfc3339(verdict.review_at), ": ", verdict.next, ".");
  }
  return text;
}

void AddPerson(const Person& person, const AlertContext& context,
               std::map<std::string, std::string>& annotations) {
  annotations["description"] = DescriptionOf(person, context);
  annotations["state"] = std::string(StateText(person.state));
  const std::string lag = LagSoFar(person, context.now);
  if (!lag.empty()) annotations["lag"] = lag;
  const monitor::Lags lags = LagsOf(person, context.link, context.policy, context.now);
  if (lags.disable) annotations["lag_bounds"] = LagText(*lags.disable);
  if (const monitor::AdHalf* ad = person.facts.DecidingAd()) {
    annotations["sam_account_name"] = ad->sam_account_name;
    annotations["dn"] = ad->dn;
    annotations["upn"] = ad->upn;
  }
  if (person.facts.entra) {
    annotations["entra_id"] = person.facts.entra->id;
    if (annotations["upn"].empty()) annotations["upn"] = person.facts.entra->upn;
  }
  annotations["user"] = monitor::PersonIdText(context.link.name, person.ordinal);
}

std::string EvidenceHead(const monitor::LinkState& link) {
  return Cat(link.name.value, ":", link.evidence_seq, ":",
             HexEncode(DigestBytes(link.evidence_hash)));
}

std::map<std::string, std::string> AnnotationsOf(const monitor::Incident& incident,
                                                 const Person* person,
                                                 const AlertContext& context) {
  std::map<std::string, std::string> annotations;
  annotations["summary"] = SummaryOf(incident, person, context);
  if (person != nullptr) AddPerson(*person, context, annotations);
  annotations["evidence"] = EvidenceHead(context.link);
  if (!context.external_url.empty()) {
    const auto kind = incident.labels.find("kind");
    const std::string name = kind == incident.labels.end() ? "" : kind->second;
    if (!name.empty()) annotations["runbook_url"] = Cat(context.external_url, "/runbooks/", name);
    annotations["dashboard_url"] = Cat(context.external_url, "/");
  }
  std::erase_if(annotations, [](const auto& item) { return item.second.empty(); });
  return annotations;
}

// Each label set that is to be told about: `firing` as it is, the other announced ones resolved.
std::vector<alerts::PendingAlert> Spread(const monitor::Incident& incident,
                                         const monitor::LabelSet* firing, alerts::PendingAlert item,
                                         const AlertContext& context) {
  std::vector<alerts::PendingAlert> pending;
  item.incident = incident.id;
  item.alert.starts_at = incident.starts_at;
  item.firing = false;
  item.alert.ends_at = incident.ended_at.value_or(context.now);
  for (const monitor::LabelSet& announced : incident.announced) {
    if (firing != nullptr && announced == *firing) continue;
    item.alert.labels = announced;
    pending.push_back(item);
  }
  if (firing == nullptr) return pending;
  item.firing = true;
  item.alert.labels = *firing;
  item.alert.ends_at = context.now + kResendsAhead * context.resend_interval;
  pending.push_back(std::move(item));
  return pending;
}

// The worst first.
std::string NamesOf(const AlertCrowd& crowd) {
  std::vector<std::string> names;
  for (auto it = crowd.names.rbegin(); it != crowd.names.rend(); ++it) {
    names.insert(names.end(), it->second.begin(), it->second.end());
  }
  if (names.size() > kNamedPeople) names.resize(kNamedPeople);
  std::string text = JoinStrings(names, ", ");
  if (crowd.people > names.size()) text += Cat(" and ", crowd.people - names.size(), " more");
  return text;
}

std::map<std::string, std::string> AnnotationsOf(const monitor::LinkCause& cause,
                                                 const AlertCrowd& crowd,
                                                 const AlertContext& context) {
  const monitor::CauseRule& rule = monitor::CauseRuleOf(cause.kind);
  const std::string link = context.link.name.value;
  std::map<std::string, std::string> annotations;
  annotations["summary"] =
      rule.counted ? Cat(link, ": ", cause.detail)
                   : Cat(link, ": ", rule.title, "; told here instead of alone: ", crowd.people,
                         crowd.people == 1 ? " person" : " people");
  annotations["description"] = Cat(cause.detail, ". ", rule.advice);
  annotations["cause"] = monitor::CauseIdOf(cause, context.link.name).value;
  annotations["count"] = Cat(rule.counted ? cause.people : crowd.people);
  if (crowd.people > 0) annotations["people"] = NamesOf(crowd);
  annotations["evidence"] = EvidenceHead(context.link);
  if (!context.external_url.empty()) {
    const bool collapsed = cause.kind == monitor::CauseKind::kCollapsed;
    annotations["runbook_url"] =
        Cat(context.external_url, "/runbooks/",
            collapsed ? cause.subject : std::string(CauseKindText(cause.kind)));
    annotations["dashboard_url"] = Cat(context.external_url, "/");
  }
  return annotations;
}

}  // namespace

std::string NameOf(const Person& person) {
  const monitor::AdHalf* ad = person.facts.DecidingAd();
  if (ad != nullptr && !ad->upn.empty()) return ad->upn;
  if (person.facts.entra && !person.facts.entra->upn.empty()) return person.facts.entra->upn;
  if (ad != nullptr && !ad->sam_account_name.empty()) return ad->sam_account_name;
  return "somebody without a name";
}

std::vector<alerts::PendingAlert> PendingAlertsOf(const monitor::Incident& incident,
                                                  const Person* person, Telling telling,
                                                  const AlertContext& context) {
  alerts::PendingAlert item;
  item.alert.annotations = AnnotationsOf(incident, person, context);
  if (!context.external_url.empty()) {
    const auto episode = incident.labels.find("episode");
    item.alert.generator_url =
        episode == incident.labels.end()
            ? Cat(context.external_url, "/")
            : Cat(context.external_url, "/api/v1/episodes/", episode->second);
  }
  const monitor::LabelSet* firing = &incident.labels;
  if (telling == Telling::kFolded) {
    firing = incident.announced.empty() ? nullptr : &incident.announced.back();
  }
  if (incident.ended_at || telling == Telling::kCounted) firing = nullptr;
  return Spread(incident, firing, std::move(item), context);
}

std::vector<alerts::PendingAlert> PendingAlertsOf(const monitor::LinkCause& cause,
                                                  const AlertFold& fold,
                                                  const AlertContext& context) {
  const AlertCrowd& crowd = fold.CrowdOf(cause);
  const monitor::Severity severity = std::max(monitor::SeverityOf(cause, context.now), crowd.worst);
  const monitor::Incident incident = monitor::CauseIncident(cause, context.link.name, severity);
  alerts::PendingAlert item;
  item.alert.annotations = AnnotationsOf(cause, crowd, context);
  if (!context.external_url.empty()) item.alert.generator_url = Cat(context.external_url, "/");
  return Spread(incident, fold.Fires(cause) ? &incident.labels : nullptr, std::move(item), context);
}

}  // namespace driftwarden::daemon
