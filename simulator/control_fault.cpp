// POST /sim/fault: what can be broken, and how to mend it.

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "base/strings.h"
#include "base/units.h"
#include "net/problem.h"
#include "simulator/control_api.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

Status Flag(const json::value& value, bool& out) {
  if (!value.is_bool()) return InvalidError("true or false is needed");
  out = value.as_bool();
  return OkStatus();
}

Status Count(const json::value& value, int& out) {
  if (!value.is_int64() || value.as_int64() < 0 || value.as_int64() > 1'000'000'000) {
    return InvalidError("a count is needed");
  }
  out = static_cast<int>(value.as_int64());
  return OkStatus();
}

Status Text(const json::value& value, std::string& out) {
  if (!value.is_string()) return InvalidError("a string is needed");
  out = std::string(value.as_string());
  return OkStatus();
}

Status Wait(const json::value& value, absl::Duration& out) {
  std::string text;
  DW_RETURN_IF_ERROR(Text(value, text));
  DW_ASSIGN_OR_RETURN(out, ParseDuration(text));
  return OkStatus();
}

Status Names(const json::value& value, std::set<std::string>& out) {
  if (!value.is_array()) return InvalidError("a list of names is needed");
  out.clear();
  for (const json::value& name : value.as_array()) {
    if (!name.is_string()) return InvalidError("a list of names is needed");
    out.insert(std::string(name.as_string()));
  }
  return OkStatus();
}

// true: those that are documented for a tenant of that size; {"units": N, "writes": N}: others.
Status Limits(const json::value& value, uint64_t users, ThrottleLimits& out) {
  if (value.is_bool()) {
    out = value.as_bool() ? ThrottleLimits::Documented(users) : ThrottleLimits();
    return OkStatus();
  }
  if (!value.is_object()) return InvalidError("true, false or units and writes");
  ThrottleLimits limits;
  for (const auto& member : value.as_object()) {
    if (member.key() == "units") {
      DW_RETURN_IF_ERROR(Count(member.value(), limits.units));
    } else if (member.key() == "writes") {
      DW_RETURN_IF_ERROR(Count(member.value(), limits.writes));
    } else {
      return InvalidError("units and writes");
    }
  }
  out = limits;
  return OkStatus();
}

Status Forbid(const json::value& value, std::set<std::string>& out) {
  std::set<std::string> names;
  DW_RETURN_IF_ERROR(Names(value, names));
  const std::vector<std::string> known(std::begin(kForbiddable), std::end(kForbiddable));
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return InvalidError(Cat("one of ", JoinStrings(known, ", ")));
  }
  out = std::move(names);
  return OkStatus();
}

Status RefuseQuery(const json::value& value, std::set<std::string>& out) {
  std::set<std::string> names;
  DW_RETURN_IF_ERROR(Names(value, names));
  const std::vector<std::string> known(std::begin(kRefusableQueries), std::end(kRefusableQueries));
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return InvalidError(Cat("one of ", JoinStrings(known, ", ")));
  }
  out = std::move(names);
  return OkStatus();
}

StatusOr<DeadTokenShape> Shape(const json::value& value) {
  std::string text;
  DW_RETURN_IF_ERROR(Text(value, text));
  if (text == "gone") return DeadTokenShape::kGone;
  if (text == "sync_state_not_found") return DeadTokenShape::kSyncStateNotFound;
  if (text == "unsupported_query") return DeadTokenShape::kUnsupportedQuery;
  if (text == "expired_page_token") return DeadTokenShape::kExpiredPageToken;
  return InvalidError("gone, sync_state_not_found, unsupported_query or expired_page_token");
}

Status SetDuplicates(const json::value& value, Duplicates& out) {
  std::string text;
  DW_RETURN_IF_ERROR(Text(value, text));
  if (text != "none" && text != "same" && text != "stale_last") {
    return InvalidError("none, same or stale_last");
  }
  out = text == "same"   ? Duplicates::kSame
        : text == "none" ? Duplicates::kNone
                         : Duplicates::kStaleLast;
  return OkStatus();
}

Status Lose(SyncEngine& engine, const People& people, const json::value& value) {
  if (value.is_bool()) {
    engine.set_lose_all(value.as_bool());
    return OkStatus();
  }
  std::set<std::string> names;
  DW_RETURN_IF_ERROR(Names(value, names));
  for (const std::string& name : names) {
    const auto person = people.BySam(name);
    if (!person) return NotFoundError(Cat("nobody is called ", Printable(name, 64)));
    engine.Lose(*person);
  }
  return OkStatus();
}

// NotFound without a text: no fault of a tenant's logs is called so.
Status ReportFault(std::string_view key, const json::value& value, TenantFaults& faults) {
  if (key == "report_delay") return Wait(value, faults.report_delay);
  if (key == "report_disorder") return Flag(value, faults.report_disorder);
  if (key == "report_duplicates") return Flag(value, faults.report_duplicates);
  if (key == "aggregate_sign_ins") return Flag(value, faults.aggregate_sign_ins);
  if (key == "report_page") return Count(value, faults.report_page);
  if (key == "report_limit") return Count(value, faults.report_limit);
  if (key == "refuse_query") return RefuseQuery(value, faults.refused_queries);
  return NotFoundError("");
}

// NotFound without a text: no fault of a tenant is called so.
Status TenantFault(std::string_view key, const json::value& value, Tenant& tenant,
                   SyncEngine& engine) {
  TenantFaults& faults = tenant.faults();
  if (key == "throttle") return Count(value, faults.throttle);
  if (key == "retry_after") return Text(value, faults.retry_after);
  if (key == "server_errors") return Count(value, faults.server_errors);
  if (key == "server_error_status") return Count(value, faults.server_error_status);
  if (key == "lost_replies") return Count(value, faults.lost_replies);
  if (key == "limits") return Limits(value, tenant.people().options().count, faults.limits);
  if (key == "refuse_token") return Flag(value, faults.refuse_token);
  if (key == "token_error") return Count(value, faults.token_error);
  if (key == "reject_bearer") return Flag(value, faults.reject_bearer);
  if (key == "ignore_revoke") return Flag(value, faults.ignore_revoke);
  if (key == "forbid_revoke") return Flag(value, faults.forbid_revoke);
  if (key == "forbid_patch") return Flag(value, faults.forbid_patch);
  if (key == "forbid") return Forbid(value, faults.forbidden);
  if (key == "no_last_sync") return Flag(value, faults.no_last_sync);
  if (key == "revoke_in_delta") return Flag(value, faults.revoke_in_delta);
  if (key == "last_sync_in_delta") return Flag(value, faults.last_sync_in_delta);
  if (key == "removed_in_full_round") return Flag(value, faults.removed_in_full_round);
  if (key == "duplicates") return SetDuplicates(value, faults.duplicates);
  if (key == "replay") return Count(value, faults.replay);
  if (key == "empty_pages") return Count(value, faults.empty_pages);
  if (key == "omit") return Names(value, faults.omitted);
  if (key == "refuse_select") return Names(value, faults.refused);
  if (key == "notify_lost") return Flag(value, faults.notify_lost);
  if (key == "notify_forged") return Flag(value, faults.notify_forged);
  if (key == "notify_copies") return Count(value, faults.notify_copies);
  if (key == "notify_delay") return Wait(value, faults.notify_delay);
  if (key == "subscription_cap") return Wait(value, faults.subscription_cap);
  if (key == "delta_delay") return Wait(value, faults.delta_delay);
  if (key == "read_delay") return Wait(value, faults.read_delay);
  if (key == "lose_disable") return Lose(engine, tenant.people(), value);
  if (key == "block_export") {
    bool blocked = false;
    DW_RETURN_IF_ERROR(Flag(value, blocked));
    engine.set_blocked(blocked);
    return OkStatus();
  }
  if (key == "dead_delta") {
    DW_ASSIGN_OR_RETURN(const DeadTokenShape shape, Shape(value));
    tenant.KillDeltaTokens(shape);
    return OkStatus();
  }
  return ReportFault(key, value, faults);
}

}  // namespace

Status ControlApi::DirectoryFault(std::string_view key, const json::value& value, size_t forest,
                                  absl::Time now) {
  Directory& directory = world_.directory(forest);
  LdapFaults* ldap = forest < ldap_faults_.size() ? ldap_faults_[forest] : nullptr;
  bool flag = false;
  if (key == "ldap_clock_offset") return Wait(value, directory.dc().clock_offset);
  if (key == "ldap_unsynchronized") {
    DW_RETURN_IF_ERROR(Flag(value, flag));
    directory.dc().synchronized = !flag;
    return OkStatus();
  }
  if (key == "ldap_new_invocation_id") {
    DW_RETURN_IF_ERROR(Flag(value, flag));
    if (flag) directory.ChangeInvocationId(now);
    return OkStatus();
  }
  if (ldap != nullptr) {
    if (key == "ldap_refuse_bind") return Flag(value, ldap->refuse_bind);
    if (key == "ldap_busy") return Flag(value, ldap->busy);
    if (key == "ldap_unavailable") return Flag(value, ldap->unavailable);
    if (key == "ldap_page_limit") return Count(value, ldap->page_limit);
    if (key == "ldap_match_limit") return Count(value, ldap->match_limit);
    if (key == "ldap_limit_code") return Count(value, ldap->limit_code);
    if (key == "ldap_value_limit") return Count(value, ldap->value_limit);
    if (key == "ldap_cut_connections") return Flag(value, ldap->cut_connections);
    if (key == "ldap_refuse_dirsync") return Flag(value, ldap->refuse_dirsync);
    if (key == "ldap_forget_dirsync") return Flag(value, ldap->forget_dirsync);
    if (key == "ldap_dirsync_page") return Count(value, ldap->dirsync_page);
    if (key == "ldap_refuse_notify") return Flag(value, ldap->refuse_notify);
    if (key == "ldap_mute_notify") return Flag(value, ldap->mute_notify);
  }
  return InvalidError("there is no such fault; see simulator/control_fault.cpp");
}

net::ServerResponse ControlApi::Fault(const json::object& body, absl::Time now) {
  const auto forest = ForestOf(body);
  const auto tenants = TenantsOf(body);
  if (!forest.ok() || !tenants.ok()) {
    return net::Problem(400, "Bad request", "there is no such forest or tenant");
  }
  const json::value* clear = body.if_contains("clear");
  if (clear != nullptr && clear->is_bool() && clear->as_bool()) {
    for (const size_t i : *tenants) {
      world_.tenant(i).faults() = TenantFaults();
      world_.sync(i).set_lose_all(false);
      world_.sync(i).LoseNobody();
      world_.sync(i).set_blocked(false);
    }
    if (*forest < ldap_faults_.size()) *ldap_faults_[*forest] = LdapFaults();
    world_.directory(*forest).dc().synchronized = true;
    world_.directory(*forest).dc().clock_offset = absl::ZeroDuration();
  }
  for (const auto& member : body) {
    const std::string_view key(member.key().data(), member.key().size());
    if (key == "clear" || key == "tenant" || key == "forest") continue;
    Status status = OkStatus();
    for (const size_t i : *tenants) {
      status = TenantFault(key, member.value(), world_.tenant(i), world_.sync(i));
      if (!status.ok()) break;
    }
    if (status.code() == StatusCode::kNotFound && Message(status).empty()) {
      status = DirectoryFault(key, member.value(), *forest, now);
    }
    if (!status.ok()) {
      return net::Problem(400, "Bad request", Cat(key, ": ", Message(status)));
    }
  }
  return JsonResponse(200, {{"at", FormatRfc3339(now)}});
}

}  // namespace driftwarden::simulator
