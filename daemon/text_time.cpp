#include "daemon/text_time.h"

#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/json_text.h"
#include "daemon/text_activity.h"
#include "monitor/lags.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

absl::Duration SecondsOf(const json::value& number) {
  if (number.is_double()) return absl::Seconds(number.as_double());
  return absl::Seconds(number.is_int64() ? number.as_int64() : 0);
}

// What the end of access tokens rests on.
std::string BoundText(const json::value& residual) {
  const std::string bound = TextAt(residual, "bound");
  if (bound.empty()) return "";
  const std::string longest = HumanDuration(SecondsOf(Field(residual, "bound_seconds")));
  const std::string why = bound == "configured"      ? "by policy.access_token_lifetime"
                          : bound == "tenant_policy" ? "by the tenant's token lifetime policies"
                          : bound == "no_conditional_access"
                              ? "the vendor's bound without Conditional Access"
                              : "the vendor's bound with Conditional Access";
  return Cat("  an access token lives for ", longest, " at most, ", why,
             FlagAt(residual, "believed") ? " (believed: the tenant's policies were not read)" : "",
             FlagAt(residual, "by_last_sign_in") ? "; counted from the last sign-in" : "", "\n");
}

}  // namespace

std::string LagLine(const json::value& lag) {
  monitor::LagBounds bounds;
  bounds.lo = SecondsOf(Field(lag, "lo"));
  const json::value& hi = Field(lag, "hi");
  bounds.hi = hi.is_null() ? absl::InfiniteDuration() : SecondsOf(hi);
  bounds.running = FlagAt(lag, "running");
  bounds.clamped = FlagAt(lag, "clamped");
  return LagText(bounds);
}

std::string LagsText(const json::value& person) {
  constexpr std::pair<const char*, const char*> kLags[] = {
      {"disable", "from the AD disable to the Entra disable: "},
      {"revocation", "from the AD disable to the revocation: "},
      {"replication", "from the AD disable to our controller: "}};
  const json::value& lags = Field(person, "lags");
  std::string text;
  for (const auto& [name, what] : kLags) {
    const json::value& lag = Field(lags, name);
    if (lag.is_object()) text += Cat("  ", what, LagLine(lag), "\n");
  }
  if (text.empty()) return text;
  if (FlagAt(person, "time_uncertain")) {
    text += "  time uncertain: the timers count from the latest it can have been\n";
  }
  return Cat("\nlags:\n", text);
}

std::string ResidualText(const json::value& person) {
  const json::value& residual = Field(person, "residual");
  std::string text = "\nnot reached by any revocation:\n";
  if (FlagAt(residual, "new_sessions_possible")) {
    text += "  the account is live in Entra: new sessions can start\n";
  }
  if (const std::string until = TextAt(residual, "cae_until"); !until.empty()) {
    text += Cat("  services with continuous access evaluation: until ", until, "\n");
  }
  if (const std::string until = TextAt(residual, "tokens_until"); !until.empty()) {
    text += Cat("  access tokens already issued: until ", until, "\n");
  }
  text += BoundText(residual);
  text += UnreachedText(person);
  const json::value& guest = Field(residual, "guest");
  if (FlagAt(residual, "guest")) {
    text += "  a guest: sessions are given at home, and no revocation here ends them\n";
  }
  const bool member = guest.is_bool() && !guest.as_bool();
  text += Cat("  an application's own sessions", member ? "" : ", and sessions of guests,",
              " end on their own terms\n");
  return text;
}

}  // namespace driftwarden::daemon
