#pragma once

// What stands between a wanted action and a call. Each gate gives a result that is recorded.

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

enum class Permission : uint8_t {
  kAllow = 1,     // write the intent
  kQueue = 2,     // a budget is spent: keep it queued, retry_at says until when
  kShadow = 3,    // record what would have been done
  kApproval = 4,  // a human decides (mode approve, or grade anchor)
  kNo = 5,        // not by this mode, grade, overlay or breaker
};

struct PermitResult {
  Permission permission = Permission::kNo;
  std::vector<GateResult> gates;  // every one looked at, in order
  absl::Time retry_at = absl::InfiniteFuture();
  std::string trip_guard;  // this request would pass a breaker: trip it (latches)
};

// The gates of the commit that writes the intent: mode, grade, overlays, budgets, breakers, clock,
// quiet time after the first baseline, tier 0's second DC.
PermitResult PermitAction(const Person& person, const Verdict& verdict, const WantedAction& wanted,
                          const LinkState& link, const Policy& policy, absl::Time now,
                          bool clock_suspect);

// The gates after the re-reads, straight before the call.
struct ReReads {
  absl::Time intent_at;
  TimeBounds ad_read;        // begun, answered
  std::optional<AdView> ad;  // nullopt: could not be read
  std::string ad_error;
  bool ad_gone = false;  // a tombstone was read
  // The same accounts by another writable domain controller; where one did not answer in time,
  // `second_error` says why.
  std::vector<AdView> second;
  std::string second_error;
  TimeBounds entra_read;
  std::optional<EntraView> entra;
  std::string entra_error;
};
std::vector<GateResult> CheckReReads(const ReReads& reads, const Person& person,
                                     ActionReason reason, const LinkState& link,
                                     const Policy& policy, absl::Time now, bool clock_suspect);
// More than this many changes of an account in AD within the window: nothing is done about the
// person without a human.
constexpr size_t kFlapToggles = 3;
constexpr absl::Duration kFlapWindow = absl::Minutes(30);
bool IsFlapping(const Memory& memory);

bool IsTripped(const LinkState& link, const std::string& guard);
// The gate `not_paused`: nobody paused the link's automation.
GateResult NotPaused(const LinkState& link);

// Whether a tripped guard keeps this person's actions back: those of a crowd hold its people only.
bool IsHeldByGuard(const Person& person, const LinkState& link, const std::string& guard);

// The name of the gate at which a latching guard, or a pause, stands.
std::string GateOf(const std::string& guard);

bool AllOk(const std::vector<GateResult>& gates);

constexpr absl::Duration kReReadMaxAge = absl::Seconds(10);
constexpr absl::Duration kMaxSkewForAction = absl::Minutes(5);

}  // namespace driftwarden::monitor
