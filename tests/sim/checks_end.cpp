// What must be so when everything has been well for a while.

#include <algorithm>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/strings.h"
#include "monitor/causes.h"
#include "tests/sim/checks.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using monitor::Tri;

namespace {

// Younger changes may not have been seen yet.
constexpr absl::Duration kSeen = absl::Minutes(1);
constexpr absl::Duration kToldOver = absl::Minutes(5);
// From the moment when an action is due until something was done about it.
constexpr absl::Duration kActedOn = absl::Minutes(3);
// Of a disable: whole seconds, and clocks of controllers.
constexpr absl::Duration kExact = absl::Seconds(5);

const char* Yes(bool value) {
  return value ? "yes" : "no";
}

// Whether AD was read in that time, by a controller that could know.
bool WasLookedAt(Stage& stage, size_t link, TimeBounds time) {
  const absl::Duration lag = stage.options().ad_lag;
  const std::vector<TimeBounds>& rounds = stage.reads().rounds[stage.link(link).forest];
  return std::any_of(rounds.begin(), rounds.end(), [&](const TimeBounds& round) {
    return round.lo >= time.lo + lag && round.hi <= time.hi;
  });
}

std::string AdFault(Stage& stage, size_t link, uint64_t person, const monitor::Person& stored) {
  const simulator::Directory& directory = stage.world().directory(stage.link(link).forest);
  const monitor::AdHalf* const ad = stored.facts.DecidingAd();
  if (ad == nullptr) return "nothing is known of AD";
  const bool deleted = directory.IsDeleted(person);
  if (ad->deleted != deleted) return Cat("deleted in AD: ", Yes(deleted));
  if (deleted) return "";
  const std::string edited = directory.Read(person).description;
  if (!edited.empty() && ad->display_name != edited) return Cat("is called ", edited, " in AD");
  if (ad->account_expires != simulator::ExpiryOf(directory.Read(person).account_expires)) {
    return Cat("expires in AD, not at ", FormatRfc3339(ad->account_expires));
  }
  const bool disabled = !directory.IsEnabled(person);
  if (ad->disabled != (disabled ? Tri::kYes : Tri::kNo)) {
    return Cat("disabled in AD: ", Yes(disabled));
  }
  const std::vector<Span> out = OutOfAd(stage, stage.link(link).forest, person);
  if (!disabled || !Departed(out) || out.back().from == absl::InfinitePast()) return "";
  const absl::Duration slack = kExact + stage.clock_error();
  const TimeBounds& told = ad->disabled_since;
  for (size_t at = out.size(); at-- > 0;) {
    if (told.lo - slack <= out[at].from && out[at].from <= told.hi + slack) return "";
    // A return so short that nobody looked meanwhile moves no known time forward.
    if (at == 0 || WasLookedAt(stage, link, {out[at - 1].to, out[at].from})) break;
  }
  return Cat("disabled in AD at ", FormatRfc3339(out.back().from), ", not within ",
             FormatRfc3339(told.lo), " and ", FormatRfc3339(told.hi));
}

// The causes of all links that are not over, by their ids.
std::set<std::string> CausesNow(Stage& stage) {
  std::set<std::string> causes;
  for (size_t link = 0; link < stage.links(); ++link) {
    const monitor::LinkName& name = stage.link(link).policy->link;
    const auto state = stage.store().LoadLink(name);
    DW_CHECK(state.ok());
    if (!*state) continue;
    for (const monitor::LinkCause& cause : (*state)->causes.causes) {
      if (!cause.ended_at) causes.insert(monitor::CauseIdOf(cause, name).value);
    }
  }
  return causes;
}

std::string EntraFault(Stage& stage, size_t link, uint64_t person, const monitor::Person& stored) {
  const EntraTruth truth = TruthOf(stage, link, person);
  if (stage.now() - truth.since() < kSeen) return "";
  const auto& entra = stored.facts.entra;
  if (!entra) return "nothing is known of Entra";
  const simulator::Tenant& tenant = stage.world().tenant(stage.link(link).tenant);
  if (entra->id != tenant.EntraId(person)) return "is taken for somebody else";
  const bool gone = entra->deletion != monitor::EntraDeletion::kLive;
  if (gone != truth.gone()) return Cat("deleted in Entra: ", Yes(truth.gone()));
  const bool enabled = truth.spans.back().enabled;
  if (!gone && entra->enabled != (enabled ? Tri::kYes : Tri::kNo)) {
    return Cat("enabled in Entra: ", Yes(enabled));
  }
  return "";
}

bool PagesFor(const std::vector<monitor::LabelSet>& firing, const monitor::EpisodeId& episode) {
  return std::any_of(firing.begin(), firing.end(), [&](const monitor::LabelSet& labels) {
    const auto of = labels.find("episode");
    const auto severity = labels.find("severity");
    return of != labels.end() && of->second == episode.value && severity != labels.end() &&
           severity->second == "critical";
  });
}

}  // namespace

namespace {

// Since when somebody should have done something about it; nothing: it is over.
std::optional<absl::Time> ShouldGoOn(const monitor::Action& action, const ProcessOptions& options) {
  using monitor::ActionState;
  absl::Time since = action.requested_at;
  switch (action.state) {
    case ActionState::kQueued:
      break;
    case ActionState::kIntent:
      since = action.intent_at.value_or(since);
      break;
    case ActionState::kCleared:
      since = action.cleared_at.value_or(since) + options.reconcile_for;
      break;
    case ActionState::kCalled:
      since = (action.called ? action.called->lo : since) + options.verify_for;
      break;
    default:
      return std::nullopt;
  }
  return std::max(since, action.retry_at.value_or(since));
}

// Of whoever is unsealed, and whose last try did not do it.
std::optional<absl::Time> ShouldTryAgain(const monitor::Person& person,
                                         const std::vector<monitor::Action>& actions) {
  if (!person.episode || person.state != monitor::State::kUnsealed) return std::nullopt;
  const monitor::Action* last = nullptr;
  for (const monitor::Action& action : actions) {
    const bool meant =
        action.episode == person.episode->id && action.reason == monitor::ActionReason::kSeal;
    if (meant && (last == nullptr || action.requested_at > last->requested_at)) last = &action;
  }
  const bool ended = last != nullptr && (last->state == monitor::ActionState::kBlocked ||
                                         last->state == monitor::ActionState::kFailed);
  return ended ? last->retry_at : std::nullopt;
}

}  // namespace

std::vector<std::string> CheckActions(Stage& stage) {
  std::vector<std::string> faults;
  const absl::Time late = stage.clock().Wall() - kActedOn;
  for (size_t link = 0; link < stage.links(); ++link) {
    const monitor::LinkName& name = stage.link(link).policy->link;
    const auto live = stage.store().LiveActions(name);
    for (const monitor::Action& action : *live) {
      const auto since = ShouldGoOn(action, stage.options().process);
      if (!since || *since > late) continue;
      faults.push_back(Cat(name.value, ": the action ", action.id.value, " is ",
                           ActionStateText(action.state), ", and nothing was done about it since ",
                           FormatRfc3339(*since)));
    }
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      const auto stored = StoredPerson(stage, link, person);
      if (!stored) continue;  // CheckStates tells
      const auto actions = stage.store().PersonActions(name, stored->ordinal, 1000);
      const auto again = ShouldTryAgain(*stored, *actions);
      if (!again || *again > late) continue;
      faults.push_back(Cat(NameOf(stage, link, person), ": was to be tried again at ",
                           FormatRfc3339(*again), ", and was not"));
    }
  }
  return faults;
}

std::vector<std::string> CheckFacts(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      const auto stored = StoredPerson(stage, link, person);
      if (!stored) continue;  // CheckStates tells
      for (const std::string& fault :
           {AdFault(stage, link, person, *stored), EntraFault(stage, link, person, *stored)}) {
        if (!fault.empty()) faults.push_back(Cat(NameOf(stage, link, person), ": ", fault));
      }
    }
  }
  return faults;
}

std::vector<std::string> CheckAlerts(Stage& stage) {
  std::vector<std::string> faults;
  const auto firing = stage.alerts().Firing(stage.clock().Wall());
  const std::set<std::string> causes = CausesNow(stage);
  for (const monitor::LabelSet& labels : firing) {
    const auto of = labels.find("episode");
    if (of == labels.end()) continue;
    if (labels.at("alertname") == "DriftwardenCause") {
      if (causes.contains(of->second) || stage.clock_error() > kToldOver) continue;  // as below
      faults.push_back(Cat("an alert fires for the cause ", of->second, ", which is over"));
      continue;
    }
    const auto episode = stage.store().LoadEpisode(monitor::EpisodeId(of->second));
    if (!episode.ok() || !episode->has_value()) {
      faults.push_back(Cat("an alert fires for the episode ", of->second, ", which nobody knows"));
      continue;
    }
    const auto closed = (*episode)->closed;
    // Told by a clock that was ahead, it fires until then unless its end is told too.
    if (stage.clock_error() > kToldOver) continue;
    if (!closed || *closed + kToldOver > stage.clock().Wall()) continue;
    faults.push_back(Cat("an alert fires for the episode ", of->second, ", which is over"));
  }
  for (size_t link = 0; link < stage.links(); ++link) {
    const uint64_t count = stage.world().people(stage.link(link).forest).count();
    for (uint64_t person = 0; person < count; ++person) {
      const auto stored = StoredPerson(stage, link, person);
      if (!stored || stored->state != monitor::State::kBreached) continue;
      if (stored->episode && PagesFor(firing, stored->episode->id)) continue;
      faults.push_back(Cat(NameOf(stage, link, person), ": is breached, and nobody is paged"));
    }
  }
  return faults;
}

}  // namespace driftwarden::sim
