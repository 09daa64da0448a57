#pragma once

// What the configuration decides, as plain values. The only thing a reload changes.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "monitor/ids.h"
#include "monitor/verdict.h"

namespace driftwarden::monitor {

enum class SyncEngine : uint8_t { kConnect = 1, kCloudSync = 2 };
enum class AuthMode : uint8_t { kPasswordHashSync = 1, kPassThrough = 2, kFederated = 3 };
enum class Mode : uint8_t { kObserve = 1, kShadow = 2, kApprove = 3, kAuto = 4 };
std::string_view ModeText(Mode m);
std::optional<Mode> ParseMode(std::string_view text);
constexpr Mode kAllModes[] = {Mode::kObserve, Mode::kShadow, Mode::kApprove, Mode::kAuto};

struct TierMatch {
  bool admin_count = false;
  std::vector<std::string> ous;          // DNs; a person whose DN ends with one matches
  std::vector<std::string> groups;       // DN, name or SID, as configured; members of members too
  std::vector<std::string> entra_roles;  // display name or template id, as configured
  friend bool operator==(const TierMatch&, const TierMatch&) = default;
};

// Thresholds that are not written come from the sync engine's defaults times the cycle factor.
struct TierPolicy {
  TierName name;
  TierMatch match;
  std::optional<absl::Duration> warn_after;
  std::optional<absl::Duration> revoke_after;
  std::optional<absl::Duration> breach_after;
  friend bool operator==(const TierPolicy&, const TierPolicy&) = default;
};

// Whoever meets one of these is of the class.
struct ClassMatch {
  std::vector<std::string> upns;                 // on either side, any case
  std::vector<std::string> ous;                  // as TierMatch
  std::map<std::string, std::string> attribute;  // AD attribute in lower case to value, any case
  friend bool operator==(const ClassMatch&, const ClassMatch&) = default;
};

struct Thresholds {
  absl::Duration settle;
  absl::Duration warn_after;
  absl::Duration revoke_after;
  absl::Duration breach_after;
};

struct ModeRule {  // an absent part matches all
  std::optional<LinkName> link;
  std::optional<TierName> tier;
  std::optional<ActionKind> action;
  Mode mode = Mode::kObserve;
  friend bool operator==(const ModeRule&, const ModeRule&) = default;
};

struct Budgets {
  int per_10m = 5;
  int per_hour = 25;
  int per_person = 1;  // seals are counted apart
  absl::Duration per_person_window = absl::Minutes(10);
  int max_revokes_per_episode = 3;  // seals are counted apart
  friend bool operator==(const Budgets&, const Budgets&) = default;
};

struct Breakers {
  double max_percent_per_day = 0.5;  // of linked people, at least 5; 0 disables
  absl::Duration quiet_after_first_baseline = absl::Hours(24);
  friend bool operator==(const Breakers&, const Breakers&) = default;
};

struct Remediation {
  Mode mode = Mode::kObserve;
  std::vector<ModeRule> modes;  // first match wins
  std::vector<ActionKind> actions = {ActionKind::kRevokeSessions};
  Budgets budgets;
  Breakers breakers;
  friend bool operator==(const Remediation&, const Remediation&) = default;
};

// Everything one link's evaluation needs. Built once for each link from the configuration.
struct Policy {
  LinkName link;
  SyncEngine sync_engine = SyncEngine::kConnect;
  // Nothing: as the tenant says of a person's domain.
  std::optional<AuthMode> auth_mode;
  std::map<std::string, AuthMode> auth_domains;  // of some domains, lower case; comes first
  std::vector<std::string> sync_actors;          // further identities of the sync engine
  bool require_revocation = true;
  bool act_on_expired = false;           // who expired in AD and is live in Entra is revoked
  bool reset_without_revoke = false;     // whether that kind of drift is looked for
  std::optional<absl::Duration> settle;  // tier 0 takes the lesser of this and 15 s by default
  std::vector<TierPolicy> tiers;         // in order, first match wins; `standard` is always there
  std::map<PersonClass, ClassMatch> classes;
  Remediation remediation;
  std::map<SourceName, absl::Duration> poll_intervals;
  std::vector<SourceName> ad_sources;
  // Those of them for which one server alone is configured: nobody there gives a second opinion.
  std::vector<SourceName> ad_sources_with_one_dc;
  SourceName entra_source;
  // The application that the tenant knows us as, lower case; empty: not known here.
  std::string own_app_id;
  // alerting.collapse_after: more people than this with one kind of drift are told in one alert.
  int collapse_after = 20;
  // How long an access token lives at most. Nothing: as the tenant's policies say.
  std::optional<absl::Duration> access_token_lifetime;

  // A source is stale when nothing was read for this long: max(3 polls, 2 min) unless tiny polls.
  absl::Duration StaleAfter(const SourceName& source) const;
  // The source is one of the link's.
  bool Reads(const SourceName& source) const;
  friend bool operator==(const Policy&, const Policy&) = default;
};

constexpr char kTier0[] = "tier0";
constexpr char kStandard[] = "standard";

struct Facts;
struct LinkState;
struct Person;
struct SyncActor;
TierName TierOf(const Facts& facts, const Policy& policy);
// By the configuration, else by what the account is: the account of a sync engine, the mailbox of a
// room or of many. One that was a person's until it was disabled stays a person's until that
// departure is over, whatever it is turned into.
PersonClass ClassOf(const Person& person, const Policy& policy);
// "OU=Staff, DC=corp" and "ou=staff,dc=corp" name the same place: no blanks after separators, ASCII
// case folded. Escaped commas keep what follows them.
std::string NormalDn(std::string_view dn);
// Whether the place is `ou` (normal as well) or below it.
bool IsUnderDn(std::string_view normal_dn, std::string_view normal_ou);
// With the defaults of the model, scaled by the learned cycle (LinkState) where not written.
Thresholds ThresholdsFor(const TierName& tier, const Policy& policy, const LinkState& link);
// One sync cycle: the learned one, else the engine's default.
absl::Duration CycleOf(const Policy& policy, const LinkState& link);
// How a person signs in, and from what that is known.
struct AuthFinding {
  AuthMode mode = AuthMode::kPasswordHashSync;
  bool certain = false;
  std::string because;
};
// Of what is not known the mode counts in which AD itself enforces least: password hash sync.
AuthFinding AuthOf(const Facts& facts, const Policy& policy, const LinkState& link);
AuthFinding AuthOfDomain(const std::string& domain, const Policy& policy, const LinkState& link);
std::string_view AuthModeText(AuthMode mode);
// The tenant's last sync is older than two cycles and ten minutes. Not known: not stalled.
bool EngineStalled(const Policy& policy, const LinkState& link, absl::Time now);
// When it will be, if nothing is synchronized until then.
absl::Time StalledAt(const Policy& policy, const LinkState& link);
// Who is known to act for the sync engine: discovered ones and `sync_actors`.
std::vector<SyncActor> SyncActorsOf(const Policy& policy, const LinkState& link);
// Every role that a tier names.
std::vector<std::string> RolesNamed(const Policy& policy);
Mode ModeFor(const Policy& policy, const TierName& tier, ActionKind action);
// The most that any tier and configured action is allowed: what a person must be told who asks
// whether anything may be done at all.
Mode StrongestMode(const Policy& policy);

}  // namespace driftwarden::monitor
