#include "watchers/graph_delta_round.h"

#include <functional>

#include "base/strings.h"

namespace driftwarden::watchers {
namespace {

constexpr std::string_view kCursorVersion = "graph-delta 1";

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool NamesWord(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || !IsNameChar(text[at - 1]);
    const bool ends = end == text.size() || !IsNameChar(text[end]);
    if (starts && ends) return true;
  }
  return false;
}

}  // namespace

const std::vector<std::string>& DeltaSelect() {
  // Only what is used: each further property makes the tenant report changes nobody reads.
  static const std::vector<std::string> kSelect = {"id",
                                                   "accountEnabled",
                                                   "userPrincipalName",
                                                   "displayName",
                                                   "onPremisesSyncEnabled",
                                                   "onPremisesImmutableId",
                                                   "onPremisesSecurityIdentifier",
                                                   "onPremisesSamAccountName",
                                                   "onPremisesDomainName",
                                                   "userType",
                                                   "signInSessionsValidFromDateTime"};
  return kSelect;
}

bool MayDrop(std::string_view property) {
  return property != "id" && property != "accountEnabled" && property != "onPremisesImmutableId";
}

std::vector<std::string> RefusedProperties(const graph::GraphError& error,
                                           const std::vector<std::string>& select) {
  // The only place that reads a message: no other part of the answer names the property.
  std::vector<std::string> refused;
  for (const std::string& property : select) {
    if (MayDrop(property) && NamesWord(error.message, property)) refused.push_back(property);
  }
  return refused;
}

std::string FormatDeltaCursor(std::string_view delta_link) {
  return Cat(kCursorVersion, "\n", JoinStrings(DeltaSelect(), ","), "\n", delta_link, "\n");
}

StatusOr<std::string> ParseDeltaCursor(std::string_view cursor) {
  const std::vector<std::string> lines = SplitString(cursor, '\n');
  if (lines.size() != 4 || lines[0] != kCursorVersion || lines[2].empty() || !lines[3].empty()) {
    return InvalidError("not a cursor of this source");
  }
  if (lines[1] != JoinStrings(DeltaSelect(), ",")) {
    return PreconditionError("the cursor was made for other properties");
  }
  return lines[2];
}

bool IsDeadToken(const graph::GraphReply& reply) {
  if (reply.status == 410) return true;
  if (reply.status < 400 || reply.status >= 500 || reply.status == 401 || reply.status == 403 ||
      reply.status == 408 || reply.status == 429) {
    return false;
  }
  const std::string& code = reply.error.code;
  if (EqualsIgnoreCase(code, "syncStateNotFound") || EqualsIgnoreCase(code, "resyncRequired")) {
    return true;
  }
  return reply.status == 400 && EqualsIgnoreCase(code, "Request_UnsupportedQuery");
}

bool IsExpiredPage(const graph::GraphReply& reply) {
  return reply.status == 400 && EqualsIgnoreCase(reply.error.code, "Directory_ExpiredPageToken");
}

bool DeltaRound::Enter(const std::string& link) {
  return entered_.insert(std::hash<std::string>()(link)).second;
}

void DeltaRound::Answered(const graph::GraphReply& reply) {
  if (!span_.has_value()) span_ = reply.at;
  span_->hi = reply.at.hi;
  // The shortest trip knows the other clock best.
  if (reply.clock_offset.has_value() && reply.at.Width() < best_trip_) {
    best_trip_ = reply.at.Width();
    clock_offset_ = *reply.clock_offset;
  }
}

monitor::ChangeBatch DeltaRound::NextBatch(uint64_t number) {
  monitor::ChangeBatch batch;
  batch.source = source_;
  batch.kind = monitor::SourceKind::kEntra;
  batch.number = number;
  batch.in_snapshot = !snapshot_reason_.empty();
  batch.snapshot_reason = snapshot_reason_;
  batch.starts_round = !started_;
  if (span_.has_value()) batch.round = *span_;
  batch.clock_offset = clock_offset_;
  started_ = true;
  return batch;
}

void DeltaRound::Complete(monitor::ChangeBatch& batch, std::string cursor) const {
  batch.completes_round = true;
  batch.cursor = std::move(cursor);
}

}  // namespace driftwarden::watchers
