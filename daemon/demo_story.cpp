#include "daemon/demo_story.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/json_text.h"
#include "daemon/text_table.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using simulator::SimulatorService;

namespace {

constexpr size_t kOrdinary = 10;

}  // namespace

DemoPace::DemoPace(double speed) {
  const auto scale = [speed](absl::Duration d) {
    return std::max(absl::Milliseconds(200),
                    absl::Milliseconds(absl::ToInt64Milliseconds(d / speed)));
  };
  for (absl::Duration* d : {&cycle, &settle, &warn_after, &revoke_after, &breach_after, &resend}) {
    *d = scale(*d);
  }
}

DemoStory::DemoStory(SimulatorThread& simulator, Client client, DemoPace pace,
                     std::function<void(const std::string&)> say,
                     std::function<bool(absl::Duration)> pause)
    : simulator_(simulator),
      client_(std::move(client)),
      pace_(pace),
      say_(std::move(say)),
      pause_(std::move(pause)) {}

bool DemoStory::Step(const std::string& what, absl::Duration within,
                     const std::function<bool()>& done) {
  const absl::Duration end = clock_.Steady() + within;
  while (interrupted_ || !done()) {
    if (interrupted_) return false;
    if (clock_.Steady() > end)
      return Expect(false, Cat(what, " (within ", HumanDuration(within), ")"));
    if (!pause_(absl::Milliseconds(200))) {
      interrupted_ = true;
      return Expect(false, Cat("interrupted before: ", what));
    }
  }
  return Expect(true, what);
}

bool DemoStory::Expect(bool ok, const std::string& what) {
  say_(Cat(ok ? "  ✓ " : "  ✗ ", what));
  if (!ok) missing_.push_back(what);
  return ok;
}

StatusOr<json::value> DemoStory::PersonOf(const Leaver& leaver) const {
  return client_.Get(Cat("/api/v1/users/", leaver.sam));
}

std::string DemoStory::StateOf(const Leaver& leaver) const {
  const auto person = PersonOf(leaver);
  return person.ok() ? TextAt(*person, "state") : std::string();
}

bool DemoStory::AlertSeen(const Leaver& leaver, const std::string& severity, bool resolved) const {
  // Found by the person's name in the annotations and the episode label, as an on-call would.
  return simulator_.Do([&](SimulatorService& service) {
    std::map<std::string, bool> ended;  // by episode: its last alert was ended by its sender
    for (const auto& alert : service.alerts().History(clock_.Wall())) {
      if (alert.Label("alertname") != "DriftwardenPerson") continue;
      if (!severity.empty() && alert.Label("severity") != severity) continue;
      bool about = false;
      for (const auto& [name, text] : alert.annotations) {
        about = about || text.find(leaver.upn) != std::string::npos;
      }
      if (!about) continue;
      if (!resolved) return true;
      if (!alert.resolved_at) return false;  // one of them fires still
      ended[alert.Label("episode")] = alert.resolved_by_post;
    }
    return !ended.empty() &&
           std::all_of(ended.begin(), ended.end(), [](const auto& entry) { return entry.second; });
  });
}

std::vector<simulator::Call> DemoStory::RevokesOf(const Leaver& leaver) const {
  return simulator_.Do([&](SimulatorService& service) {
    std::vector<simulator::Call> calls;
    for (const simulator::Call& call : service.world().truth().calls) {
      if (call.person == leaver.person && call.kind == simulator::CallKind::kRevoke) {
        calls.push_back(call);
      }
    }
    return calls;
  });
}

absl::Time DemoStory::EntraDisabledAt(const Leaver& leaver) const {
  return simulator_.Do([&](SimulatorService& service) {
    for (const simulator::EntraChange& change : service.world().truth().entra_changes) {
      if (change.person == leaver.person && change.kind == simulator::EntraChangeKind::kDisabled) {
        return change.at;
      }
    }
    return absl::InfiniteFuture();
  });
}

bool DemoStory::Baseline() {
  say_("the first look: everybody on both sides is read and joined");
  return Step("both sides completely read; the baseline stands", absl::Seconds(60), [this] {
    const auto baseline = client_.Get("/api/v1/baseline");
    return baseline.ok() && !ListAt(*baseline, "items").empty() &&
           !TextAt(ListAt(*baseline, "items")[0], "established_at").empty();
  });
}

void DemoStory::Leave() {
  simulator_.Do([this](SimulatorService& service) {
    simulator::World& world = service.world();
    const simulator::People& people = world.people();
    const absl::Time now = clock_.Wall();
    bool tier0 = false;
    for (uint64_t i = 1; leavers_.size() < kOrdinary + 2; ++i) {
      if (people.IsTier0(i) == (leavers_.size() < kOrdinary + 1)) continue;
      const simulator::Person person = people.At(i);
      Leaver leaver;
      leaver.person = i;
      leaver.sam = people.SamOf(i);
      leaver.upn = person.upn;
      leaver.part = leavers_.size() < kOrdinary    ? "ordinary"
                    : leavers_.size() == kOrdinary ? "skipped by the sync"
                                                   : "tier not acted on";
      leaver.disabled_at = now;
      tier0 = tier0 || people.IsTier0(i);
      if (leavers_.size() >= kOrdinary) world.sync().Skip(i);
      leavers_.push_back(leaver);
    }
    for (const Leaver& leaver : leavers_) {
      const Status disabled = world.directory().Disable(leaver.sam, now);
      if (!disabled.ok()) missing_.push_back(std::string(Message(disabled)));
    }
  });
  say_(Cat(leavers_.size(), " people are disabled in AD; the sync engine will miss two of them"));
}

bool DemoStory::OrdinaryConverge() {
  return Step(Cat(kOrdinary, " are disabled in Entra by the sync, sealed and converged"),
              pace_.breach_after, [this] {
                return std::all_of(leavers_.begin(), leavers_.begin() + kOrdinary,
                                   [this](const Leaver& l) { return StateOf(l) == "converged"; });
              });
}

bool DemoStory::SkippedIsContained() {
  const Leaver& skipped = leavers_[kOrdinary];
  bool ok = Step(Cat(skipped.sam, " lags: a warning reached the receiver"), pace_.breach_after,
                 [&] { return AlertSeen(skipped, "warning", false); });
  ok = Step(Cat(skipped.sam, " is revoked, verified and contained while still live in Entra"),
            pace_.breach_after,
            [&] { return StateOf(skipped) == "contained" && !RevokesOf(skipped).empty(); }) &&
       ok;
  simulator_.Do([&](SimulatorService& service) { service.world().sync().Unskip(skipped.person); });
  say_("the sync engine is told to take that person again");
  return ok;
}

bool DemoStory::SkippedConverges() {
  const Leaver& skipped = leavers_[kOrdinary];
  bool ok = Step(Cat(skipped.sam, " is disabled by a later cycle, sealed and converged"),
                 2 * pace_.breach_after, [&] { return StateOf(skipped) == "converged"; });
  ok = Step(Cat(skipped.sam, "'s alert is resolved at the receiver"), 2 * pace_.breach_after,
            [&] { return AlertSeen(skipped, "", true); }) &&
       ok;
  return ok;
}

bool DemoStory::NotActedOnIsBreached() {
  const Leaver& person = leavers_[kOrdinary + 1];
  bool ok = Step(Cat(person.sam, ", tier not acted on, is breached"), 2 * pace_.breach_after,
                 [&] { return StateOf(person) == "breached"; });
  ok = Step("a critical page for them reached the receiver", pace_.breach_after,
            [&] { return AlertSeen(person, "critical", false); }) &&
       ok;
  return Expect(RevokesOf(person).empty(), "and nothing was done to them") && ok;
}

bool DemoStory::JudgeCalls() {
  bool ok = true;
  for (size_t i = 0; i <= kOrdinary; ++i) {
    const absl::Time disabled_at = EntraDisabledAt(leavers_[i]);
    bool contained = false, sealed = false;
    for (const simulator::Call& call : RevokesOf(leavers_[i])) {
      if (call.applied) (call.at < disabled_at ? contained : sealed) = true;
    }
    if (!sealed) ok = Expect(false, Cat(leavers_[i].sam, " was sealed, by Entra's own record"));
    if (i == kOrdinary && !contained) {
      ok = Expect(false, Cat(leavers_[i].sam, " was contained, by Entra's own record"));
    }
  }
  const size_t strangers = simulator_.Do([this](SimulatorService& service) {
    size_t count = 0;
    for (const simulator::Call& call : service.world().truth().calls) {
      const bool ours = std::any_of(leavers_.begin(), leavers_.end(),
                                    [&](const Leaver& l) { return l.person == call.person; });
      if (!ours) ++count;
    }
    return count;
  });
  return Expect(strangers == 0, "nobody else was touched, by Entra's own record of calls") && ok;
}

std::vector<std::string> DemoStory::Tell() {
  missing_.clear();
  if (!Baseline()) return missing_;
  Leave();
  OrdinaryConverge();
  SkippedIsContained();
  SkippedConverges();
  NotActedOnIsBreached();
  JudgeCalls();
  return missing_;
}

std::string DemoStory::LagTable() const {
  std::vector<TextRow> rows;
  for (const Leaver& leaver : leavers_) {
    const auto person = PersonOf(leaver);
    const json::value none;
    const json::value& shown = person.ok() ? *person : none;
    const auto entra = ParseRfc3339(TextAt(Field(Field(shown, "entra"), "disabled_since"), "hi"));
    std::string revoked = "-";
    for (const simulator::Call& call : RevokesOf(leaver)) {
      if (!call.applied) continue;
      const std::string lag = HumanDuration(call.at - leaver.disabled_at);
      revoked = revoked == "-" ? lag : Cat(revoked, ", ", lag);
    }
    rows.push_back({leaver.sam, leaver.part, TextAt(shown, "state"),
                    entra ? HumanDuration(*entra - leaver.disabled_at) : "still live", revoked});
  }
  return RenderTable({"USER", "PART", "STATE", "ENTRA DISABLE AFTER", "REVOKED AFTER"}, rows);
}

}  // namespace driftwarden::daemon
