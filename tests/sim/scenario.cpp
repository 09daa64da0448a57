#include "tests/sim/scenario.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "tests/sim/checks.h"
#include "tests/sim/story.h"

namespace driftwarden::sim {

namespace {
constexpr absl::Duration kTrouble = absl::Minutes(12);
constexpr absl::Duration kPeace = absl::Minutes(35);
}  // namespace

Scenario::Scenario(uint64_t seed, std::unique_ptr<Disk> disk) : seed_(seed), rng_(seed) {
  clock_steps_ = Chance(0.2);
  ignores_revokes_ = Chance(0.15);
  deaths_ = Chance(0.7) ? 1 : 0;
  stage_ = std::make_unique<Stage>(MakeStage(), std::move(disk));
}

StageOptions Scenario::MakeStage() {
  StoryOptions options;
  options.seed = seed_;
  options.people = static_cast<uint64_t>(Between(14, 50));
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
  for (simulator::TenantOptions& tenant : stage.world.tenants) {
    tenant.page_size = static_cast<size_t>(Between(1, 60));
  }
  stage.process.logs = Chance(0.6);
  stage.process.ad_page_size = static_cast<size_t>(Between(1, 60));
  for (LinkSetup& link : stage.process.links) {
    auto policy = std::make_shared<monitor::Policy>(*link.policy);
    policy->remediation.budgets.per_10m = static_cast<int>(Between(6, 40));
    link.policy = std::move(policy);
  }
  return stage;
}

uint64_t Scenario::AnyPerson() {
  return rng_.Below(stage_->world().people().count());
}

// Both sides are read once in peace: what is there before that is another story.
void Scenario::TakeBaseline() {
  if (deaths_ > 0) {
    stage_->later = [this] {
      store::FaultPlan plan;
      plan.at_commit = 1 + rng_.Below(120);
      plan.after_commit = Chance(0.5);
      return plan;
    };
  }
  stage_->Start(stage_->later ? stage_->later() : store::FaultPlan());
  stage_->RunFor(absl::Seconds(50));
}

void Scenario::Trouble() {
  if (Chance(0.7)) stage_->faults().error = rng_.Unit() * 0.08;
  if (Chance(0.7)) stage_->faults().lost_reply = rng_.Unit() * 0.08;
  for (size_t i = 0; i < stage_->world().tenants(); ++i) {
    simulator::TenantFaults& faults = stage_->world().tenant(i).faults();
    faults.replay = Chance(0.3) ? static_cast<int>(Between(1, 6)) : 0;
    faults.empty_pages = Chance(0.3) ? 1 : 0;
    faults.revoke_in_delta = Chance(0.5);
    if (Chance(0.3)) faults.duplicates = simulator::Duplicates::kSame;
    if (Chance(0.2)) faults.duplicates = simulator::Duplicates::kStaleLast;
    if (Chance(0.2)) faults.read_delay = absl::Seconds(Between(1, 5));
    if (Chance(0.3)) faults.delta_delay = absl::Seconds(Between(1, 40));
    if (Chance(0.1)) faults.omitted.insert("accountEnabled");
    faults.ignore_revoke = ignores_revokes_ && Chance(0.5);
    faults.report_delay = absl::Seconds(Between(0, 120));
    faults.report_duplicates = Chance(0.3);
    faults.report_disorder = Chance(0.3);
  }
  const absl::Time end = stage_->now() + kTrouble;
  while (stage_->now() < end) {
    Act();
    stage_->RunFor(absl::Milliseconds(Between(100, 60'000)));
  }
}

void Scenario::Act() {
  const int64_t what = Between(0, 9);
  if (what <= 6) {
    ActOnPerson(AnyPerson());
  } else if (what <= 8) {
    ActOnTenant(rng_.Below(stage_->world().tenants()));
  } else if (clock_steps_) {
    const absl::Duration by = absl::Seconds(Between(-20, 20));
    acts_.push_back(Cat("our clock steps ", absl::ToInt64Seconds(by), " s"));
    stage_->clock().StepWall(by);
  } else {
    acts_.push_back("the monitor is killed");
    stage_->KillAndRestart();
  }
}

void Scenario::ActOnPerson(uint64_t person) {
  simulator::World& world = stage_->world();
  simulator::Directory& directory = world.directory();
  const std::string sam = world.people().SamOf(person);
  const absl::Time now = stage_->now();
  const int64_t what = Between(0, 11);
  Status done;
  if (what <= 5) {
    done = directory.Disable(sam, now);
  } else if (what <= 7) {
    done = directory.Enable(sam, now);
  } else if (what == 8) {
    done = directory.Delete(sam, now);
  } else if (what == 9) {
    done = directory.Describe(sam, Cat("edited ", absl::ToUnixSeconds(now)), now);
  } else {
    world.tenant(rng_.Below(world.tenants()))
        .SetEnabled(person, what == 10, simulator::Actor::kOperator, now);
  }
  acts_.push_back(Cat(FormatRfc3339(now), " act ", what, " on ", sam));
  static_cast<void>(done);  // whoever is deleted stays so
}

// The feed lost its place and will not tell of it.
void Scenario::Vanish(size_t tenant) {
  simulator::World& world = stage_->world();
  const uint64_t person = AnyPerson();
  const absl::Time now = stage_->now();
  acts_.push_back(Cat(FormatRfc3339(now), " ", person, " vanishes from tenant ", tenant));
  world.tenant(tenant).SoftDelete(person, simulator::Actor::kOperator, now);
  if (Chance(0.5)) world.tenant(tenant).Purge(person, simulator::Actor::kOperator, now);
}

void Scenario::ActOnTenant(size_t tenant) {
  simulator::World& world = stage_->world();
  const absl::Time now = stage_->now();
  const int64_t what = Between(0, 6);
  acts_.push_back(Cat(FormatRfc3339(now), " act ", what, " on tenant ", tenant));
  switch (what) {
    case 0:
      world.tenant(tenant).KillDeltaTokens(static_cast<simulator::DeadTokenShape>(Between(0, 3)));
      if (Chance(0.5)) Vanish(tenant);
      break;
    case 1:
      world.directory().ChangeInvocationId(now);
      break;
    case 2:
      world.sync(tenant).Stall();
      break;
    case 3:
      world.sync(tenant).Resume(now);
      break;
    case 4:
      world.sync(tenant).Skip(AnyPerson());
      break;
    case 5:
      world.sync(tenant).RunNow(now);
      break;
    default:
      stage_->faults().error = rng_.Unit() * 0.3;
      break;
  }
}

void Scenario::Mend() {
  stage_->later = nullptr;
  stage_->faults() = testing::WireFaults();
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
  stage_->RunFor(ProcessOptions().verify_for + absl::Minutes(1));
  stage_->process().ResetGuards();
}

std::vector<std::string> Scenario::Run() {
  CallChecker calls(*stage_);
  stage_->after_step = [&calls] { calls.Look(); };
  TakeBaseline();
  Trouble();
  Mend();
  stage_->RunFor(kPeace);
  stage_->Stop();
  std::vector<std::string> faults = calls.faults;
  for (const auto& more :
       {CheckStates(*stage_), CheckSeals(*stage_), CheckEvidence(*stage_), CheckStore(*stage_)}) {
    faults.insert(faults.end(), more.begin(), more.end());
  }
  return faults;
}

std::string Scenario::Describe() const {
  return Cat("deaths ", stage_->deaths(), clock_steps_ ? ", clock steps" : "",
             ignores_revokes_ ? ", revokes ignored" : "", ", people ",
             stage_->world().people().count(), "\n", JoinStrings(acts_, "\n"));
}

}  // namespace driftwarden::sim
