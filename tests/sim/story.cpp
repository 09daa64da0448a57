#include "tests/sim/story.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "monitor/causes.h"
#include "tests/sim/checks.h"

namespace driftwarden::sim {

using monitor::State;

namespace {

constexpr absl::Duration kCycle = absl::Minutes(2);

void Must(const Status& status) {
  DW_CHECK(status.ok());
}

// Every label set of an episode of that person that was ever told.
std::vector<testing::AlertBook::Line> ToldAbout(Stage& stage, size_t link, uint64_t person) {
  std::vector<testing::AlertBook::Line> lines;
  const auto stored = StoredPerson(stage, link, person);
  const monitor::LinkName& name = stage.link(link).policy->link;
  for (const auto& line : stage.alerts().history()) {
    const auto episode = line.labels.find("episode");
    const auto of_link = line.labels.find("link");
    if (episode == line.labels.end() || of_link == line.labels.end()) continue;
    if (of_link->second != name.value || !stored) continue;
    const auto known = stage.store().LoadEpisode(monitor::EpisodeId(episode->second));
    if (known.ok() && known->has_value() && (*known)->person == stored->ordinal) {
      lines.push_back(line);
    }
  }
  return lines;
}

class Judge {
 public:
  explicit Judge(Stage& stage) : stage_(stage) {}

  void Is(size_t link, uint64_t person, State state) {
    const auto stored = StoredPerson(stage_, link, person);
    const std::string who = Name(link, person);
    if (!stored) return Fault(Cat(who, ": unknown"));
    if (stored->state == state) return;
    Fault(Cat(who, ": is ", StateText(stored->state), ", must be ", StateText(state)));
  }
  // Of a departure; a device that is left over has one of its own.
  void HadEpisodes(size_t link, uint64_t person, int64_t times) {
    const auto stored = StoredPerson(stage_, link, person);
    if (!stored) return Fault(Cat(Name(link, person), ": unknown"));
    const monitor::LinkName& name = stage_.link(link).policy->link;
    const auto episodes = stage_.store().PersonEpisodes(name, stored->ordinal, 100);
    if (!episodes.ok()) return Fault(Cat(Message(episodes.status())));
    const auto had =
        std::count_if(episodes->begin(), episodes->end(),
                      [](const monitor::Episode& episode) { return episode.OfDeparture(); });
    if (had != times) Fault(Cat(Name(link, person), ": ", had, " episodes, must be ", times));
  }
  void WasCalled(size_t link, uint64_t person, size_t times) {
    const size_t calls = CallsFor(stage_, link, person);
    if (calls != times) Fault(Cat(Name(link, person), ": ", calls, " calls, must be ", times));
  }
  // Was in that state some time, by the evidence.
  void WasEver(size_t link, uint64_t person, State state) {
    const auto stored = StoredPerson(stage_, link, person);
    if (!stored) return Fault(Cat(Name(link, person), ": unknown"));
    const auto& name = stage_.link(link).policy->link;
    const auto entries = stage_.store().PersonEvidence(name, stored->ordinal, 1000);
    if (!entries.ok()) return Fault(Cat(Message(entries.status())));
    for (const monitor::EvidenceEntry& entry : *entries) {
      const auto to = entry.details.find("to");
      if (entry.type == "state_changed" && to != entry.details.end() &&
          to->second == monitor::StateText(state)) {
        return;
      }
    }
    Fault(Cat(Name(link, person), ": was never ", StateText(state)));
  }
  // Told at that severity some time; firing at the end or not.
  void WasTold(size_t link, uint64_t person, const std::string& severity, bool firing) {
    bool told = false;
    for (const auto& line : ToldAbout(stage_, link, person)) {
      const auto found = line.labels.find("severity");
      told |= line.firing && found != line.labels.end() && found->second == severity;
    }
    if (!told) Fault(Cat(Name(link, person), ": no alert of severity ", severity));
    const bool fires = IsFiring(link, person);
    if (fires != firing) {
      Fault(Cat(Name(link, person), fires ? ": still fires" : ": does not fire"));
    }
  }
  // Stands for all of the link whom that cause explains.
  void IsCounted(size_t link, monitor::CauseKind cause, const std::string& severity) {
    const std::string& name = stage_.link(link).policy->link.value;
    const std::string kind(monitor::CauseKindText(cause));
    for (const auto& labels : stage_.alerts().Firing(stage_.now())) {
      if (labels.at("alertname") == "DriftwardenCause" && labels.at("link") == name &&
          labels.at("kind") == kind && labels.at("severity") == severity) {
        return;
      }
    }
    Fault(Cat(name, ": no ", severity, " counts ", kind));
  }
  void WasNotTold(size_t link, uint64_t person) {
    if (!ToldAbout(stage_, link, person).empty()) {
      Fault(Cat(Name(link, person), ": told about, needlessly"));
    }
  }
  void Add(const std::vector<std::string>& faults) {
    faults_.insert(faults_.end(), faults.begin(), faults.end());
  }
  std::vector<std::string> Take() { return std::move(faults_); }

 private:
  bool IsFiring(size_t link, uint64_t person) {
    const auto firing = stage_.alerts().Firing(stage_.now());
    for (const auto& line : ToldAbout(stage_, link, person)) {
      if (std::find(firing.begin(), firing.end(), line.labels) != firing.end()) return true;
    }
    return false;
  }
  std::string Name(size_t link, uint64_t person) {
    const LinkSetup& setup = stage_.link(link);
    return Cat(setup.policy->link.value, "/", stage_.world().people(setup.forest).SamOf(person));
  }
  void Fault(std::string text) { faults_.push_back(std::move(text)); }

  Stage& stage_;
  std::vector<std::string> faults_;
};

}  // namespace

std::shared_ptr<monitor::Policy> StoryPolicy(const std::string& link, const std::string& ad,
                                             const std::string& entra,
                                             const StoryOptions& options) {
  auto policy = std::make_shared<monitor::Policy>();
  policy->link = monitor::LinkName(link);
  policy->settle = options.settle;
  monitor::TierPolicy tier0;
  tier0.name = monitor::TierName(monitor::kTier0);
  tier0.match.admin_count = true;
  tier0.warn_after = absl::Seconds(60);
  tier0.revoke_after = absl::Seconds(45);
  tier0.breach_after = absl::Minutes(3);
  monitor::TierPolicy standard;
  standard.name = monitor::TierName(monitor::kStandard);
  standard.warn_after = absl::Minutes(3);
  standard.revoke_after = absl::Minutes(4);
  standard.breach_after = absl::Minutes(15);
  policy->tiers = {tier0, standard};
  monitor::Remediation& remediation = policy->remediation;
  remediation.mode = monitor::Mode::kAuto;
  monitor::ModeRule off;
  off.tier = tier0.name;
  off.mode = monitor::Mode::kObserve;
  remediation.modes = {off};
  remediation.budgets.per_10m = 50;
  remediation.budgets.per_hour = 100;
  remediation.budgets.per_person_window = absl::Seconds(20);
  remediation.breakers.max_percent_per_day = 0;
  remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
  policy->ad_sources = {monitor::SourceName(ad)};
  policy->entra_source = monitor::SourceName(entra);
  policy->poll_intervals[monitor::SourceName(ad)] = options.ad_poll;
  policy->poll_intervals[monitor::SourceName(entra)] = options.entra_poll;
  return policy;
}

StageOptions StoryStage(const StoryOptions& options) {
  StageOptions stage;
  stage.seed = options.seed;
  stage.process.logs = options.logs;
  stage.world.seed = options.seed;
  simulator::ForestOptions forest;
  forest.people.count = options.people;
  forest.people.tier0_every = options.people / 2;
  forest.people.leavers_every = 13;
  stage.world.forests = {forest};
  simulator::TenantOptions first;
  first.name = "contoso";
  simulator::TenantOptions second;
  second.name = "fabrikam";
  stage.world.tenants = {first, second};
  stage.world.sync.cycle = kCycle;
  stage.world.sync.processing = absl::Seconds(5);
  stage.process.links = {
      {StoryPolicy("corp-contoso", "corp", "contoso", options), 0, 0},
      {StoryPolicy("corp-fabrikam", "corp", "fabrikam", options), 0, 1},
  };
  return stage;
}

Cast CastOf(Stage& stage, const StoryOptions& options) {
  Cast cast;
  const simulator::People& people = stage.world().people();
  std::vector<uint64_t> standard;
  std::vector<uint64_t> tier0;
  for (uint64_t i = 0; i < people.count(); ++i) {
    if (people.LeftBefore(i)) continue;
    (people.IsTier0(i) ? tier0 : standard).push_back(i);
  }
  DW_CHECK(standard.size() > options.leavers && !tier0.empty());
  cast.leavers.assign(standard.begin(), standard.begin() + static_cast<int64_t>(options.leavers));
  cast.skipped = standard[options.leavers];
  cast.executive = tier0.front();
  return cast;
}

void PlayStory(Stage& stage, const Cast& cast) {
  simulator::World& world = stage.world();
  stage.RunTo(absl::Seconds(33));
  world.sync(0).Skip(cast.skipped);
  world.sync(0).Skip(cast.executive);
  std::vector<uint64_t> disabled = cast.leavers;
  disabled.push_back(cast.skipped);
  disabled.push_back(cast.executive);
  for (const uint64_t person : disabled) {
    Must(world.directory().Disable(world.people().SamOf(person), stage.now()));
  }
  stage.RunTo(absl::Minutes(5) + absl::Seconds(30));
  world.sync(0).Unskip(cast.skipped);  // the cycle at six minutes carries them
  stage.RunTo(kStoryLength);
}

std::vector<std::string> JudgeStory(Stage& stage, const Cast& cast) {
  Judge judge(stage);
  for (size_t link = 0; link < 2; ++link) {
    for (const uint64_t person : cast.leavers) {
      judge.Is(link, person, State::kConverged);
      judge.WasCalled(link, person, 1);
      judge.WasNotTold(link, person);
    }
  }
  judge.Is(0, cast.skipped, State::kConverged);
  judge.WasCalled(0, cast.skipped, 2);  // once because of the lag, once to seal
  judge.WasEver(0, cast.skipped, State::kContained);
  judge.WasTold(0, cast.skipped, "warning", false);
  judge.Is(1, cast.skipped, State::kConverged);
  judge.WasCalled(1, cast.skipped, 1);
  judge.WasNotTold(1, cast.skipped);

  judge.Is(0, cast.executive, State::kBreached);
  judge.WasCalled(0, cast.executive, 0);
  judge.WasTold(0, cast.executive, "critical", true);
  judge.Is(1, cast.executive, State::kUnsealed);
  judge.WasCalled(1, cast.executive, 0);
  // While live, by name; whom nobody seals afterwards is one of a count.
  judge.WasTold(1, cast.executive, "warning", false);
  judge.IsCounted(1, monitor::CauseKind::kNotRevoked, "warning");

  std::vector<uint64_t> departed = cast.leavers;
  departed.push_back(cast.skipped);
  departed.push_back(cast.executive);
  for (const uint64_t person : departed) {
    judge.HadEpisodes(0, person, 1);
    judge.HadEpisodes(1, person, 1);
  }
  judge.Add(CheckStates(stage));
  judge.Add(CheckEvidence(stage));
  judge.Add(CheckStore(stage));
  return judge.Take();
}

}  // namespace driftwarden::sim
