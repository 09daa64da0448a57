#pragma once

// The decision: what a person's state is, which drift is open, what is wanted, and when to look
// again. Pure and total; every figure it compares is in `because`.

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

Verdict Evaluate(const Person& person, const LinkState& link, const Policy& policy, absl::Time now);

// What no one can revoke: until when access tokens that were issued before may still work. Null
// when nobody departed or nothing ended yet.
struct ResidualAccess {
  std::optional<absl::Time> cae_until;     // CAE-capable services
  std::optional<absl::Time> tokens_until;  // other access tokens
  bool new_sessions_possible = false;      // live in Entra
};
ResidualAccess ResidualAccessOf(const Person& person);

// Stale sources of the link, by its policy.
bool SourceIsStale(const SourceState& source, absl::Duration stale_after, absl::Time now);

}  // namespace driftwarden::monitor
