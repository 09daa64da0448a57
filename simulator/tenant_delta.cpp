// The rounds of GET /users/delta.

#include <algorithm>

#include "simulator/tenant.h"

namespace driftwarden::simulator {
namespace {

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void Tenant::KillDeltaTokens(DeadTokenShape shape) {
  ++generation_;
  dead_shape_ = shape;
}

// A change that reads do not show yet must not be passed by a round.
absl::Time Tenant::VisibleUntil(absl::Time now) const {
  return now - std::max(faults_.delta_delay, faults_.read_delay);
}

uint32_t Tenant::TrackedAspects(const std::vector<std::string>& select) const {
  uint32_t mask = kAspectLifecycle;
  if (Contains(select, "accountEnabled")) mask |= kAspectEnabled;
  if (faults_.revoke_in_delta && Contains(select, "signInSessionsValidFromDateTime")) {
    mask |= kAspectSessions;
  }
  if (faults_.last_sync_in_delta && Contains(select, "onPremisesLastSyncDateTime")) {
    mask |= kAspectLastSync;
  }
  return mask;
}

DeltaPage Tenant::Delta(const DeltaRequest& request, absl::Time now) {
  advance_(now);
  if (request.token.empty()) return StartRound(request, now);
  DeltaPage page;
  const auto decoded = DeltaToken::Decode(request.token);
  const bool is_page = decoded && decoded->kind != DeltaToken::Kind::kDelta;
  if (!decoded || decoded->select >= selects_.size() || is_page != request.skip_token) {
    page.malformed = true;
    return page;
  }
  DeltaToken token = *decoded;
  if (token.generation != generation_) {
    page.dead = dead_shape_;
    return page;
  }
  page.select = selects_[token.select];
  if (token.kind == DeltaToken::Kind::kDelta) {
    token.kind = DeltaToken::Kind::kChangePage;
    token.position = static_cast<uint64_t>(std::max<int64_t>(0, token.bound - faults_.replay));
    token.bound = std::max(token.bound, log_.HeadAt(VisibleUntil(now)));
    token.empty_pages = static_cast<uint64_t>(faults_.empty_pages);
  }
  if (token.empty_pages > 0) {
    --token.empty_pages;
    page.next_token = token.Encode();
    return page;
  }
  if (token.kind == DeltaToken::Kind::kFullPage) {
    FillFullPage(token, now, page);
  } else {
    FillChangePage(token, now, page);
  }
  return page;
}

DeltaPage Tenant::StartRound(const DeltaRequest& request, absl::Time now) {
  DeltaPage page;
  for (const std::string& name : request.select) {
    if (faults_.refused.contains(name)) page.refused_property = name;
  }
  if (!page.refused_property.empty()) return page;
  page.select = request.select;
  const auto known = std::find(selects_.begin(), selects_.end(), request.select);
  DeltaToken token;
  token.kind = DeltaToken::Kind::kFullPage;
  token.generation = generation_;
  token.select = static_cast<uint64_t>(known - selects_.begin());
  if (known == selects_.end()) selects_.push_back(request.select);
  // What happens during the round comes again in the next one.
  token.bound = log_.HeadAt(VisibleUntil(now));
  if (request.latest) {
    token.kind = DeltaToken::Kind::kDelta;
    page.delta_token = token.Encode();
    return page;
  }
  token.empty_pages = static_cast<uint64_t>(faults_.empty_pages);
  if (token.empty_pages > 0) {
    --token.empty_pages;
    page.next_token = token.Encode();
    return page;
  }
  FillFullPage(token, now, page);
  return page;
}

void Tenant::FillFullPage(DeltaToken token, absl::Time now, DeltaPage& page) const {
  size_t taken = 0;
  while (token.position < people_.count() && taken < options_.page_size) {
    const size_t before = page.records.size();
    AddRecord(token.position++, /*full_round=*/true, now, page);
    taken += page.records.size() > before ? 1 : 0;
  }
  if (token.position < people_.count()) {
    page.next_token = token.Encode();
    return;
  }
  token.kind = DeltaToken::Kind::kDelta;
  token.position = 0;
  page.delta_token = token.Encode();
}

void Tenant::FillChangePage(DeltaToken token, absl::Time now, DeltaPage& page) const {
  const uint32_t mask = TrackedAspects(page.select);
  const auto& entries = log_.entries();
  size_t taken = 0;
  auto it = entries.upper_bound(static_cast<int64_t>(token.position));
  for (; it != entries.end() && it->first <= token.bound && taken < options_.page_size; ++it) {
    token.position = static_cast<uint64_t>(it->first);
    const bool shown =
        (it->second.aspect & mask) != 0 && log_.IsLast(it->first, it->second, mask, token.bound);
    if (!shown) continue;
    AddRecord(it->second.person, /*full_round=*/false, now, page);
    ++taken;
  }
  if (it != entries.end() && it->first <= token.bound) {
    page.next_token = token.Encode();
    return;
  }
  token.kind = DeltaToken::Kind::kDelta;
  token.position = 0;
  page.delta_token = token.Encode();
}

void Tenant::AddRecord(uint64_t person, bool full_round, absl::Time now, DeltaPage& page) const {
  DeltaRecord record{View(person, now), Removed::kNo};
  if (record.user.presence == Presence::kNever) return;
  if (record.user.presence == Presence::kSoftDeleted) record.removed = Removed::kChanged;
  if (record.user.presence == Presence::kPurged) record.removed = Removed::kDeleted;
  if (full_round && record.removed != Removed::kNo && !faults_.removed_in_full_round) return;
  page.records.push_back(record);
  if (faults_.duplicates == Duplicates::kNone) return;
  if (faults_.duplicates == Duplicates::kStaleLast && record.removed == Removed::kNo) {
    const auto it = changed_.find(person);
    if (it != changed_.end()) {
      const auto& versions = it->second;
      record.user = MakeUser(
          person, versions.size() > 1 ? versions[versions.size() - 2].state : BaseState(person));
    }
  }
  page.records.push_back(record);
}

}  // namespace driftwarden::simulator
