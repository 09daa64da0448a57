// Causes under a running engine: found by time alone, told once for many, kept over a crash.

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "tests/engine/engine_fixture.h"

namespace driftwarden::daemon {
namespace {

using alerts::PendingAlert;
using monitor::LabelSet;
using monitor::SourceName;

// People are warned about at once, and nothing is done.
std::shared_ptr<monitor::Policy> WarnAtOnce(int collapse_after = 20) {
  auto policy = TestPolicy();
  policy->remediation.mode = monitor::Mode::kObserve;
  policy->collapse_after = collapse_after;
  policy->tiers = {{monitor::TierName(monitor::kTier0), {}, {}, {}, {}},
                   {monitor::TierName(monitor::kStandard), {}, {}, {}, {}}};
  policy->tiers[0].match.admin_count = true;
  for (monitor::TierPolicy& tier : policy->tiers) tier.warn_after = absl::ZeroDuration();
  return policy;
}

class Told {
 public:
  explicit Told(EngineFixture& f) : f_(f) {}

  // Delivers what is pending, as a receiver that takes everything; what fires by then.
  std::vector<PendingAlert> Deliver() {
    auto pending = f_.Await(f_.engine->Pending());
    DW_CHECK(pending.ok());
    std::vector<monitor::DeliveryReport> reports;
    std::vector<PendingAlert> firing;
    for (const PendingAlert& alert : *pending) {
      monitor::DeliveryReport report;
      report.incident = alert.incident;
      report.labels = alert.alert.labels;
      report.firing = alert.firing;
      report.receiver = "book";
      reports.push_back(std::move(report));
      if (alert.firing) {
        firing_.insert_or_assign(alert.alert.labels, alert.alert);
        firing.push_back(alert);
      } else {
        firing_.erase(alert.alert.labels);
      }
    }
    DW_CHECK(f_.Await(f_.engine->ReportDeliveries(std::move(reports))).ok());
    return firing;
  }

  size_t Firing(const std::string& alertname, const std::string& kind = "") const {
    size_t count = 0;
    for (const auto& [labels, alert] : firing_) {
      const bool right = labels.at("alertname") == alertname;
      count += right && (kind.empty() || labels.at("kind") == kind) ? 1 : 0;
    }
    return count;
  }

  const alerts::Alert* Cause(const std::string& kind) const {
    for (const auto& [labels, alert] : firing_) {
      if (labels.at("alertname") == "DriftwardenCause" && labels.at("kind") == kind) return &alert;
    }
    return nullptr;
  }

 private:
  EngineFixture& f_;
  std::map<LabelSet, alerts::Alert> firing_;  // as a receiver shows them
};

void ReadBoth(EngineFixture& f) {
  DW_CHECK(f.Deliver(Round("corp", f.clock.Wall(), {}, "usn-r")).ok());
  DW_CHECK(f.Deliver(Round("contoso", f.clock.Wall(), {}, "delta-r")).ok());
}

// Time with rounds of both sources.
void Pass(EngineFixture& f, absl::Duration d) {
  const absl::Time until = f.clock.Wall() + d;
  while (f.clock.Wall() < until) {
    f.scheduler.RunFor(std::min<absl::Duration>(absl::Minutes(1), until - f.clock.Wall()));
    ReadBoth(f);
    DW_CHECK(f.Await(f.engine->ReviewDue()).ok());
  }
}

void Synced(EngineFixture& f, absl::Time at) {
  monitor::TenantLook look;
  look.organization.emplace();
  look.organization->last_sync = at;
  DW_CHECK(f.Await(f.engine->DeliverTenant(std::move(look), false)).ok());
}

void SetInAd(EngineFixture& f, int from, int to, bool enabled, uint32_t version,
             bool admin = false) {
  std::vector<monitor::Observation> seen;
  for (int n = from; n <= to; ++n) {
    monitor::AdView view = AdPerson(n, enabled, version, f.clock.Wall());
    view.admin_count = admin;
    seen.push_back(Seen("corp", std::move(view), f.clock.Wall()));
  }
  DW_CHECK(f.Deliver(Round("corp", f.clock.Wall(), std::move(seen), "usn-d")).ok());
}

void DisableInEntra(EngineFixture& f, int from, int to) {
  std::vector<monitor::Observation> seen;
  for (int n = from; n <= to; ++n) {
    seen.push_back(Seen("contoso", EntraPerson(n, false), f.clock.Wall()));
  }
  DW_CHECK(f.Deliver(Round("contoso", f.clock.Wall(), std::move(seen), "delta-d")).ok());
}

// An engine that has stalled, by what its tenant says.
void Stall(EngineFixture& f) {
  const absl::Time last = f.clock.Wall();
  Synced(f, last);
  Pass(f, absl::Minutes(71));
  Synced(f, last);
}

TEST(EngineCauses, ADeadSourceIsFoundThoughItBringsNoBatch) {
  EngineFixture f(WarnAtOnce());
  f.Baseline(3);
  Told told(f);
  told.Deliver();
  const uint64_t before = f.store->commits();
  const absl::Time began = f.clock.Wall();
  while (told.Firing("DriftwardenCause", "source_stale") < 2) {
    ASSERT_TRUE(f.Await(f.engine->WaitForDue(absl::Minutes(1))).ok());
    ASSERT_TRUE(f.Await(f.engine->ReviewDue()).ok());
    told.Deliver();
    ASSERT_LT(f.clock.Wall(), began + absl::Minutes(5));
  }
  EXPECT_GE(f.clock.Wall(), began + absl::Minutes(2));
  // The two causes and the report that they were told: nobody's record is written.
  EXPECT_LE(f.store->commits(), before + 4);
  ReadBoth(f);
  Pass(f, absl::Minutes(3));
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause"), 0u);
  EXPECT_TRUE(f.engine->State()->causes.causes.empty());
}

TEST(EngineCauses, AStalledEngineIsOnePageAndWhoIsStillOpenAfterwardsIsTheirOwn) {
  EngineFixture f(WarnAtOnce());
  f.Baseline(10);
  Stall(f);
  Told told(f);
  told.Deliver();
  ASSERT_EQ(told.Firing("DriftwardenCause", "engine_stalled"), 1u);
  SetInAd(f, 1, 5, false, 2);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
  const alerts::Alert* cause = told.Cause("engine_stalled");
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->annotations.at("count"), "5");
  EXPECT_NE(cause->annotations.at("people").find("u3@corp.example"), std::string::npos);
  const LabelSet expected = {{"alertname", "DriftwardenCause"}, {"link", "corp-contoso"},
                             {"kind", "engine_stalled"},        {"tier", "all"},
                             {"severity", "critical"},          {"episode", "c1.corp-contoso"}};
  EXPECT_EQ(cause->labels, expected);
  // The engine is back and carries all but one.
  f.scheduler.RunFor(absl::Minutes(1));
  Synced(f, f.clock.Wall());
  DisableInEntra(f, 1, 4);
  Pass(f, absl::Minutes(3));
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause"), 0u);
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 1u);
}

TEST(EngineCauses, WhoWasToldOfBeforeTheCauseOpenedStaysAsTold) {
  EngineFixture f(WarnAtOnce());
  f.Baseline(10);
  const absl::Time last = f.clock.Wall();
  Synced(f, last);
  SetInAd(f, 1, 1, false, 2);
  Told told(f);
  told.Deliver();
  ASSERT_EQ(told.Firing("DriftwardenPerson"), 1u);
  Pass(f, absl::Minutes(75));  // past the breach as well
  Synced(f, last);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause", "engine_stalled"), 1u);
  const auto firing = told.Deliver();
  ASSERT_EQ(told.Firing("DriftwardenPerson"), 1u);
  for (const PendingAlert& alert : firing) {
    if (alert.alert.labels.at("alertname") != "DriftwardenPerson") continue;
    EXPECT_EQ(alert.alert.labels.at("severity"), "warning") << "neither resolved nor raised";
  }
  SetInAd(f, 1, 1, true, 3);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u) << "back: resolved under the cause as well";
}

TEST(EngineCauses, TierZeroPagesOnItsOwn) {
  EngineFixture f(WarnAtOnce());
  f.Baseline(10);
  Stall(f);
  SetInAd(f, 1, 3, false, 2);
  SetInAd(f, 4, 4, false, 2, true);
  Told told(f);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause", "engine_stalled"), 1u);
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 1u);
  EXPECT_EQ(told.Cause("engine_stalled")->annotations.at("count"), "3");
}

// Outside `auto`: tier 0 stands with everybody else in one alert, which changes once a day.
TEST(EngineCauses, WhoseSessionsNobodyRevokedIsOneSummaryADay) {
  EngineFixture f(WarnAtOnce());
  f.Baseline(10);
  Told told(f);
  SetInAd(f, 1, 2, false, 2);
  Pass(f, absl::Minutes(1));
  DisableInEntra(f, 1, 2);
  Pass(f, absl::Minutes(50));
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
  const alerts::Alert* summary = told.Cause("token_not_revoked");
  ASSERT_NE(summary, nullptr);
  EXPECT_EQ(summary->labels.at("severity"), "info");
  EXPECT_EQ(summary->annotations.at("people"), "u1@corp.example, u2@corp.example");
  // Tier 0 was told of alone while live in Entra; now that is over, and the summary a warning.
  SetInAd(f, 3, 3, false, 2, true);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 1u);
  Pass(f, absl::Minutes(1));
  DisableInEntra(f, 3, 3);
  Pass(f, absl::Minutes(5));
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
  EXPECT_EQ(told.Firing("DriftwardenCause", "token_not_revoked"), 1u);
  summary = told.Cause("token_not_revoked");
  ASSERT_NE(summary, nullptr);
  EXPECT_EQ(summary->labels.at("severity"), "warning");
  EXPECT_EQ(summary->annotations.at("count"), "3");
  EXPECT_EQ(summary->annotations.at("people"), "u3@corp.example, u1@corp.example, u2@corp.example");
  EXPECT_EQ(summary->annotations.at("summary"),
            "corp-contoso: 3 people are disabled in Entra without a revocation since, 1 of tier 0");
  // One more on the same day is not told of; on the next it is.
  SetInAd(f, 4, 4, false, 2);
  Pass(f, absl::Minutes(1));
  DisableInEntra(f, 4, 4);
  Pass(f, absl::Hours(2));
  told.Deliver();
  EXPECT_EQ(told.Cause("token_not_revoked")->annotations.at("count"), "3");
  EXPECT_EQ(told.Cause("token_not_revoked")->annotations.at("people"),
            "u3@corp.example, u1@corp.example, u2@corp.example");
  Pass(f, absl::Hours(23));
  told.Deliver();
  EXPECT_EQ(told.Cause("token_not_revoked")->annotations.at("count"), "4");
  EXPECT_EQ(told.Cause("token_not_revoked")->annotations.at("people"),
            "u3@corp.example, u1@corp.example, u2@corp.example, u4@corp.example");
  EXPECT_EQ(told.Firing("DriftwardenCause", "token_not_revoked"), 1u);
  // Back in AD and in Entra: over.
  SetInAd(f, 1, 4, true, 3);
  std::vector<monitor::Observation> seen;
  for (int n = 1; n <= 4; ++n) {
    seen.push_back(Seen("contoso", EntraPerson(n, true), f.clock.Wall()));
  }
  ASSERT_TRUE(f.Deliver(Round("contoso", f.clock.Wall(), std::move(seen), "delta-b")).ok());
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause"), 0u);
}

TEST(EngineCauses, WhoDriftedBeforeUsIsOneAlertUntilTheBaselineIsAccepted) {
  EngineFixture f(WarnAtOnce());
  DW_CHECK(f.Deliver(Round("corp", f.clock.Wall(),
                           {Seen("corp", AdPerson(1, false), f.clock.Wall()),
                            Seen("corp", AdPerson(2, true), f.clock.Wall())},
                           "usn-1", true))
               .ok());
  DW_CHECK(f.Deliver(Round("contoso", f.clock.Wall(),
                           {Seen("contoso", EntraPerson(1, true), f.clock.Wall()),
                            Seen("contoso", EntraPerson(2, true), f.clock.Wall())},
                           "delta-1", true))
               .ok());
  Told told(f);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
  const alerts::Alert* inherited = told.Cause("inherited");
  ASSERT_NE(inherited, nullptr);
  EXPECT_EQ(inherited->labels.at("severity"), "warning");
  EXPECT_EQ(inherited->annotations.at("count"), "1");
  EXPECT_EQ(inherited->annotations.at("summary"),
            "corp-contoso: 1 person is live in Entra who drifted before the first look");
  EXPECT_NE(inherited->annotations.at("description").find("driftwarden baseline accept"),
            std::string::npos);
  ASSERT_TRUE(f.Await(f.engine->AcceptBaseline("ada")).ok());
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause"), 0u);
}

TEST(EngineCauses, VeryManyCollapseAndComeApartAgainWhenTheyAreFewer) {
  EngineFixture f(WarnAtOnce(4));
  f.Baseline(12);
  Told told(f);
  SetInAd(f, 1, 4, false, 2);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 4u);
  EXPECT_EQ(told.Firing("DriftwardenCause"), 0u);
  SetInAd(f, 5, 8, false, 2);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause", "disable_lag"), 1u);
  EXPECT_EQ(told.Cause("disable_lag")->annotations.at("count"), "8");
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 4u) << "those who were told of before";
  f.scheduler.RunFor(absl::Seconds(5));
  SetInAd(f, 5, 8, true, 3);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause", "disable_lag"), 1u) << "four: not clearly fewer";
  f.scheduler.RunFor(absl::Seconds(5));
  SetInAd(f, 4, 4, true, 3);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause"), 0u);
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 3u);
}

TEST(EngineCauses, ACrashBetweenTheCauseAndItsAlertLosesNeither) {
  auto disk = std::make_shared<store::MemDisk>();
  {
    EngineFixture f(WarnAtOnce(), "/dev/null", disk);
    f.Baseline(40);
    SetInAd(f, 1, 30, false, 2);
    ASSERT_TRUE(f.engine->State()->guards.at(monitor::kGuardMassDisable).tripped);
  }
  {
    EngineFixture f(WarnAtOnce(), "/dev/null", disk);
    Told told(f);
    told.Deliver();
    EXPECT_EQ(told.Firing("DriftwardenCause", "mass_disable"), 1u);
    EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
    EXPECT_EQ(told.Cause("mass_disable")->annotations.at("count"), "30");
  }
  // It was told: the next process knows, and tells of the end.
  EngineFixture f(WarnAtOnce(), "/dev/null", disk);
  ASSERT_TRUE(
      f.Await(f.engine->ResetGuard(monitor::kGuardMassDisable, "ada", "a closed branch")).ok());
  const auto pending = f.Await(f.engine->Pending());
  ASSERT_TRUE(pending.ok());
  size_t resolved = 0;
  for (const PendingAlert& alert : *pending) {
    const std::string kind = alert.alert.labels.at("kind");
    if (kind == "mass_disable") {
      EXPECT_FALSE(alert.firing);
      ++resolved;
    }
  }
  EXPECT_EQ(resolved, 1u);
  Told told(f);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause", "disable_lag"), 1u) << "thirty of one kind";
  EXPECT_EQ(f.store->Check()->size(), 0u);
}

TEST(EngineCauses, OnceCollapsedTheRestartKeepsItTogether) {
  auto disk = std::make_shared<store::MemDisk>();
  {
    EngineFixture f(WarnAtOnce(4), "/dev/null", disk);
    f.Baseline(12);
    SetInAd(f, 1, 6, false, 2);
    Told told(f);
    told.Deliver();
    ASSERT_EQ(told.Firing("DriftwardenCause", "disable_lag"), 1u);
  }
  EngineFixture f(WarnAtOnce(4), "/dev/null", disk);
  f.scheduler.RunFor(absl::Seconds(5));
  SetInAd(f, 5, 6, true, 3);
  Told told(f);
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause", "disable_lag"), 1u) << "four are above three quarters";
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
}

// Pages of a thousand, as a directory's answers are.
void InPages(int people, const std::function<void(int from, int to)>& page) {
  constexpr int kPage = 1000;
  for (int from = 1; from <= people; from += kPage) page(from, std::min(from + kPage - 1, people));
}

// Judges whoever is due, until nobody is.
void ReviewAllDue(EngineFixture& f) {
  while (true) {
    const auto due = f.store->DueBefore(f.engine->link(), f.clock.Wall(), 1);
    DW_CHECK(due.ok());
    if (due->empty()) return;
    DW_CHECK(f.Await(f.engine->ReviewDue()).ok());
  }
}

TEST(EngineCauses, TenThousandDisabledAtOnceAreOnePageAndNobodyIsLost) {
  constexpr int kCrowd = 10'000;
  auto policy = WarnAtOnce();
  policy->remediation.mode = monitor::Mode::kAuto;
  policy->require_revocation = false;
  policy->tiers.back().revoke_after = absl::Seconds(60);
  EngineFixture f(policy);
  f.Baseline(kCrowd);
  Told told(f);
  told.Deliver();
  InPages(kCrowd, [&](int from, int to) { SetInAd(f, from, to, false, 2); });
  // One cause, one page, and everybody counted in it though only some are named.
  const auto state = f.engine->State();
  ASSERT_FALSE(state->causes.causes.empty());
  EXPECT_EQ(state->causes.causes[0].kind, monitor::CauseKind::kMassDisable);
  EXPECT_EQ(state->causes.causes[0].people, static_cast<uint64_t>(kCrowd));
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenPerson"), 0u);
  EXPECT_EQ(told.Firing("DriftwardenCause"), 1u);
  const alerts::Alert* const cause = told.Cause("mass_disable");
  ASSERT_NE(cause, nullptr);
  EXPECT_EQ(cause->annotations.at("count"), Cat(kCrowd));
  EXPECT_LT(cause->annotations.at("people").size(), 1000u);
  // Automation waits for a person's word, though its time has come.
  EXPECT_TRUE(state->guards.at(monitor::kGuardMassDisable).tripped);
  f.scheduler.RunFor(absl::Seconds(61));
  ASSERT_TRUE(f.Await(f.engine->ReviewDue()).ok());
  const auto claimed = f.Await(f.engine->Claim());
  ASSERT_TRUE(claimed.ok());
  EXPECT_TRUE(claimed->empty());
  const auto held = f.store->ListActions(f.engine->link(), "", kCrowd);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(held->items.size(), EngineOptions().review_limit) << "as many as one command reviews";
  for (const monitor::Action& action : held->items) {
    ASSERT_TRUE(monitor::HeldBackBy(action, monitor::kGuardMassDisable)) << action.id.value;
  }
  // Entra follows: every one of them converges.
  InPages(kCrowd, [&](int from, int to) { DisableInEntra(f, from, to); });
  ReviewAllDue(f);
  const auto after = f.engine->State();
  EXPECT_TRUE(after->open.empty());
  const monitor::UserCountKey converged{monitor::State::kConverged,
                                        monitor::TierName(monitor::kStandard)};
  EXPECT_EQ(after->users.at(converged), kCrowd);
  const auto cases = f.store->ListEpisodes(f.engine->link(), false, "", kCrowd);
  ASSERT_TRUE(cases.ok());
  EXPECT_EQ(cases->items.size(), static_cast<size_t>(kCrowd));
  for (const monitor::Episode& episode : cases->items) {
    ASSERT_EQ(episode.result, monitor::EpisodeResult::kConverged) << episode.id.value;
  }
  ASSERT_TRUE(
      f.Await(f.engine->ResetGuard(monitor::kGuardMassDisable, "ada", "a closed branch")).ok());
  told.Deliver();
  EXPECT_EQ(told.Firing("DriftwardenCause") + told.Firing("DriftwardenPerson"), 0u);
}

}  // namespace
}  // namespace driftwarden::daemon
