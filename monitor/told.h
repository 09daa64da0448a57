#pragma once

// What people told driftwarden about one person, as opposed to what it observed. Plain values; part
// of a person's memory, since no source can tell them again. Times are wall time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/status.h"

namespace driftwarden::monitor {

// Until then the person is counted and shown, never paged about and never acted on.
struct Exemption {
  absl::Time since;
  absl::Time until;
  std::string reason;
  std::string actor;
  friend bool operator==(const Exemption&, const Exemption&) = default;
};
constexpr absl::Duration kLongestExemption = absl::Hours(24 * 400);
constexpr size_t kLongestReason = 500;  // bytes
// InvalidArgument names what is wrong: an end that has passed or is too far off, no reason.
Status CheckExemption(const Exemption& exemption, absl::Time now);

// Somebody says that the account is in other hands: its sessions are to be revoked.
struct CompromiseMark {
  absl::Time at;
  std::string reason;
  std::string actor;
  friend bool operator==(const CompromiseMark&, const CompromiseMark&) = default;
};
// InvalidArgument names what is wrong: no reason, or one that is no text.
Status CheckCompromiseMark(const CompromiseMark& mark);

// How fast an expected leaver must be gone. Numbers reach the disk.
enum class LeaveUrgency : uint8_t { kPlanned = 1, kImmediate = 2, kCompromise = 3 };
constexpr LeaveUrgency kAllLeaveUrgencies[] = {LeaveUrgency::kPlanned, LeaveUrgency::kImmediate,
                                               LeaveUrgency::kCompromise};
std::string_view LeaveUrgencyText(LeaveUrgency u);  // "planned"
std::optional<LeaveUrgency> ParseLeaveUrgency(std::string_view text);

// What became of what was expected. Numbers reach the disk.
enum class LeaveEnd : uint8_t {
  kExpected = 0,   // not over yet
  kDeparted = 1,   // the departure is over
  kWithdrawn = 2,  // somebody took it back
};

// Somebody is to leave. What is over is remembered, so that the same row of a file that is never
// tidied up does not bring it back.
struct ExpectedLeave {
  std::string identifier;  // as it was told
  absl::Time effective;
  LeaveUrgency urgency = LeaveUrgency::kPlanned;
  std::string reference;  // for people: the ticket or the case
  std::string actor;      // who told
  absl::Time told;
  bool from_file = false;
  LeaveEnd end = LeaveEnd::kExpected;
  friend bool operator==(const ExpectedLeave&, const ExpectedLeave&) = default;
};

constexpr size_t kLongestIdentifier = 320;  // bytes
constexpr size_t kLongestReference = 200;
constexpr absl::Duration kLongestPastLeave = absl::Hours(24 * 400);
constexpr absl::Duration kFarthestLeave = absl::Hours(24 * 5 * 366);
// InvalidArgument names what is wrong: no identifier, a time out of all reason.
Status CheckLeave(const ExpectedLeave& leave, absl::Time now);

// What came of telling it.
enum class LeaveOutcome : uint8_t {
  kAccepted,   // was not expected before
  kUpdated,    // was, in another way
  kUnchanged,  // was, or somebody said otherwise who counts more
  kGone,       // departed already, and that is over
  kUnknown,    // nobody of that number any more
};
std::string_view LeaveOutcomeText(LeaveOutcome o);

}  // namespace driftwarden::monitor
