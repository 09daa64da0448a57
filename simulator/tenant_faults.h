#pragma once

// What can go wrong with a simulated tenant, as switches and as counters of requests to come.

#include <set>
#include <string>

#include "absl/time/time.h"
#include "simulator/throttle.h"

namespace driftwarden::simulator {

// The shapes in which Graph says that a delta or skip token is dead.
enum class DeadTokenShape {
  kGone,               // 410, Location with an empty $deltatoken, resyncRequired
  kSyncStateNotFound,  // 404 syncStateNotFound
  kUnsupportedQuery,   // 400 Request_UnsupportedQuery
  kExpiredPageToken,   // 400 Directory_ExpiredPageToken
};

enum class Duplicates {
  kNone,
  kSame,       // every record comes twice in its page
  kStaleLast,  // and the second one shows the state before the last change
};

// What an application may lack the permission for, one by one.
constexpr const char* kForbiddable[] = {
    "organization",   "sync_configuration", "domains",   "roles",
    "groups",         "service_principals", "sync_jobs", "provisioning_errors",
    "sync_behavior",  "directory_audits",   "sign_ins",  "provisioning_logs",
    "devices",        "subscriptions",      "member_of", "eligible_roles",
    "owned_objects",  "oauth_grants",       "licences",  "authentication_methods",
    "token_policies", "conditional_access",
};

// What a query may not use, one by one.
constexpr const char* kRefusableQueries[] = {
    "any",          // targetResources/any(...)
    "category",     // and loggedByService
    "event_types",  // signInEventTypes/any(...)
    "user_id",      // of sign-ins
    "orderby",
    "beta",         // the whole version
    "device_cast",  // /microsoft.graph.device
};

struct TenantFaults {
  // The next so many requests to Graph are answered so.
  int throttle = 0;               // 429
  std::string retry_after = "1";  // text of the header; empty: none
  int server_errors = 0;
  int server_error_status = 503;
  int lost_replies = 0;  // the next writes happen, and answer 504

  // Not faults at all: the service limits that are enforced.
  ThrottleLimits limits;

  // Switches.
  bool refuse_token = false;   // token endpoint: invalid_client
  int token_error = 0;         // token endpoint: the refusal of this AADSTS code
  bool reject_bearer = false;  // Graph: 401 for any token
  bool ignore_revoke = false;  // 200, and nothing happens
  bool forbid_revoke = false;  // 403 Authorization_RequestDenied
  bool forbid_patch = false;
  std::set<std::string> forbidden;  // 403 for these; names: kForbiddable
  bool no_last_sync = false;        // the organization has no onPremisesLastSyncDateTime
  bool revoke_in_delta = true;      // a revoke alone raises a delta record
  bool last_sync_in_delta = false;  // and so does a changed onPremisesLastSyncDateTime
  bool removed_in_full_round = false;
  Duplicates duplicates = Duplicates::kNone;
  int replay = 0;                 // every round repeats so many older log entries
  int empty_pages = 0;            // so many empty pages begin every round
  std::set<std::string> omitted;  // properties missing from delta records
  std::set<std::string> refused;  // a delta $select that names one is a 400
  bool notify_lost = false;       // changes are told to no subscription
  bool notify_forged = false;     // notifications carry a wrong clientState
  int notify_copies = 1;          // of each notification
  absl::Duration notify_delay;    // between a change and its notification
  absl::Duration subscription_cap = absl::InfiniteDuration();  // the longest that is granted
  absl::Duration delta_delay;  // changes younger than that are not in delta yet
  absl::Duration read_delay;   // reads and delta show values so old

  // Of the logs (graph_reports.cpp).
  absl::Duration report_delay;      // what is younger is not in them yet
  bool report_disorder = false;     // each row after a part of the delay, and pages out of order
  bool report_duplicates = false;   // each row comes twice
  bool aggregate_sign_ins = false;  // refreshes of an hour in one row
  int report_page = 1000;           // rows of a page at most
  int report_limit = 5;             // requests in ten seconds; 0: any number
  std::set<std::string> refused_queries;  // 400 for these; names: kRefusableQueries
};

}  // namespace driftwarden::simulator
