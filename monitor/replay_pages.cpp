// From evidence to alerts: the same reading of what was recorded and of what a replay records.

#include <algorithm>
#include <map>

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

  void Clear(DriftKind kind, const EvidenceEntry& entry) {
    open_.erase(kind);
    if (!IsLag(kind) || !Within(entry.at)) return;
    const absl::Duration lag = entry.at - entry.fact.hi;
    out_.longest_lag = std::max(out_.longest_lag.value_or(lag), lag);
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
