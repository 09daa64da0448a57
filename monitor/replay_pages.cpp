// From evidence to alerts: the same reading of what was recorded and of what a replay records.

#include <algorithm>
#include <map>

#include "monitor/lags.h"
#include "monitor/replay.h"

namespace driftwarden::monitor {
namespace {

std::string DetailOf(const EvidenceEntry& entry, const char* name) {
  const auto found = entry.details.find(name);
  return found == entry.details.end() ? std::string() : found->second;
}

std::optional<Severity> ParseSeverity(const std::string& text) {
  for (const Severity severity : kAllSeverities) {
    if (SeverityText(severity) == text) return severity;
  }
  return std::nullopt;
}

bool IsLag(DriftKind kind) {
  return kind == DriftKind::kDisableLag || kind == DriftKind::kDeletedLive;
}

class PageReader {
 public:
  PageReader(const ReplayWindow& window, ReplayOutcome& out) : window_(window), out_(out) {}

  void Add(const EvidenceEntry& entry) {
    // What one commit records is one change: a kind that takes another's place resolves nothing.
    if (entry.at != at_) Flush();
    at_ = entry.at;
    TakeTimes(entry);
    if (entry.type == "action_verified") TakeAction(entry);
    if (entry.type == "alert_sent" && Within(entry.at)) ++out_.alerts_sent;
    const auto kind = ParseDriftKind(DetailOf(entry, "kind"));
    if (!kind) return;
    if (entry.type == "drift_cleared") {
      Clear(*kind, entry);
    } else if (entry.type == "drift_opened" || entry.type == "drift_changed") {
      const auto severity = ParseSeverity(DetailOf(entry, "severity"));
      if (severity) open_[*kind] = *severity;
    }
  }

  void Finish() {
    Flush();
    if (!page_) return;
    page_->until = window_.to;
    Keep();
  }

 private:
  bool Within(absl::Time at) const { return at >= window_.from && at <= window_.to; }

  void TakeAction(const EvidenceEntry& entry) {
    if (!Within(entry.at) || DetailOf(entry, "action") != "revoke_sessions") return;
    const bool seal = DetailOf(entry, "reason") == ActionReasonText(ActionReason::kSeal);
    (seal ? out_.sealed : out_.revoked).push_back(entry.at);
  }

  void TakeTimes(const EvidenceEntry& entry) {
    if (entry.type == "episode_opened" || entry.type == "episode_departed") departed_ = entry.fact;
    if (entry.type == "entra_disabled" || entry.type == "entra_deleted") {
      out_of_entra_ = {entry.at, entry.fact};
    }
  }

  // What one commit both shows as out and clears was ended by that.
  std::optional<std::pair<absl::Duration, absl::Duration>> BoundsAt(absl::Time at) const {
    const auto& [seen, out] = out_of_entra_;
    if (seen != at || departed_.lo == absl::InfinitePast()) return std::nullopt;
    DepartureTime from;
    from.at = departed_;
    const LagBounds lag = LagSince(from, out);
    return std::pair(lag.lo, lag.hi);
  }

  void Clear(DriftKind kind, const EvidenceEntry& entry) {
    open_.erase(kind);
    if (!IsLag(kind) || !Within(entry.at)) return;
    const absl::Duration lag = entry.at - entry.fact.hi;
    if (out_.longest_lag && lag < *out_.longest_lag) return;
    out_.longest_lag = lag;
    out_.longest_lag_bounds = BoundsAt(entry.at);
  }

  void Flush() {
    std::optional<std::pair<Severity, DriftKind>> worst;
    for (const auto& [kind, severity] : open_) {
      if (severity < Severity::kWarning) continue;
      if (!worst || severity > worst->first) worst = {severity, kind};
    }
    if (worst && !page_) {
      page_ = ReplayPage{at_, at_, worst->first, worst->second};
    } else if (worst && worst->first > page_->severity) {
      page_->severity = worst->first;
      page_->kind = worst->second;
    } else if (!worst && page_) {
      page_->until = at_;
      Keep();
    }
  }

  void Keep() {
    if (Within(page_->at)) out_.pages.push_back(*page_);
    page_.reset();
  }

  const ReplayWindow& window_;
  ReplayOutcome& out_;
  absl::Time at_ = absl::InfinitePast();
  TimeBounds departed_;
  std::pair<absl::Time, TimeBounds> out_of_entra_;  // our commit, and when it happened
  std::map<DriftKind, Severity> open_;
  std::optional<ReplayPage> page_;
};

}  // namespace

ReplayOutcome OutcomeOf(const std::vector<EvidenceEntry>& entries, const ReplayWindow& window) {
  ReplayOutcome out;
  PageReader reader(window, out);
  for (const EvidenceEntry& entry : entries) {
    if (entry.at > window.to) break;
    reader.Add(entry);
  }
  reader.Finish();
  return out;
}

std::optional<Severity> ReplayOutcome::Worst() const {
  std::optional<Severity> worst;
  for (const ReplayPage& page : pages)
    worst = std::max(worst.value_or(page.severity), page.severity);
  return worst;
}

ReplayOutcome RecordedOutcome(const PersonHistory& history, const ReplayWindow& window) {
  return OutcomeOf(history.entries, window);
}

}  // namespace driftwarden::monitor
