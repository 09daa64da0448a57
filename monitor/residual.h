#pragma once

// What no one can revoke: until when access that was given before may still work. Pure.

#include <optional>
#include <string_view>

#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::monitor {

// On what the longest life of an access token rests.
enum class TokenBound {
  kDefault,              // the vendor's 60 to 90 minutes
  kNoConditionalAccess,  // the vendor's two hours where no Conditional Access is in force
  kTenantPolicy,         // the longest that a token lifetime policy of the tenant gives
  kConfigured,           // policy.access_token_lifetime
};
std::string_view TokenBoundText(TokenBound bound);  // "default"

struct TokenLifetime {
  absl::Duration longest;
  TokenBound bound = TokenBound::kDefault;
  // Something that could make it longer was never read; of what is not known the longest counts.
  bool believed = false;
  friend bool operator==(const TokenLifetime&, const TokenLifetime&) = default;
};
TokenLifetime TokenLifetimeOf(const Policy& policy, const LinkState& link);

struct ResidualAccess {
  TokenLifetime lifetime;
  bool new_sessions_possible = false;  // live in Entra
  // Services that hear of a disable or revocation at once (continuous access evaluation), for
  // sessions from before it. Nothing: neither happened, or the account is a guest, whom it leaves
  // out.
  std::optional<absl::Time> cae_until;
  // Every other access token. Only known of who is out of Entra: after a mere revocation a
  // password still gets new ones.
  std::optional<absl::Time> tokens_until;
  // The logs of sign-ins were read completely, and end it earlier than the Entra disable does; or
  // hold a success after that.
  bool by_last_sign_in = false;
};
// Nobody departed, or nothing of it reached Entra: no times.
ResidualAccess ResidualAccessOf(const Person& person, const LinkState& link, const Policy& policy,
                                absl::Time now);

}  // namespace driftwarden::monitor
