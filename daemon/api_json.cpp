#include "daemon/api_json.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "daemon/api_logs.h"
#include "daemon/api_told_json.h"
#include "monitor/causes.h"
#include "monitor/lags.h"
#include "monitor/residual.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::AdHalf;
using monitor::EntraHalf;
using monitor::Person;
using monitor::State;
using monitor::Tri;

namespace {

json::value TriJson(Tri value) {
  if (value == Tri::kUnknown) return nullptr;
  return value == Tri::kYes;
}

json::value NegatedTriJson(Tri value) {
  if (value == Tri::kUnknown) return nullptr;
  return value == Tri::kNo;
}

template <typename View>
json::string Str(const View& view) {
  return json::string(std::string(view));
}

json::object AdJson(const AdHalf& half) {
  json::object out;
  out["source"] = half.source.value;
  out["object_guid"] = half.object_guid.ToString();
  out["sid"] = half.sid.bytes.empty() ? json::value(nullptr) : json::value(half.sid.ToString());
  out["sam_account_name"] = SafeText(half.sam_account_name);
  out["upn"] = SafeText(half.upn);
  out["dn"] = SafeText(half.dn);
  out["mail"] = half.mail.empty() ? json::value(nullptr) : json::value(SafeText(half.mail));
  out["in_scope"] = half.scope == monitor::ScopeState::kIn;
  out["left_scope"] = half.scope == monitor::ScopeState::kLeft ? BoundsJson(half.scope_since)
                                                               : json::value(nullptr);
  json::array groups;
  for (const std::string& group : half.groups) groups.push_back(SafeText(group));
  out["groups"] = std::move(groups);
  out["recipient_type"] = half.recipient_type;
  out["account_expires"] = TimeJson(half.account_expires);
  out["password_set"] = TimeJson(half.password_set);
  out["locked_at"] = TimeJson(half.locked_at);
  out["when_changed"] = TimeJson(half.when_changed);
  out["enabled"] = NegatedTriJson(half.disabled);
  out["deleted"] = half.deleted;
  out["deleted_since"] = half.deleted ? BoundsJson(half.deleted_since) : json::value(nullptr);
  out["disabled_since"] =
      half.disabled == Tri::kYes ? BoundsJson(half.disabled_since) : json::value(nullptr);
  out["time_uncertain"] = half.time_uncertain;
  out["last_look"] = BoundsJson(half.last_look);
  return out;
}

json::object EntraJson(const EntraHalf& half) {
  json::object out;
  out["source"] = half.source.value;
  out["id"] = half.id;
  out["upn"] = SafeText(half.upn);
  out["display_name"] = SafeText(half.display_name);
  out["enabled"] = TriJson(half.enabled);
  out["deleted"] = half.deletion != monitor::EntraDeletion::kLive;
  out["deleted_since"] = half.deletion != monitor::EntraDeletion::kLive
                             ? BoundsJson(half.deleted_since)
                             : json::value(nullptr);
  out["disabled_since"] =
      half.enabled == Tri::kNo ? BoundsJson(half.disabled_since) : json::value(nullptr);
  const auto& valid = half.sessions_valid_from;
  out["sessions_valid_from"] =
      valid.has_value() && !valid->never ? TimeJson(valid->at) : json::value(nullptr);
  out["sessions_valid_from_known"] = valid.has_value();
  out["last_look"] = BoundsJson(half.last_look);
  json::array roles;
  for (const std::string& role : half.roles) roles.emplace_back(SafeText(role));
  out["roles"] = std::move(roles);
  out["cloud_managed"] = TriJson(half.cloud_managed);
  out["provisioning_error"] = nullptr;
  if (const auto& error = half.provisioning_error) {
    out["provisioning_error"] = {{"category", SafeText(error->category)},
                                 {"property", SafeText(error->property)},
                                 {"value", SafeText(error->value)},
                                 {"since", TimeJson(error->since)}};
  }
  return out;
}

json::array DriftJson(const Person& person) {
  json::array out;
  if (!person.episode.has_value()) return out;
  for (const monitor::EpisodeKind& kind : person.episode->kinds) {
    if (kind.cleared.has_value()) continue;
    json::object item;
    item["episode"] = person.episode->id.value;
    item["kind"] = Str(monitor::DriftKindText(kind.kind));
    item["severity"] = Str(monitor::SeverityText(kind.severity));
    item["since"] = TimeJson(kind.since);
    item["opened"] = TimeJson(kind.opened);
    out.push_back(std::move(item));
  }
  return out;
}

json::value LagJson(const std::optional<monitor::LagBounds>& lag) {
  if (!lag) return nullptr;
  const bool bounded = lag->hi != absl::InfiniteDuration();
  json::object out;
  out["lo"] = SecondsJson(lag->lo);
  out["hi"] = bounded ? SecondsJson(lag->hi) : json::value(nullptr);
  out["running"] = lag->running;
  out["clamped"] = lag->clamped;
  return out;
}

json::object LagsJson(const Person& person, const PersonContext& context) {
  const monitor::Lags lags = LagsOf(person, context.link, context.policy, context.now);
  json::object out;
  out["disable"] = LagJson(lags.disable);
  out["revocation"] = LagJson(lags.revocation);
  out["replication"] = LagJson(lags.replication);
  return out;
}

json::value ResidualJson(const Person& person, const PersonContext& context) {
  const auto residual = ResidualAccessOf(person, context.link, context.policy, context.now);
  json::object out;
  out["new_sessions_possible"] = residual.new_sessions_possible;
  out["cae_until"] = residual.cae_until ? TimeJson(*residual.cae_until) : json::value(nullptr);
  out["tokens_until"] =
      residual.tokens_until ? TimeJson(*residual.tokens_until) : json::value(nullptr);
  out["bound"] = Str(TokenBoundText(residual.lifetime.bound));
  out["bound_seconds"] = SecondsJson(residual.lifetime.longest);
  out["believed"] = residual.lifetime.believed;
  out["by_last_sign_in"] = residual.by_last_sign_in;
  const Tri guest = person.facts.entra ? person.facts.entra->guest : Tri::kUnknown;
  out["guest"] = TriJson(guest);
  out["devices"] = DevicesJson(person, context);
  json::array not_reached = {"an application's own session"};
  if (guest != Tri::kNo) not_reached.emplace_back("sessions of guests");
  out["not_reached"] = std::move(not_reached);
  return out;
}

std::string_view GradeText(monitor::IdentityGrade grade) {
  switch (grade) {
    case monitor::IdentityGrade::kNone:
      return "none";
    case monitor::IdentityGrade::kAnchor:
      return "anchor";
    case monitor::IdentityGrade::kStrong:
      return "strong";
    case monitor::IdentityGrade::kConflict:
      return "conflict";
  }
  return "none";
}

}  // namespace

json::string SafeText(std::string_view text) {
  const std::string out = IsUtf8(text) ? std::string(text) : Printable(text, 4000);
  return json::string(out);
}

const std::string& UpnOf(const Person& person) {
  static const std::string kNone;
  if (person.facts.entra.has_value() && !person.facts.entra->upn.empty()) {
    return person.facts.entra->upn;
  }
  const AdHalf* ad = person.facts.DecidingAd();
  return ad != nullptr ? ad->upn : kNone;
}

json::value TimeJson(absl::Time at) {
  if (at == absl::InfinitePast() || at == absl::InfiniteFuture()) return nullptr;
  return json::value(FormatRfc3339(at));
}

json::value SecondsJson(absl::Duration d) {
  const int64_t millis = absl::ToInt64Milliseconds(d);
  if (millis % 1000 == 0) return millis / 1000;
  return static_cast<double>(millis) / 1000;
}

json::value BoundsJson(const TimeBounds& bounds) {
  json::object out;
  out["lo"] = TimeJson(bounds.lo);
  out["hi"] = TimeJson(bounds.hi);
  return out;
}

json::object CauseJson(const monitor::LinkCause& cause, const monitor::LinkName& link,
                       absl::Time now) {
  json::object out;
  out["id"] = monitor::CauseIdOf(cause, link).value;
  out["kind"] = Str(CauseKindText(cause.kind));
  out["subject"] = cause.subject.empty() ? json::value(nullptr) : json::value(cause.subject);
  out["severity"] = Str(SeverityText(monitor::SeverityOf(cause, now)));
  out["since"] = TimeJson(cause.since);
  out["opened"] = TimeJson(cause.opened);
  out["people"] = cause.people;
  out["detail"] = SafeText(cause.detail);
  return out;
}

json::value CauseOf(const Person& person, const PersonContext& context) {
  const monitor::LinkCause* cause =
      monitor::ExplainedBy(person, {context.link, context.policy, context.now});
  if (cause == nullptr) cause = monitor::CollapsedInto(person, context.link);
  return cause == nullptr ? json::value(nullptr)
                          : CauseJson(*cause, context.link.name, context.now);
}

json::object PersonJson(const Person& person, const std::vector<monitor::Action>& actions,
                        const PersonContext& context) {
  json::object out;
  out["id"] = monitor::PersonIdText(context.link.name, person.ordinal);
  out["link"] = context.link.name.value;
  out["state"] = Str(monitor::StateText(VisibleState(person, context)));
  out["phase"] = Str(monitor::StateText(person.phase));
  out["tier"] = person.tier.value;
  const auto person_class = monitor::ClassOf(person, context.policy);
  out["class"] = person_class == monitor::PersonClass::kNone
                     ? json::value(nullptr)
                     : json::value(Str(monitor::PersonClassText(person_class)));
  out["exemption"] = ExemptedJson(person);
  out["compromised"] = CompromisedJson(person);
  out["leaves"] = LeavesJson(person, context);
  out["grade"] = Str(GradeText(monitor::GradeOf(person.facts)));
  out["upn"] = SafeText(UpnOf(person));
  out["anchor"] =
      person.facts.anchor.empty() ? json::value(nullptr) : json::value(person.facts.anchor.value);
  const AdHalf* ad = person.facts.DecidingAd();
  out["ad"] = ad != nullptr ? json::value(AdJson(*ad)) : json::value(nullptr);
  out["entra"] =
      person.facts.entra.has_value() ? json::value(EntraJson(*person.facts.entra)) : nullptr;
  out["drift"] = DriftJson(person);
  out["cause"] = CauseOf(person, context);
  out["episode"] =
      person.episode.has_value() ? json::value(person.episode->id.value) : json::value(nullptr);
  const auto departure = DepartureTimeOf(person, context.link, context.policy);
  out["time_uncertain"] = departure && departure->uncertain;
  out["lags"] = LagsJson(person, context);
  out["residual"] = ResidualJson(person, context);
  out["activity"] = ActivityJson(person, context);
  json::array list;
  for (const monitor::Action& action : actions)
    list.push_back(ActionJson(action, context.link.name));
  out["actions"] = std::move(list);
  const monitor::Verdict verdict =
      monitor::Evaluate(person, context.link, context.policy, context.now);
  json::object next;
  next["at"] = TimeJson(verdict.review_at);
  next["what"] = verdict.next;
  out["next"] = std::move(next);
  return out;
}

json::object EvidenceJson(const monitor::EvidenceEntry& entry) {
  json::object out;
  out["seq"] = entry.seq;
  out["at"] = TimeJson(entry.at);
  out["link"] = entry.link.value;
  out["type"] = entry.type;
  out["person"] = entry.person.has_value()
                      ? json::value(monitor::PersonIdText(entry.link, *entry.person))
                      : json::value(nullptr);
  out["episode"] = entry.episode.empty() ? json::value(nullptr) : json::value(entry.episode);
  out["intent"] = entry.action.empty() ? json::value(nullptr) : json::value(entry.action);
  out["fact"] = BoundsJson(entry.fact);
  out["source"] = entry.source.empty() ? json::value(nullptr) : json::value(entry.source);
  json::object details;
  for (const auto& [key, value] : entry.details) details[key] = SafeText(value);
  out["details"] = std::move(details);
  out["previous"] = HexEncode(DigestBytes(entry.previous));
  out["hash"] = HexEncode(DigestBytes(entry.hash));
  return out;
}

json::array TimelineJson(const std::vector<monitor::EvidenceEntry>& entries) {
  json::array out;
  for (const monitor::EvidenceEntry& entry : entries) {
    json::object item;
    item["at"] = BoundsJson(entry.fact);
    item["seen"] = TimeJson(entry.at);
    item["type"] = entry.type;
    item["source"] = entry.source.empty() ? json::value(nullptr) : json::value(entry.source);
    json::object evidence;
    evidence["seq"] = entry.seq;
    evidence["hash"] = HexEncode(DigestBytes(entry.hash));
    if (!entry.episode.empty()) evidence["episode"] = entry.episode;
    if (!entry.action.empty()) evidence["intent"] = entry.action;
    for (const auto& [key, value] : entry.details) evidence[key] = SafeText(value);
    item["evidence"] = std::move(evidence);
    out.push_back(std::move(item));
  }
  return out;
}

json::object EpisodeJson(const monitor::Episode& episode) {
  json::object out;
  out["id"] = episode.id.value;
  out["link"] = episode.link.value;
  out["user"] = monitor::PersonIdText(episode.link, episode.person);
  out["tier"] = episode.tier.value;
  out["phase"] = Str(monitor::StateText(episode.phase));
  out["kind"] = Str(monitor::DriftKindText(monitor::LeadingKind(episode)));
  const auto severity = monitor::WorstSeverity(episode);
  out["severity"] = severity ? json::value(Str(monitor::SeverityText(*severity))) : nullptr;
  out["departed"] = BoundsJson(episode.departed);
  out["deleted_in_ad"] = episode.deleted_in_ad;
  out["opened"] = TimeJson(episode.opened);
  json::array kinds;
  for (const monitor::EpisodeKind& kind : episode.kinds) {
    json::object item;
    item["kind"] = Str(monitor::DriftKindText(kind.kind));
    item["severity"] = Str(monitor::SeverityText(kind.severity));
    item["since"] = TimeJson(kind.since);
    item["opened"] = TimeJson(kind.opened);
    item["cleared"] = kind.cleared ? TimeJson(*kind.cleared) : json::value(nullptr);
    kinds.push_back(std::move(item));
  }
  out["kinds"] = std::move(kinds);
  out["entra_disabled"] =
      episode.entra_disabled ? BoundsJson(*episode.entra_disabled) : json::value(nullptr);
  out["revoked"] = episode.revoked ? TimeJson(*episode.revoked) : json::value(nullptr);
  out["result"] = episode.result ? json::value(Str(monitor::EpisodeResultText(*episode.result)))
                                 : json::value(nullptr);
  out["closed"] = episode.closed ? TimeJson(*episode.closed) : json::value(nullptr);
  return out;
}

json::object ActionJson(const monitor::Action& action, const monitor::LinkName& link) {
  json::object out;
  out["id"] = action.id.value;
  out["episode"] = action.episode.value;
  out["user"] = monitor::PersonIdText(link, action.person);
  out["link"] = link.value;
  out["action"] = Str(monitor::ActionKindText(action.kind));
  out["reason"] = Str(monitor::ActionReasonText(action.reason));
  // `cleared` is our own distinction inside the contract's `intent`.
  const bool cleared = action.state == monitor::ActionState::kCleared;
  out["state"] =
      Str(monitor::ActionStateText(cleared ? monitor::ActionState::kIntent : action.state));
  json::array gates;
  for (const monitor::GateResult& gate : action.gates) {
    json::object item;
    item["name"] = gate.name;
    item["ok"] = gate.ok;
    item["observed"] = SafeText(gate.observed);
    gates.push_back(std::move(item));
  }
  out["gates"] = std::move(gates);
  out["requested_at"] = TimeJson(action.requested_at);
  out["expires_at"] = nullptr;  // approvals are not in this version
  out["request_id"] =
      action.request_id.empty() ? json::value(nullptr) : json::value(action.request_id);
  out["called"] = action.called ? BoundsJson(*action.called) : json::value(nullptr);
  out["finished_at"] = action.finished_at ? TimeJson(*action.finished_at) : json::value(nullptr);
  out["attempts"] = action.attempts;
  out["outcome"] = SafeText(action.outcome);
  return out;
}

State VisibleState(const Person& person, const PersonContext& context) {
  if (!monitor::IsOpenPhase(person.state)) return person.state;
  return AnySourceStale(context.link, context.policy, context.now) ? State::kBlind : person.state;
}

bool AnySourceStale(const monitor::LinkState& link, const monitor::Policy& policy, absl::Time now) {
  return std::any_of(link.sources.begin(), link.sources.end(), [&](const auto& entry) {
    if (!policy.Reads(entry.first)) return false;  // not configured any more
    return monitor::SourceIsStale(entry.second, policy.StaleAfter(entry.first), now);
  });
}

std::map<State, int64_t> VisibleUserCounts(const monitor::LinkState& link,
                                           const monitor::Policy& policy, absl::Time now) {
  std::map<State, int64_t> out;
  for (const State state : monitor::kAllStates) out[state] = 0;
  const bool stale = AnySourceStale(link, policy, now);
  for (const auto& [key, count] : link.users) {
    out[stale && monitor::IsOpenPhase(key.state) ? State::kBlind : key.state] += count;
  }
  return out;
}

}  // namespace driftwarden::daemon
