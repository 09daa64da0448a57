// status, sources and baseline: what is known without reading people.

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "base/units.h"
#include "daemon/api.h"
#include "daemon/api_brakes.h"
#include "daemon/api_json.h"
#include "daemon/api_logs.h"
#include "daemon/api_told_json.h"
#include "monitor/clocks.h"
#include "monitor/guards.h"
#include "net/problem.h"

namespace driftwarden::daemon {

namespace json = boost::json;
using monitor::LinkState;
using monitor::State;
using net::ServerRequest;
using net::ServerResponse;

namespace {

// What differs by more than so much is told; by more than that, nothing is done either.
std::string ClockText(absl::Duration offset) {
  const absl::Duration off = absl::AbsDuration(offset);
  if (off <= monitor::kSkewWarns) return "";
  const bool blocks = off > monitor::kMaxSkewForAction;
  return Cat("its clock is ", HumanDuration(off),
             offset > absl::ZeroDuration() ? " ahead of ours" : " behind ours",
             blocks ? ": nothing is done about anybody of its links until it is mended"
                    : ": its times are believed to that much less",
             "; synchronise both machines' clocks (chrony, w32time)");
}

json::object SourceJson(const SourceReport& source) {
  json::object out;
  out["name"] = source.name.value;
  out["kind"] = source.kind == monitor::SourceKind::kActiveDirectory ? "active_directory" : "entra";
  out["up"] = source.up;
  out["fresh"] = source.fresh;
  out["last_success"] = TimeJson(source.last_success);
  out["last_change"] = TimeJson(source.last_change);
  out["snapshot"] = source.snapshot_running    ? "running"
                    : source.snapshot_complete ? "complete"
                                               : "none";
  out["snapshot_objects"] = source.snapshot_objects;
  out["error"] = source.error.empty() ? json::value(nullptr) : json::value(source.error);
  json::array findings;
  for (const watchers::Finding& finding : source.findings) {
    json::object item;
    item["finding"] = finding.name;
    item["text"] = finding.text;
    findings.push_back(std::move(item));
  }
  const std::string clock = ClockText(source.clock_offset);
  if (!clock.empty()) findings.push_back({{"finding", "clock_off"}, {"text", clock}});
  out["findings"] = std::move(findings);
  out["clock_offset_seconds"] = SecondsJson(source.clock_offset);
  return out;
}

std::map<std::string, int64_t> OpenByKind(const LinkState& link) {
  std::map<std::string, int64_t> open;
  for (const monitor::DriftKind kind : monitor::kAllDriftKinds) {
    open[std::string(monitor::DriftKindText(kind))] = 0;
  }
  for (const auto& [key, count] : link.open) {
    open[std::string(monitor::DriftKindText(key.kind))] += count;
  }
  return open;
}

json::array JobsJson(const std::vector<monitor::SyncJob>& jobs) {
  json::array out;
  for (const monitor::SyncJob& job : jobs) {
    out.push_back({{"id", job.id},
                   {"code", job.code},
                   {"last_success", TimeJson(job.last_success)},
                   {"quarantine_reason", job.quarantine_reason},
                   {"quarantined_since", TimeJson(job.quarantined_since)}});
  }
  return out;
}

json::value FlagJson(const std::optional<bool>& flag) {
  return flag ? json::value(*flag) : json::value(nullptr);
}

// What feeds the tenant, as far as the tenant tells; null is unknown.
json::object EngineJson(const monitor::LinkState& link, const monitor::Policy& policy,
                        absl::Time now) {
  const monitor::TenantFacts& tenant = link.tenant;
  const bool learned = link.learned_cycle > absl::ZeroDuration();
  json::object out;
  out["stalled"] = monitor::EngineStalled(policy, link, now);
  out["last_sync"] = link.engine_last_sync ? TimeJson(*link.engine_last_sync) : nullptr;
  out["cycle"] = FormatDurationText(monitor::CycleOf(policy, link));
  out["cycle_learned"] = learned;
  out["enabled"] = FlagJson(tenant.sync_enabled);
  out["password_hash_sync"] = FlagJson(tenant.password_sync);
  out["deletion_guard"] = nullptr;
  if (tenant.deletion_guard) {
    out["deletion_guard"] = {{"type", tenant.deletion_guard->type},
                             {"threshold", tenant.deletion_guard->threshold}};
  }
  out["jobs"] = tenant.jobs ? json::value(JobsJson(*tenant.jobs)) : json::value(nullptr);
  json::array actors;
  for (const monitor::SyncActor& actor : monitor::SyncActorsOf(policy, link)) {
    actors.push_back({{"id", actor.id},
                      {"app_id", actor.app_id},
                      {"name", actor.name},
                      {"via", monitor::ActorViaText(actor.via)}});
  }
  out["actors"] = std::move(actors);
  return out;
}

json::array CausesJson(const monitor::LinkState& link, absl::Time now) {
  json::array out;
  for (const monitor::LinkCause& cause : link.causes.causes) {
    if (!cause.ended_at) out.push_back(CauseJson(cause, link.name, now));
  }
  return out;
}

json::object FindingJson(const monitor::AuthFinding& found) {
  return {{"mode", monitor::AuthModeText(found.mode)},
          {"certain", found.certain},
          {"because", found.because}};
}

// How people sign in: of every domain that is told apart, and of all others.
json::object AuthJson(const monitor::LinkState& link, const monitor::Policy& policy) {
  std::set<std::string> names;
  for (const auto& entry : policy.auth_domains) names.insert(entry.first);
  if (link.tenant.federated_domains && !policy.auth_mode) {
    names.insert(link.tenant.federated_domains->begin(), link.tenant.federated_domains->end());
  }
  json::object domains;
  for (const std::string& name : names) {
    domains[name] = FindingJson(monitor::AuthOfDomain(name, policy, link));
  }
  json::object out = FindingJson(monitor::AuthOfDomain("", policy, link));
  out["domains"] = std::move(domains);
  return out;
}

int64_t SignedIn(const LinkState& link) {
  int64_t people = 0;
  for (const auto& [key, count] : link.open) {
    const bool critical = key.severity == monitor::Severity::kCritical;
    if (key.kind == monitor::DriftKind::kSignInAfterDisable && critical) people += count;
  }
  return people;
}

// What the first line is about, over all links.
struct Standing {
  int64_t signed_in = 0;
  int64_t breached = 0;
  monitor::DriftCounts in_drift;
  std::map<State, int64_t> open;  // departures by state
  uint64_t inherited = 0;
  std::vector<std::string> unread;
  bool first_read = true;
};

void AddLink(const LinkState& link, Standing& all) {
  for (const auto& [key, count] : link.users) {
    if (monitor::IsOpenState(key.state) && count > 0) all.open[key.state] += count;
    if (key.state == State::kBreached || key.state == State::kRegressed) all.breached += count;
  }
  all.signed_in += SignedIn(link);
  all.in_drift.departures += link.in_drift.departures;
  all.in_drift.others += link.in_drift.others;
  all.inherited += link.inherited_live;
}

// Departures of which nobody has to be told; empty: there are none.
std::string UnderWayText(const std::map<State, int64_t>& open) {
  int64_t people = 0;
  std::vector<std::string> parts;
  for (const auto& [state, count] : open) {
    people += count;
    parts.push_back(Cat(count, " ", monitor::StateText(state)));
  }
  if (people == 0) return "";
  return Cat(people, people == 1 ? " departure" : " departures", " under way, ",
             JoinStrings(parts, ", "));
}

// The first line of the 3 a.m. screen. It says DRIFT, or worse, when `driftwarden status` exits
// with 3: somebody has open drift that is a warning or critical.
std::string SummaryText(const Standing& all) {
  const auto& [signed_in, breached, in_drift, states, inherited, unread, first_read] = all;
  if (!unread.empty()) return Cat("BLIND: cannot read ", JoinStrings(unread, ", "));
  if (signed_in > 0) {
    return Cat("SIGNED IN: ", signed_in, signed_in == 1 ? " person" : " people",
               " signed in after they should have been out");
  }
  if (breached > 0) {
    return Cat("BREACHED: ", breached, breached == 1 ? " person is" : " people are",
               " live in Entra past the limit");
  }
  if (const uint64_t open = in_drift.departures; open > 0) {
    return Cat("DRIFT: ", open, open == 1 ? " departure" : " departures", " not closed");
  }
  if (const uint64_t other = in_drift.others; other > 0) {
    return Cat("DRIFT: ", other, other == 1 ? " person differs" : " people differ",
               " between AD and Entra without having left; see driftwarden drift list");
  }
  if (!first_read) return "STARTING: the first complete read has not ended";
  const std::string under_way = UnderWayText(states);
  if (inherited > 0) {
    return Cat("OK, but ", inherited, inherited == 1 ? " person" : " people",
               " drifted before the first look; see driftwarden baseline show",
               under_way.empty() ? "" : "; ", under_way);
  }
  if (!under_way.empty()) return Cat("OK: nobody is late; ", under_way);
  return "OK: everybody who left AD is gone from Entra";
}

}  // namespace

// The strongest in force anywhere; rules for link, tier and action are shown by `automation`.
std::string Api::ModeText() const {
  monitor::Mode strongest = monitor::Mode::kObserve;
  for (const LinkPort* link : parts_.links) {
    strongest = std::max(strongest, monitor::StrongestMode(*link->CurrentPolicy()));
  }
  return std::string(monitor::ModeText(strongest));
}

bool Api::SetTokens(std::vector<Token> tokens) {
  if (tokens == auth_.tokens()) return false;
  auth_.SetTokens(std::move(tokens));
  return true;
}

ServerResponse ReloadResponse(const ReloadOutcome& outcome) {
  json::object body;
  if (outcome.status.ok()) {
    body["result"] = outcome.links.empty() && !outcome.tokens ? "unchanged" : "reloaded";
    body["links"] = json::array(outcome.links.begin(), outcome.links.end());
    body["tokens"] = outcome.tokens;
    return JsonResponse(200, body);
  }
  ServerResponse response = ErrorResponse(outcome.status);
  json::error_code error;
  json::value problem = json::parse(response.body, error);
  if (error || !problem.is_object()) return response;
  const auto add = [&](const char* key, const std::vector<std::string>& items) {
    if (!items.empty()) problem.as_object()[key] = json::array(items.begin(), items.end());
  };
  add("faults", outcome.faults);
  add("restart_keys", outcome.restart_keys);
  response.body = json::serialize(problem);
  return response;
}

json::object Api::StatusObject() const {
  const absl::Time now = parts_.clock.Wall();
  json::object out;
  out["version"] = parts_.version;
  out["ready"] = parts_.ready();
  out["mode"] = ModeText();
  out["paused"] = AnyPaused(parts_.links);
  json::array sources;
  Standing all;
  for (const SourceReport& source : parts_.sources()) {
    if (!source.fresh && source.snapshot_complete) all.unread.push_back(source.name.value);
    if (!source.up && !source.error.empty() && !source.snapshot_complete) {
      all.unread.push_back(source.name.value);
    }
    all.first_read = all.first_read && source.snapshot_complete;
    sources.push_back(SourceJson(source));
  }
  json::array links;
  for (const LinkPort* port : parts_.links) {
    const auto state = port->State();
    const auto policy = port->CurrentPolicy();
    json::object link;
    link["name"] = state->name.value;
    json::object users;
    for (const auto& [key, count] : VisibleUserCounts(*state, *policy, now)) {
      users[std::string(monitor::StateText(key))] = count;
    }
    AddLink(*state, all);
    link["in_drift"] = state->in_drift.All();
    link["without_departure"] = state->in_drift.others;
    link["users"] = std::move(users);
    json::object open;
    for (const auto& [kind, count] : OpenByKind(*state)) open[kind] = count;
    link["open"] = std::move(open);
    link["causes"] = CausesJson(*state, now);
    link["engine"] = EngineJson(*state, *policy, now);
    link["logs"] = LogsJson(*state);
    link["auth"] = AuthJson(*state, *policy);
    const monitor::PolicyEpoch& epoch = state->policy;
    json::object judged;
    judged["epoch"] = epoch.number;
    judged["since"] = epoch.number == 0 ? json::value(nullptr) : TimeJson(epoch.since);
    judged["actor"] = epoch.number == 0 ? json::value(nullptr) : json::value(epoch.actor);
    judged["hash"] = monitor::PolicyHash(epoch.parts);
    judged["judged"] = epoch.judged;
    judged["of"] = epoch.judge_to;
    judged["complete"] = monitor::IsJudged(epoch);
    link["policy"] = std::move(judged);
    json::object evidence;
    evidence["seq"] = state->evidence_seq;
    evidence["hash"] = HexEncode(DigestBytes(state->evidence_hash));
    link["evidence"] = std::move(evidence);
    links.push_back(std::move(link));
  }
  out["summary"] = SummaryText(all);
  out["leavers_file"] = parts_.leaver_file ? LeaverFileJson(parts_.leaver_file()) : nullptr;
  out["sources"] = std::move(sources);
  out["links"] = std::move(links);
  out["guards"] = GuardsOf(parts_.links);
  return out;
}

ServerResponse Api::Status200() const {
  return JsonResponse(200, StatusObject());
}

ServerResponse Api::Sources() const {
  json::array items;
  for (const SourceReport& source : parts_.sources()) items.push_back(SourceJson(source));
  json::object out;
  out["items"] = std::move(items);
  out["next_cursor"] = nullptr;
  return JsonResponse(200, out);
}

ServerResponse Api::Baseline() const {
  json::array items;
  for (const LinkPort* port : parts_.links) {
    const auto state = port->State();
    int64_t inherited = 0;
    for (const auto& [key, count] : state->users) {
      if (key.state == State::kInherited) inherited += count;
    }
    json::object item;
    item["link"] = state->name.value;
    item["established_at"] = state->baseline_at ? TimeJson(*state->baseline_at) : nullptr;
    item["accepted_at"] = state->baseline_accepted ? TimeJson(*state->baseline_accepted) : nullptr;
    item["accepted_by"] =
        state->baseline_accepted ? json::value(state->baseline_accepted_by) : json::value(nullptr);
    item["inherited"] = inherited;
    item["inherited_live"] = state->inherited_live;
    items.push_back(std::move(item));
  }
  json::object out;
  out["items"] = std::move(items);
  out["next_cursor"] = nullptr;
  return JsonResponse(200, out);
}

StatusOr<json::object> BodyObject(const ServerRequest& request) {
  if (TrimAscii(request.body).empty()) return json::object();
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  if (error || !body.is_object()) return InvalidError("the body must be a JSON object");
  return body.as_object();
}

StatusOr<std::string> TextField(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return InvalidError(Cat(key, " must be a text"));
  return std::string(value->as_string());
}

StatusOr<std::vector<LinkPort*>> Api::LinksOf(const json::object& body) const {
  DW_ASSIGN_OR_RETURN(const std::string wanted, TextField(body, "link"));
  if (wanted.empty()) return parts_.links;
  LinkPort* link = FindLink(wanted);
  if (link == nullptr) {
    return NotFoundError(Cat("there is no link \"", Printable(wanted, 80), "\""));
  }
  return std::vector<LinkPort*>{link};
}

asio::awaitable<ServerResponse> Api::AcceptBaseline(Request request, Caller caller) {
  const auto body = BodyObject(request);
  if (!body.ok()) co_return ErrorResponse(body.status());
  const auto links = LinksOf(*body);
  if (!links.ok()) co_return ErrorResponse(links.status());
  for (LinkPort* link : *links) {
    std::string actor = caller.actor;
    const Status done = co_await link->AcceptBaseline(std::move(actor));
    if (!done.ok()) co_return ErrorResponse(Annotate(done, link->link().value));
    parts_.log.Info("baseline_accepted", "the baseline was accepted",
                    {{"link", link->link().value}, {"actor", caller.actor}});
  }
  co_return Baseline();
}

}  // namespace driftwarden::daemon
