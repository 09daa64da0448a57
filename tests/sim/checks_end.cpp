// What must be so when everything has been well for a while.

#include <algorithm>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using monitor::Tri;

namespace {

// Younger changes may not have been seen yet.
constexpr absl::Duration kSeen = absl::Minutes(1);
constexpr absl::Duration kToldOver = absl::Minutes(5);
// Of a disable: whole seconds, and clocks of controllers.
constexpr absl::Duration kExact = absl::Seconds(5);
// Between two looks at AD.
constexpr absl::Duration kUnseen = absl::Seconds(20);

const char* Yes(bool value) {
  return value ? "yes" : "no";
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
    if (at == 0 || out[at].from - out[at - 1].to > kUnseen) break;
  }
  return Cat("disabled in AD at ", FormatRfc3339(out.back().from), ", not within ",
             FormatRfc3339(told.lo), " and ", FormatRfc3339(told.hi));
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
  for (const monitor::LabelSet& labels : firing) {
    const auto of = labels.find("episode");
    if (of == labels.end()) continue;
    const auto episode = stage.store().LoadEpisode(monitor::EpisodeId(of->second));
    if (!episode.ok() || !episode->has_value()) {
      faults.push_back(Cat("an alert fires for the episode ", of->second, ", which nobody knows"));
      continue;
    }
    const auto closed = (*episode)->closed;
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
