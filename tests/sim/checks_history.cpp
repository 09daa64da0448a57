// What the evidence says, entry by entry, against the truth of that time.

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "monitor/tenant_log.h"
#include "tests/sim/checks.h"
#include "tests/sim/truth_queries.h"

namespace driftwarden::sim {

using monitor::EvidenceEntry;

namespace {

// How old what the monitor knows may be: polls, what the tenant tells late, an outage, a controller
// that lags.
constexpr absl::Duration kOld = absl::Minutes(6);
// What deadlines may be off by: clocks of controllers, whole seconds.
constexpr absl::Duration kExact = absl::Seconds(5);

struct Subject {
  std::string name;
  std::vector<Span> out;
  std::vector<Span> expired;
  EntraTruth entra;
  monitor::Thresholds thresholds;
  bool logs = false;        // of the tenant are read
  absl::Time at;            // of the entry, by the true clock
  absl::Duration wall_off;  // how far our own clock may have been off
};

bool WasOutOfAd(const Subject& s) {
  return std::any_of(s.out.begin(), s.out.end(), [&](const Span& out) {
    return out.Touches(s.at - kOld - s.wall_off, s.at + s.wall_off);
  });
}

std::string JudgeOutOfEntra(const Subject& s) {
  const bool out = std::any_of(s.entra.spans.begin(), s.entra.spans.end(), [&](const auto& span) {
    return !span.live() && span.Touches(s.at - kOld - s.wall_off, s.at + s.wall_off);
  });
  return out ? "" : "the account lived";
}

// Sessions that ended before the account was disabled are enough when both logs of sign-ins were
// read past that, and show none.
bool SealedByLogs(const Subject& s, absl::Time disabled) {
  if (!s.logs || s.at + s.wall_off < disabled + monitor::kLogIngestDelay) return false;
  return std::any_of(s.out.begin(), s.out.end(), [&](const Span& out) {
    return s.entra.RevokedSince(out.from, disabled) && !s.entra.SignedInSince(out.from);
  });
}

// Out of Entra lately, and either gone, or its sessions ended since.
std::string JudgeConverged(const Subject& s) {
  bool out = false;
  for (const EntraSpan& span : s.entra.spans) {
    if (span.live() || !span.Touches(s.at - kOld - s.wall_off, s.at + s.wall_off)) continue;
    out = true;
    // A short return between two looks was not seen.
    if (span.gone || span.from == absl::InfinitePast() || s.entra.returns > 0) return "";
    if (s.entra.RevokedSince(span.from, s.at + s.wall_off)) return "";
    if (SealedByLogs(s, span.from)) return "";
  }
  return out ? "no session was ended since the disable" : "the account lived";
}

std::string JudgeLate(const Subject& s, absl::Duration threshold) {
  if (!WasOutOfAd(s)) return "AD did not say so";
  const bool lived = std::any_of(s.entra.spans.begin(), s.entra.spans.end(), [&](const auto& span) {
    return span.live() && span.Touches(s.at - kOld - s.wall_off, s.at + s.wall_off);
  });
  if (!lived) return "the account did not live";
  const auto began = [&](absl::Time by) {
    return std::find_if(s.out.rbegin(), s.out.rend(),
                        [by](const Span& out) { return out.from <= by; });
  };
  // The last departure until then, or the one before it, which a short return may not have ended.
  const auto last = began(s.at + s.wall_off);
  const auto since = began(s.at - threshold + kExact + s.wall_off);
  if (since == s.out.rend() || since - last > 2) return "it is too early";
  return "";
}

std::string Judge(const Subject& s, const std::string& to) {
  if (to == "converged") return JudgeConverged(s);
  if (to == "lagging") return JudgeLate(s, s.thresholds.warn_after);
  if (to == "breached") return JudgeLate(s, s.thresholds.breach_after);
  if (to == "pending" || to == "unsealed" || to == "contained" || to == "regressed") {
    if (!WasOutOfAd(s)) return "AD did not say so";
  }
  if (to == "unsealed" || to == "reversed") return JudgeOutOfEntra(s);
  if (to == "contained" && !s.entra.RevokedSince(s.out.front().from, s.at + s.wall_off)) {
    return "no session was ended";
  }
  if (to == "regressed" && s.entra.returns == 0) return "the account never came back";
  return "";
}

std::string JudgeExpired(const Subject& s) {
  const bool expired = std::any_of(s.expired.begin(), s.expired.end(), [&](const Span& span) {
    return span.Touches(s.at - s.wall_off, s.at + kExact + s.wall_off);
  });
  return expired ? "" : "AD did not refuse them";
}

// What an entry claims, in its own words; nothing: it claims nothing that is judged here.
std::string ClaimOf(const EvidenceEntry& entry) {
  if (entry.type == "state_changed") return entry.details.at("to");
  const std::string expired(monitor::DriftKindText(monitor::DriftKind::kAccountExpiredLive));
  const bool opened = entry.type == "drift_opened" && entry.details.at("kind") == expired;
  return opened ? expired : "";
}

std::map<monitor::PersonOrdinal, Subject> Subjects(Stage& stage, size_t link) {
  std::map<monitor::PersonOrdinal, Subject> subjects;
  const LinkSetup& setup = stage.link(link);
  const uint64_t count = stage.world().people(setup.forest).count();
  const monitor::LinkState nothing_learned;
  for (uint64_t person = 0; person < count; ++person) {
    const auto stored = StoredPerson(stage, link, person);
    if (!stored) continue;
    Subject subject;
    subject.name = NameOf(stage, link, person);
    subject.out = OutOfAd(stage, setup.forest, person);
    subject.expired = ExpiredInAd(stage, setup.forest, person, kOld);
    subject.entra = TruthOf(stage, link, person);
    subject.thresholds =
        ThresholdsFor(TierOfPerson(stage, link, person), *setup.policy, nothing_learned);
    subject.logs = stage.options().process.logs;
    subject.wall_off = stage.clock_error();
    subjects.emplace(stored->ordinal, std::move(subject));
  }
  return subjects;
}

}  // namespace

std::vector<std::string> CheckHistory(Stage& stage) {
  std::vector<std::string> faults;
  for (size_t link = 0; link < stage.links(); ++link) {
    auto subjects = Subjects(stage, link);
    const auto entries = stage.store().Evidence(stage.link(link).policy->link, 1, 100'000);
    if (!entries.ok()) return {std::string(Message(entries.status()))};
    for (const EvidenceEntry& entry : *entries) {
      const std::string claim = ClaimOf(entry);
      if (claim.empty() || !entry.person) continue;
      const auto subject = subjects.find(*entry.person);
      if (subject == subjects.end()) continue;
      subject->second.at = entry.at;
      const std::string fault = entry.type == "state_changed" ? Judge(subject->second, claim)
                                                              : JudgeExpired(subject->second);
      if (fault.empty()) continue;
      faults.push_back(Cat(subject->second.name, ": called ", claim, " at ",
                           FormatRfc3339(entry.at), ", but ", fault));
    }
  }
  return faults;
}

}  // namespace driftwarden::sim
