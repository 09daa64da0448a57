#pragma once

// The parts of a delta poll that need no network: the cursor's text, the select, what a refusal
// means, and the bookkeeping of one round.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "monitor/observation.h"
#include "watchers/graph/client.h"

namespace driftwarden::watchers {

// What is asked for. A change of this list makes old cursors start over: a delta token stands for
// the properties it was made with.
const std::vector<std::string>& DeltaSelect();
// False for what no round can do without.
bool MayDrop(std::string_view property);
// Those of `select` that a 400 refuses and that a round can do without.
std::vector<std::string> RefusedProperties(const graph::GraphError& error,
                                           const std::vector<std::string>& select);

// "graph-delta 1\n<properties>\n<deltaLink>\n".
std::string FormatDeltaCursor(std::string_view delta_link);
// The link to go on from. InvalidArgument when the text is not ours or of another version;
// FailedPrecondition when it was made for other properties.
StatusOr<std::string> ParseDeltaCursor(std::string_view cursor);

// True when the answer says that the token in the link is dead: 410; syncStateNotFound or
// resyncRequired under any 4xx; 400 Request_UnsupportedQuery, which is what /users/delta really
// says. Never for 401, 403, 429 and 5xx: those keep the checkpoint.
bool IsDeadToken(const graph::GraphReply& reply);
// A page's own, short-lived token ran out; the delta token it came from still holds.
bool IsExpiredPage(const graph::GraphReply& reply);

// One round's batches: numbers them, marks the first and the last, remembers its links.
class DeltaRound {
 public:
  DeltaRound(monitor::SourceName source, std::string snapshot_reason)
      : source_(std::move(source)), snapshot_reason_(std::move(snapshot_reason)) {}

  // False when this link was asked before in this round: the tenant leads us in a circle.
  bool Enter(const std::string& link);
  void Answered(const graph::GraphReply& reply);
  // The next batch, without observations.
  monitor::ChangeBatch NextBatch(uint64_t number);
  void Complete(monitor::ChangeBatch& batch, std::string cursor) const;

 private:
  const monitor::SourceName source_;
  const std::string snapshot_reason_;  // empty: no snapshot
  bool started_ = false;
  std::optional<TimeBounds> span_;
  absl::Duration clock_offset_;
  absl::Duration best_trip_ = absl::InfiniteDuration();
  std::unordered_set<size_t> entered_;  // hashes of links; 8 bytes a page
};

}  // namespace driftwarden::watchers
