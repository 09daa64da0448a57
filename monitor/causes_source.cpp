// source_stale opens when a source of the link has no completed round for as long as makes people
// blind, counted from our own start at the earliest; it clears when a round is completed.

#include <algorithm>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/causes.h"
#include "monitor/evaluate.h"
#include "monitor/set_back.h"

namespace driftwarden::monitor {
namespace {

constexpr char kSourceCauseSentence[] =
    "source_stale opens when a source of the link has no completed round for its stale bound, "
    "counted from the start of driftwarden at the earliest; it clears when a round is completed.";

// Whose departure is open: they are judged by what was read last.
uint64_t OpenPeople(const LinkState& link) {
  int64_t people = 0;
  for (const auto& [key, count] : link.users) people += IsOpenPhase(key.state) ? count : 0;
  return static_cast<uint64_t>(std::max<int64_t>(people, 0));
}

CauseFinding FindingOf(const LinkSituation& s, const SourceName& name, const SourceState& source) {
  const absl::Duration bound = s.policy.StaleAfter(name);
  CauseFinding finding;
  finding.subject = name.value;
  // What was never read completely is no loss of sight: nobody is judged yet.
  const bool known = source.snapshot_complete && source.last_success != absl::InfinitePast();
  // What is dated later than now, by a clock that was ahead, tells nothing.
  const auto past = [&s](absl::Time at) {
    return IsDatedLater(at, s.now) ? absl::InfinitePast() : at;
  };
  const bool later = IsDatedLater(source.last_success, s.now);
  const absl::Time from = std::max(past(source.last_success), past(s.running_since));
  finding.opens = known && s.now - from > bound;
  finding.holds = SourceIsStale(source, bound, s.now);
  finding.since = std::min(source.last_success, s.now);
  if (finding.holds) finding.people = OpenPeople(s.link);
  // Once it is read again, what was said of it stands until the cause is over.
  if (finding.holds) {
    const std::string read =
        later ? "this machine's clock was set back" : FormatRfc3339(source.last_success);
    finding.detail =
        Cat("source ", name.value, ": no round completed since ", read, ", stale after ",
            HumanDuration(bound), source.snapshot_running ? "; a full read is under way" : "");
  }
  if (known) finding.review_at = from + bound + absl::Milliseconds(1);
  return finding;
}

std::vector<CauseFinding> FindSourceCause(const LinkSituation& s) {
  std::vector<CauseFinding> findings;
  for (const auto& [name, source] : s.link.sources) {
    if (s.policy.Reads(name)) findings.push_back(FindingOf(s, name, source));
  }
  return findings;
}

bool SourceCauseExplains(const LinkCause& cause, const Person& person, const LinkSituation&) {
  const AdHalf* ad = person.facts.DecidingAd();
  if (ad != nullptr && ad->source.value == cause.subject) return true;
  return person.facts.entra && person.facts.entra->source.value == cause.subject;
}

}  // namespace

const CauseRule kSourceStaleCause = {
    CauseKind::kSourceStale,
    absl::Minutes(15),
    kSourceCauseSentence,
    "a source cannot be read: everybody who depends on it is judged by what was read last",
    "`driftwarden status` names the error and how to mend it; until then no action starts.",
    nullptr,
    true,
    FindSourceCause,
    SourceCauseExplains};

}  // namespace driftwarden::monitor
