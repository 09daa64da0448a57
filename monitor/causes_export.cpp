// export_blocked opens when two syncs have completed since three or more people (or two, if that is
// half of all who wait) left, and neither they nor anybody who left later was carried to Entra; it
// clears when somebody is, or nobody waits.

#include <algorithm>

#include "base/strings.h"
#include "base/units.h"
#include "monitor/attribution.h"
#include "monitor/cause_counts.h"
#include "monitor/causes.h"

namespace driftwarden::monitor {
namespace {

constexpr char kExportCauseSentence[] =
    "export_blocked opens when two syncs have completed since three or more people, or two who are "
    "half of all who wait, left, and neither they nor anybody who left later changed in Entra; it "
    "clears when the engine carries one of them, or none of them waits any more.";

constexpr int64_t kMany = 3;
constexpr int64_t kFew = 2;

// Everything that the last sync brought would have been read by now. Cycles may be shorter than
// that takes.
bool IsReadSince(const LinkSituation& s, absl::Time sync) {
  const auto entra = s.link.sources.find(s.policy.entra_source);
  if (entra == s.link.sources.end()) return false;
  const absl::Duration margin =
      std::min(s.policy.StaleAfter(s.policy.entra_source), CycleOf(s.policy, s.link) / 2);
  return entra->second.last_complete_begin >= sync + LogSkew(s.policy, s.link) + margin;
}

std::string DeletionsText(const LinkState& link) {
  const auto& guard = link.tenant.deletion_guard;
  if (!guard || guard->type == "disabled" || guard->threshold <= 0) return "";
  const char* unit = guard->type == "enabledForPercentage" ? " percent of" : "";
  return Cat("; the engine exports nothing when more than ", guard->threshold, unit,
             " objects would be deleted at once (accidental delete prevention): was it that?");
}

std::vector<CauseFinding> FindExportCause(const LinkSituation& s) {
  const CauseBook& book = s.link.causes;
  if (!s.link.engine_last_sync || !book.previous_sync) return {};
  // Seen by our clock before a sync that the tenant's clock dates.
  const absl::Time before = *book.previous_sync - LogSkew(s.policy, s.link);
  const int64_t stuck = WaitingBetween(book.waiting, book.carried, before);
  const int64_t waiting =
      WaitingBetween(book.waiting, absl::InfinitePast(), absl::InfiniteFuture());
  CauseFinding finding;
  const bool many = stuck >= kMany || (stuck >= kFew && 2 * stuck >= waiting);
  finding.opens = many && IsReadSince(s, *s.link.engine_last_sync);
  finding.holds = stuck > 0;
  finding.since = *book.previous_sync;
  finding.people = static_cast<uint64_t>(stuck);
  const std::string says = EngineSays(s.link);
  finding.detail =
      Cat(stuck, " of ", waiting, " who wait left before the syncs of ",
          FormatRfc3339(*book.previous_sync), " and ", FormatRfc3339(*s.link.engine_last_sync),
          " and did not change in Entra", says.empty() ? "" : "; ", says, DeletionsText(s.link));
  return {finding};
}

bool ExportCauseExplains(const LinkCause&, const Person& person, const LinkSituation& s) {
  const auto since = WaitsSince(person);
  return since && *since > s.link.causes.carried;
}

}  // namespace

const CauseRule kExportBlockedCause = {
    CauseKind::kExportBlocked,
    absl::Hours(1),
    kExportCauseSentence,
    "the sync engine runs, but exports no disable to Entra",
    "Look at the engine's export step: accidental delete prevention, a quarantined job, its "
    "account's rights; meanwhile disable by hand in Entra whoever cannot wait.",
    nullptr,
    true,
    FindExportCause,
    ExportCauseExplains};

}  // namespace driftwarden::monitor
