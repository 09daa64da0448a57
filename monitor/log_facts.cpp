#include "monitor/log_facts.h"

#include <algorithm>
#include <tuple>

namespace driftwarden::monitor {
namespace {

constexpr int64_t kRefusedDisabled = 50057;
constexpr int64_t kRefusedRevoked = 50173;

bool Before(const AuditRecord& a, const AuditRecord& b) {
  return std::tie(a.at, a.id) < std::tie(b.at, b.id);
}

bool Before(const SignIn& a, const SignIn& b) {
  return std::tie(a.at.hi, a.id) < std::tie(b.at.hi, b.id);
}

// Inserts, then lets go of the earliest of its kind where there are too many. The latest `keep` of
// a set do not depend on the order in which it was built.
template <typename T, typename Same>
bool Keep(std::vector<T>& kept, T record, size_t keep, Same same_kind) {
  const bool known =
      std::any_of(kept.begin(), kept.end(), [&](const T& k) { return k.id == record.id; });
  if (known) return false;
  const std::string id = record.id;
  const auto at = std::lower_bound(kept.begin(), kept.end(), record,
                                   [](const T& a, const T& b) { return Before(a, b); });
  kept.insert(at, std::move(record));
  const auto of_kind = std::count_if(kept.begin(), kept.end(), same_kind);
  if (static_cast<size_t>(of_kind) <= keep) return true;
  const auto earliest = std::find_if(kept.begin(), kept.end(), same_kind);
  const bool was_it = earliest->id == id;
  kept.erase(earliest);
  return !was_it;
}

}  // namespace

const TimeBounds& AccountLogs::ReadOf(TenantLog log) const {
  return log == TenantLog::kInteractiveSignIns ? interactive_read : non_interactive_read;
}

std::string Shortened(std::string text) {
  if (text.size() <= kLogNameKept) return text;
  size_t end = kLogNameKept;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

TimeBounds Continue(const TimeBounds& read, const TimeBounds& covers) {
  if (read.hi == absl::InfinitePast() || covers.lo > read.hi) {
    return covers.hi > read.hi ? covers : read;
  }
  if (covers.hi < read.lo) return read;
  return {std::min(read.lo, covers.lo), std::max(read.hi, covers.hi)};
}

bool KeepAudit(AccountLogs& logs, const AuditRecord& record) {
  AuditRecord kept = record;
  kept.entra_id.clear();
  kept.actor_name = Shortened(std::move(kept.actor_name));
  const size_t keep =
      record.change == AccountChange::kPasswordChanged ? kPasswordChangesKept : kAuditsKept;
  const AccountChange change = record.change;
  return Keep(logs.audits, std::move(kept), keep,
              [change](const AuditRecord& k) { return k.change == change; });
}

void ForgetOldAudits(AccountLogs& logs) {
  if (logs.audits.empty()) return;
  const absl::Time from = logs.audits.back().at - kAuditsOfPresent;
  std::erase_if(logs.audits, [from](const AuditRecord& record) { return record.at < from; });
}

bool KeepSignIn(AccountLogs& logs, const SignIn& sign_in) {
  const bool success = sign_in.error_code == 0;
  if (!success && !IsRefused(sign_in)) return false;
  std::vector<SignIn>& list = success ? logs.successes : logs.refused;
  const auto known =
      std::find_if(list.begin(), list.end(), [&](const SignIn& k) { return k.id == sign_in.id; });
  if (known != list.end()) {
    // A row that sums up grows while sign-ins go on.
    known->at = {std::min(known->at.lo, sign_in.at.lo), std::max(known->at.hi, sign_in.at.hi)};
    std::sort(list.begin(), list.end(),
              [](const SignIn& a, const SignIn& b) { return Before(a, b); });
    return false;
  }
  SignIn kept = sign_in;
  kept.app_name = Shortened(std::move(kept.app_name));
  const bool interactive = sign_in.interactive;
  return Keep(list, std::move(kept), kSignInsKept,
              [interactive](const SignIn& k) { return k.interactive == interactive; });
}

bool IsRefused(const SignIn& sign_in) {
  return sign_in.error_code == kRefusedDisabled || sign_in.error_code == kRefusedRevoked;
}

}  // namespace driftwarden::monitor
