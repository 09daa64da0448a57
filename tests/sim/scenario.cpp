#include "tests/sim/scenario.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/story.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using monitor::State;
using simulator::Actor;

namespace {

// Within this all that is wrong has come right when nothing disturbs any more: somebody who flaps
// is waited for longest.
constexpr absl::Duration kBound = absl::Minutes(35);
// Timers of short scenarios, against the story's.
constexpr int kShorter = 3;
// A disable is carried by the next cycle, and sealed.
constexpr absl::Duration kCycleAndSeal = absl::Minutes(4);
// Between two who leave: no more than 25 in 15 minutes, which would be a mass disable.
constexpr absl::Duration kNoMassLeave = absl::Seconds(40);
constexpr double kAnew = 0.3;     // end with another process reading everything anew
constexpr double kQuickly = 0.8;  // of the short ones go on as soon as all is well
// Dates that are ahead by no more than that are left alone.
constexpr absl::Duration kDatedAhead = absl::Minutes(5);
constexpr uint64_t kExpiryDice = 0x65787069726573;
constexpr uint64_t kBrakeDice = 0x6272616b6573;
constexpr uint64_t kRestartDice = 0x72657374617274;
// By so much our clock may be off for good.
constexpr absl::Duration kClockError = absl::Seconds(20);

void Must(const Status& status) {
  DW_CHECK(status.ok());
}

}  // namespace

Scenario::Scenario(uint64_t seed, Length length, std::unique_ptr<Disk> disk)
    : seed_(seed),
      length_(length),
      rng_(seed),
      expiry_dice_(seed ^ kExpiryDice),
      brake_dice_(seed ^ kBrakeDice),
      restart_dice_(seed ^ kRestartDice) {
  clock_steps_ = Chance(0.2);
  ignores_revokes_ = Chance(0.15);
  administrators_ = Chance(0.6);
  deaths_ = Chance(0.7) ? 1 : 0;
  minds_change_ = Chance(0.3) ? 0.1 : 0;
  clock_leaps_ = Chance(0.08);
  controllers_ = Chance(0.5);
  tokens_ = Chance(0.3);
  RollExpiry();
  RollBrakes();
  stage_ = std::make_unique<Stage>(MakeStage(), std::move(disk));
}

std::shared_ptr<const monitor::Policy> Scenario::MakePolicy(const monitor::Policy& usual) {
  auto policy = std::make_shared<monitor::Policy>(usual);
  policy->act_on_expired = acts_on_expired_;
  policy->remediation.budgets.per_10m = static_cast<int>(Between(6, 40));
  Tighten(policy->remediation);
  if (length_ == Length::kLong) return policy;
  policy->remediation.budgets.per_10m = static_cast<int>(Between(2, 12));
  for (monitor::TierPolicy& tier : policy->tiers) {
    for (auto* timer : {&tier.warn_after, &tier.revoke_after, &tier.breach_after}) {
      if (timer->has_value()) *timer = **timer / kShorter;
    }
  }
  return policy;
}

StageOptions Scenario::MakeStage() {
  const bool is_long = length_ == Length::kLong;
  StoryOptions options;
  options.seed = seed_;
  options.people = static_cast<uint64_t>(is_long ? Between(14, 50) : Between(5, 14));
  options.ad_poll = absl::Seconds(Between(2, 15));
  options.entra_poll = absl::Seconds(Between(4, 20));
  options.settle = absl::Seconds(Between(0, 10));
  StageOptions stage = StoryStage(options);
  simulator::ForestOptions& forest = stage.world.forests.front();
  forest.people.tier0_every = Chance(0.5) ? 7 : 0;
  forest.people.leavers_every = Chance(0.5) ? static_cast<uint64_t>(Between(4, 12)) : 0;
  forest.directory.uac_version_step = Chance(0.5) ? 1 : 2;
  forest.directory.clock_offset = absl::Milliseconds(Between(-3000, 3000));
  stage.world.sync.cycle = absl::Seconds(Between(60, 180));
  if (!is_long && Chance(0.7)) {
    stage.world.tenants.pop_back();
    stage.process.links.pop_back();
  }
  for (simulator::TenantOptions& tenant : stage.world.tenants) {
    tenant.page_size = static_cast<size_t>(Between(1, 60));
  }
  stage.process.logs = Chance(0.6);
  stage.process.ad_page_size = static_cast<size_t>(Between(1, 60));
  if (!is_long) stage.process.verify_for = absl::Seconds(40);
  if (controllers_) stage.ad_lag = kMostLag;
  stage.process.verify_directories = controllers_;
  if (Chance(0.1)) stage.process.real_graph = &answers_;
  for (LinkSetup& link : stage.process.links) link.policy = MakePolicy(*link.policy);
  return stage;
}

uint64_t Scenario::AnyPerson() {
  return rng_.Below(stage_->world().people().count());
}

void Scenario::Note(const std::string& what) {
  acts_.push_back(Cat(FormatRfc3339(stage_->now()), " ", what));
}

// Both sides are read once in peace: what is there before that is another story.
void Scenario::TakeBaseline() {
  if (deaths_ > 0) {
    const int64_t commits = length_ == Length::kLong ? 120 : 50;
    stage_->later = [this, commits] {
      store::FaultPlan plan;
      plan.at_commit = 1 + rng_.Below(static_cast<uint64_t>(commits));
      plan.after_commit = Chance(0.5);
      return plan;
    };
  }
  stage_->Start(stage_->later ? stage_->later() : store::FaultPlan());
  stage_->RunFor(absl::Seconds(50));
}

void Scenario::RollTenantFaults(simulator::TenantFaults& faults) {
  faults.replay = Chance(0.3) ? static_cast<int>(Between(1, 6)) : 0;
  faults.empty_pages = Chance(0.3) ? 1 : 0;
  faults.revoke_in_delta = Chance(0.5);
  if (Chance(0.3)) faults.duplicates = simulator::Duplicates::kSame;
  if (Chance(0.3)) faults.duplicates = simulator::Duplicates::kStaleLast;
  if (Chance(0.2)) faults.read_delay = absl::Seconds(Between(1, 5));
  if (Chance(0.3)) faults.delta_delay = absl::Seconds(Between(1, 40));
  if (Chance(0.2)) faults.omitted.insert("accountEnabled");
  faults.ignore_revoke = ignores_revokes_ && Chance(0.5);
  faults.report_delay = absl::Seconds(Between(0, 120));
  faults.report_duplicates = Chance(0.3);
  faults.report_disorder = Chance(0.3);
}

void Scenario::Trouble() {
  const bool is_long = length_ == Length::kLong;
  if (Chance(0.7)) stage_->faults().error = rng_.Unit() * 0.08;
  if (Chance(0.7)) stage_->faults().lost_reply = rng_.Unit() * 0.08;
  if (Chance(0.4)) stage_->faults().disorder = rng_.Unit();
  if (Chance(0.5)) answers_.shuffled = rng_.Unit();
  if (Chance(0.5)) answers_.cut = rng_.Unit() * 0.1;
  if (Chance(0.5)) answers_.expired_page = rng_.Unit() * 0.3;
  for (size_t i = 0; i < stage_->world().tenants(); ++i) {
    RollTenantFaults(stage_->world().tenant(i).faults());
  }
  stage_->reads().before_directory_read = [this](size_t forest, uint64_t person) {
    ExtendAtTheLastMoment(person);
    if (!Chance(minds_change_)) return;
    simulator::Directory& directory = stage_->world().directory(forest);
    if (directory.IsEnabled(person) || directory.IsDeleted(person)) return;
    Note(Cat(person, " is enabled at the last moment"));
    Must(directory.Enable(stage_->world().people(forest).SamOf(person), stage_->now()));
  };
  const absl::Time end =
      stage_->now() + (is_long ? absl::Minutes(12) : absl::Seconds(Between(90, 360)));
  while (stage_->now() < end) {
    Act();
    ActOnExpiry();
    stage_->RunFor(absl::Milliseconds(Between(100, is_long ? 60'000 : 30'000)));
    Add(CheckReads(*stage_));
  }
}

void Scenario::Mend() {
  Note("mended");
  stage_->later = nullptr;
  stage_->reads().before_directory_read = nullptr;
  stage_->faults() = testing::WireFaults();
  answers_ = AnswerFaults();
  MendExpiry();
  stage_->controllers().Mend(stage_->now());
  const absl::Duration off = stage_->clock().Wall() - stage_->now();
  if (absl::AbsDuration(off) > kClockError) stage_->StepWall(-off);
  // What was dated a little ahead counts until the clock is there again; what was dated further
  // ahead is set back (monitor/set_back.h).
  stage_->RunFor(std::min(stage_->clock_lead(), kDatedAhead));
  simulator::World& world = stage_->world();
  for (size_t i = 0; i < world.tenants(); ++i) {
    world.tenant(i).faults() = simulator::TenantFaults();
    for (uint64_t person = 0; person < world.people().count(); ++person) {
      world.sync(i).Unskip(person);
    }
    world.sync(i).Resume(stage_->now());
  }
  // A last death, so that the process that comes to the end has no deadly plan.
  stage_->KillAndRestart();
  // Calls that were swallowed before fail for a while yet, and trip a guard that is reset too soon.
  stage_->RunFor(stage_->options().process.verify_for + absl::Minutes(1));
  stage_->ResetGuards();
}

bool Scenario::Settle(absl::Duration at_least) {
  const bool quickly = length_ == Length::kShort && Chance(kQuickly);
  PassInPeace(quickly ? at_least : kBound);
  const absl::Time end = stage_->now() + kBound - at_least;
  const auto is_well = [this] {
    return CheckStates(*stage_).empty() && CheckFacts(*stage_).empty() &&
           CheckExpired(*stage_).empty();
  };
  while (!is_well()) {
    if (!quickly || stage_->now() >= end) return false;
    PassInPeace(absl::Minutes(1));
  }
  return true;
}

std::optional<uint64_t> Scenario::Somebody(State state) {
  return SomebodyFrom(AnyPerson(), state);
}

std::optional<uint64_t> Scenario::SomebodyFrom(uint64_t from, State state) {
  const uint64_t count = stage_->world().people().count();
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t person = (from + i) % count;
    const auto stored = StoredPerson(*stage_, 0, person);
    const bool usual = stored && stored->state == state && ActsFor(*stage_, 0, person) &&
                       !stage_->world().directory().IsDeleted(person) &&
                       !TruthOf(*stage_, 0, person).gone() && !IsFlapping(stored->memory);
    // Who expires has a story of their own.
    if (usual && (state != State::kAligned || !HasExpiryDate(person))) return person;
  }
  return std::nullopt;
}

void Scenario::Add(const std::vector<std::string>& faults) {
  faults_.insert(faults_.end(), faults.begin(), faults.end());
}

void Scenario::Expect(bool holds, uint64_t person, const char* what) {
  if (!holds) faults_.push_back(Cat(NameOf(*stage_, 0, person), ": ", what));
}

bool Scenario::ChangedFrom(uint64_t person, State from, absl::Time since) {
  const auto stored = StoredPerson(*stage_, 0, person);
  const auto entries =
      stage_->store().PersonEvidence(stage_->link(0).policy->link, stored->ordinal, 1000);
  return std::any_of(entries->begin(), entries->end(), [&](const monitor::EvidenceEntry& entry) {
    return entry.type == "state_changed" && entry.at >= since &&
           entry.details.at("from") == StateText(from);
  });
}

// One of them, or more within minutes than the budget allows in one window.
void Scenario::LeaveInPeace() {
  std::vector<monitor::Person> leavers;
  std::vector<uint64_t> people;
  int budget = stage_->link(0).policy->remediation.budgets.per_10m;
  for (size_t i = 1; i < stage_->links(); ++i) {
    budget = std::min(budget, stage_->link(i).policy->remediation.budgets.per_10m);
  }
  const size_t wanted = Chance(0.5) ? static_cast<size_t>(budget) + 2 : 1;
  while (people.size() < wanted) {
    const auto person = Somebody(State::kAligned);
    if (!person) break;
    const std::string sam = stage_->world().people().SamOf(*person);
    Note(Cat(sam, " leaves, in peace"));
    leavers.push_back(*StoredPerson(*stage_, 0, *person));
    people.push_back(*person);
    Must(stage_->world().directory().Disable(sam, stage_->now()));
    if (wanted > 1) stage_->RunFor(kNoMassLeave);  // and until that is seen
  }
  if (people.empty()) return;
  Settle(kCycleAndSeal);
  for (size_t i = 0; i < people.size(); ++i) {
    const auto after = StoredPerson(*stage_, 0, people[i]);
    Expect(after->state == State::kConverged, people[i], "left in peace, and did not converge");
    Expect(after->memory.episodes > leavers[i].memory.episodes, people[i],
           "left in peace, and that was no episode");
    Expect(CallsFor(*stage_, 0, people[i]) > 0, people[i], "left in peace, and was not sealed");
  }
}

void Scenario::ComeBackAndLeave() {
  const auto person = Somebody(State::kConverged);
  if (!person) return;
  Note(Cat(*person, " comes back, and leaves again"));
  const uint32_t episodes = StoredPerson(*stage_, 0, *person)->memory.episodes;
  const size_t calls = CallsFor(*stage_, 0, *person);
  const std::string sam = stage_->world().people().SamOf(*person);
  Must(stage_->world().directory().Enable(sam, stage_->now()));
  Settle(absl::Minutes(4));
  Must(stage_->world().directory().Disable(sam, stage_->now()));
  Settle(kCycleAndSeal);
  const auto after = StoredPerson(*stage_, 0, *person);
  Expect(after->memory.episodes > episodes, *person, "left again, and that was no episode");
  Expect(CallsFor(*stage_, 0, *person) > calls, *person, "left again, and was not sealed again");
}

void Scenario::ReviveInCloud() {
  const auto person = Somebody(State::kConverged);
  if (!person) return;
  Note(Cat(*person, " is enabled again in the tenant"));
  simulator::World& world = stage_->world();
  world.sync(0).Skip(*person);
  world.tenant(0).SetEnabled(*person, true, Actor::kOperator, stage_->now());
  stage_->RunFor(absl::Minutes(4));
  // An export that was under way undid it before it could be confirmed: to be sealed once more.
  if (!TruthOf(*stage_, 0, *person).live()) return static_cast<void>(Settle(absl::Minutes(1)));
  const auto after = StoredPerson(*stage_, 0, *person);
  const bool told = after->state == State::kRegressed || after->memory.before_our_time ||
                    after->memory.inherited || after->state == State::kContained;
  Expect(told, *person, "is back in the tenant, and nobody is told");
}

void Scenario::SignInAgain() {
  const auto person = Somebody(State::kAligned);
  if (!person || !stage_->options().process.logs) return;
  Note(Cat(*person, " leaves, is never disabled in the tenant, and signs in again"));
  simulator::World& world = stage_->world();
  const std::string sam = world.people().SamOf(*person);
  world.sync(0).Skip(*person);
  Must(world.directory().Disable(sam, stage_->now()));
  const size_t calls = CallsFor(*stage_, 0, *person);
  const absl::Time end = stage_->now() + kBound;
  while (CallsFor(*stage_, 0, *person) == calls && stage_->now() < end) {
    PassInPeace(absl::Minutes(1));  // a budget may be used up
  }
  Expect(CallsFor(*stage_, 0, *person) > calls, *person,
         "stayed in the tenant, and was not revoked");
  stage_->RunFor(absl::Minutes(12));
  Expect(StoredPerson(*stage_, 0, *person)->state == State::kContained, *person,
         "was revoked, and is not contained");
  Must(world.SignIn(sam, stage_->now()).status());
  const absl::Time signed_in = stage_->clock().Wall();
  stage_->RunFor(absl::Minutes(6));
  Expect(ChangedFrom(*person, State::kContained, signed_in), *person,
         "signed in again, and that changed nothing");
}

void Scenario::Epilogue() {
  switch (Between(0, length_ == Length::kLong ? 4 : 5)) {
    case 0:
      return LeaveInPeace();
    case 1:
      return ComeBackAndLeave();
    case 2:
      return ReviveInCloud();
    case 3:
      return Chance(0.3) ? SignInAgain() : LeaveInPeace();
    default:
      return;
  }
}

std::vector<std::string> Scenario::Run() {
  CallChecker calls(*stage_);
  stage_->after_step = [&calls] { calls.Look(); };
  stage_->after_death = [this] {
    Add(CheckEvidence(*stage_));
    Add(CheckStore(*stage_));
    Add(CheckCallsKnown(*stage_));
    Add(CheckReads(*stage_));
  };
  TakeBaseline();
  Trouble();
  Mend();
  if (Settle(absl::Minutes(Between(1, 4)))) {
    Epilogue();
    ExpireInPeace();
  }
  stage_->Stop();
  Add(calls.faults);
  for (const auto& more : {CheckStates(*stage_), CheckFacts(*stage_), CheckExpired(*stage_),
                           CheckAlerts(*stage_), CheckActions(*stage_), CheckHistory(*stage_),
                           CheckEvidence(*stage_), CheckStore(*stage_), CheckCallsKnown(*stage_)}) {
    Add(more);
  }
  stage_->after_step = nullptr;
  if (Chance(kAnew)) Add(CheckRebuilt(*stage_));
  return faults_;
}

std::string Scenario::Describe() const {
  return Cat(
      "deaths ", stage_->deaths(), clock_steps_ ? ", clock steps" : "",
      clock_leaps_ ? ", clock leaps" : "", controllers_ ? ", controllers" : "",
      tokens_ ? ", tokens" : "", stage_->options().process.real_graph != nullptr ? ", Graph" : "",
      expiries_ ? ", expiries" : "", acts_on_expired_ ? ", acts on expired" : "",
      brakes_ ? ", tight brakes" : "", ignores_revokes_ ? ", revokes ignored" : "",
      administrators_ ? ", administrators" : "", stage_->options().process.logs ? ", logs" : "",
      ", people ", stage_->world().people().count(), ", links ", stage_->links(), "\n",
      JoinStrings(acts_, "\n"));
}

}  // namespace driftwarden::sim
