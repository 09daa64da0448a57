#pragma once

// The API's JSON shapes (contract, section HTTP), made from stored records. Pure. Times are
// RFC 3339 UTC, intervals {lo, hi}; what is not known is null.

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "monitor/apply.h"
#include "monitor/evaluate.h"
#include "monitor/person.h"
#include "monitor/policy.h"

namespace driftwarden::daemon {

boost::json::value TimeJson(absl::Time at);  // null for infinities
boost::json::value BoundsJson(const TimeBounds& bounds);
// A whole number where it is one, as most are.
boost::json::value SecondsJson(absl::Duration d);
// Directory text may be any bytes; JSON must be UTF-8.
boost::json::string SafeText(std::string_view text);
// By the Entra account, else by the AD account; empty when neither has one.
const std::string& UpnOf(const monitor::Person& person);

// What is needed beside the records of a person.
struct PersonContext {
  const monitor::LinkState& link;
  const monitor::Policy& policy;
  absl::Time now;
};

boost::json::object PersonJson(const monitor::Person& person,
                               const std::vector<monitor::Action>& actions,
                               const PersonContext& context);
// Why, from what, and what would make it another: `people` holds the person as the store loads it.
boost::json::object ExplainJson(const monitor::PeopleSet& people, monitor::PersonOrdinal person,
                                const PersonContext& context);
boost::json::array TimelineJson(const std::vector<monitor::EvidenceEntry>& entries);
boost::json::object EvidenceJson(const monitor::EvidenceEntry& entry);
boost::json::object EpisodeJson(const monitor::Episode& episode);
// The one alert that tells of this person; null: they are told about on their own.
boost::json::value CauseOf(const monitor::Person& person, const PersonContext& context);
boost::json::object CauseJson(const monitor::LinkCause& cause, const monitor::LinkName& link,
                              absl::Time now);
boost::json::object ActionJson(const monitor::Action& action, const monitor::LinkName& link);

// The state as it is shown: `blind` stands over the stored one while a source the verdict needs is
// stale.
monitor::State VisibleState(const monitor::Person& person, const PersonContext& context);

// People by visible state: while a source of the link is stale, everybody with an open departure
// counts as blind.
std::map<monitor::State, int64_t> VisibleUserCounts(const monitor::LinkState& link,
                                                    const monitor::Policy& policy, absl::Time now);
bool AnySourceStale(const monitor::LinkState& link, const monitor::Policy& policy, absl::Time now);

}  // namespace driftwarden::daemon
