#include "watchers/directory/bind_guard.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/ldap_result.h"

namespace driftwarden::directory {
namespace {

// Three tries within a quarter of an hour, four within half of one: below the thresholds that
// domains lock at (five, as a rule), with something left for whoever else uses the account.
constexpr absl::Duration kFirstPause = absl::Minutes(2);
constexpr int kGrowth = 3;
constexpr absl::Duration kLongestPause = absl::Minutes(15);

const std::string& SecretFile(const BindOptions& bind) {
  if (bind.method == BindOptions::Method::kSimple) return bind.password_file;
  return bind.keytab_file.empty() ? bind.credential_cache : bind.keytab_file;
}

absl::Duration PauseAfter(int times) {
  absl::Duration pause = kFirstPause;
  for (int i = 1; i < times && pause < kLongestPause; ++i) pause *= kGrowth;
  return std::min(pause, kLongestPause);
}

}  // namespace

StatusOr<BindGuard::Attempt> BindGuard::Begin(const SessionOptions& options) {
  Attempt attempt;
  const std::string& file = SecretFile(options.bind);
  attempt.account = Cat(options.source, '\n', options.bind.Account(), '\n', file);
  attempt.secret = std::make_shared<const RenewalWatch>(clock_, std::vector<std::string>(1, file));
  attempt.begun = clock_.Steady();
  const std::lock_guard lock(mutex_);
  const auto found = refused_.find(attempt.account);
  if (found == refused_.end()) return attempt;
  Refused& last = found->second;
  if (!last.trying.expired()) return last.status;
  if (clock_.Steady() < last.again_at && !last.secret->Due()) return last.status;
  last.trying = attempt.secret;
  return attempt;
}

Status BindGuard::End(const Attempt& attempt, const SessionOptions& options,
                      const Status& outcome) {
  const std::lock_guard lock(mutex_);
  if (outcome.ok()) refused_.erase(attempt.account);
  if (!IsWrongSecret(outcome)) return outcome;
  Refused& refused = refused_[attempt.account];
  // Sessions that were opened side by side were refused once.
  if (refused.times > 0 && attempt.begun <= refused.at) return refused.status;
  refused.secret = attempt.secret;
  refused.at = clock_.Steady();
  refused.trying.reset();
  const absl::Duration pause = PauseAfter(++refused.times);
  refused.again_at = clock_.Steady() + pause;
  const std::string at =
      FormatRfc3339(absl::FromUnixSeconds(absl::ToUnixSeconds(clock_.Wall() + pause)));
  refused.status = MakeStatus(
      outcome.code(), Cat(Message(outcome), "; not tried again before ", at,
                          ", as that could lock the account, or until ", SecretFile(options.bind),
                          " changes (touch it once the account is mended)"));
  return refused.status;
}

}  // namespace driftwarden::directory
