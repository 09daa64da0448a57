#include "simulator/control_api.h"

#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "net/problem.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

net::ServerResponse FromStatus(const Status& status) {
  const bool missing = status.code() == StatusCode::kNotFound;
  return net::Problem(missing ? 404 : 400, missing ? "Not found" : "Bad request",
                      std::string(Message(status)));
}

StatusOr<json::object> ReadBody(const net::ServerRequest& request) {
  if (TrimAscii(request.body).empty()) return json::object();
  boost::system::error_code error;
  json::value value = json::parse(request.body, error);
  if (error || !value.is_object()) return InvalidError("the body must be a JSON object");
  return std::move(value.as_object());
}

bool IsTrue(const json::object& body, const char* key) {
  const json::value* value = body.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

// A list of people, or one of them as a string.
StatusOr<std::vector<uint64_t>> ReadPeople(const People& people, const json::value& value) {
  json::array names;
  if (value.is_string()) names.push_back(value);
  if (value.is_array()) names = value.as_array();
  if (!value.is_string() && !value.is_array()) return InvalidError("a list of names is needed");
  std::vector<uint64_t> found;
  for (const json::value& name : names) {
    const auto person =
        name.is_string() ? people.BySam(std::string(name.as_string())) : std::nullopt;
    if (!person) return NotFoundError(Cat("nobody is called ", json::serialize(name)));
    found.push_back(*person);
  }
  return found;
}

StatusOr<absl::Duration> ReadDuration(const json::value& value) {
  if (!value.is_string()) return InvalidError("a duration such as \"30s\" is needed");
  return ParseDuration(std::string(value.as_string()));
}

StatusOr<size_t> ReadNumber(const json::object& body, const char* key, size_t count) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr) return size_t{0};
  if (!value->is_int64() || value->as_int64() < 0 ||
      static_cast<size_t>(value->as_int64()) >= count) {
    return InvalidError(Cat("there is no such ", key));
  }
  return static_cast<size_t>(value->as_int64());
}

}  // namespace

StatusOr<std::vector<size_t>> ControlApi::TenantsOf(const json::object& body) const {
  std::vector<size_t> tenants;
  if (body.contains("tenant")) {
    DW_ASSIGN_OR_RETURN(const size_t tenant, ReadNumber(body, "tenant", world_.tenants()));
    tenants.push_back(tenant);
    return tenants;
  }
  for (size_t i = 0; i < world_.tenants(); ++i) tenants.push_back(i);
  return tenants;
}

StatusOr<size_t> ControlApi::ForestOf(const json::object& body) const {
  return ReadNumber(body, "forest", world_.forests());
}

net::ServerResponse ControlApi::Handle(const net::ServerRequest& request, absl::Time now) {
  world_.AdvanceTo(now);
  const auto path = net::SplitPath(request.path);
  if (!path.ok() || path->size() < 2 || (*path)[0] != "sim") {
    return net::Problem(404, "Not found", "the simulator's control is below /sim");
  }
  const std::string& what = (*path)[1];
  if (request.method == "GET") {
    std::string sam;
    for (const auto& [name, value] : request.query) {
      if (name == "sam") sam = value;
    }
    if (what == "truth") return JsonResponse(200, TruthJson(world_, sam));
    if (what == "people" && path->size() == 3) return ShowPerson((*path)[2], now);
    if (what == "subscriptions" && subscriptions_ != nullptr) return ShowSubscriptions(now);
    return net::Problem(404, "Not found", "GET /sim/truth or /sim/people/{sam}");
  }
  const auto body = ReadBody(request);
  if (!body.ok()) return FromStatus(body.status());
  if (request.method != "POST") return net::Problem(405, "Method not allowed", "GET or POST");
  if (what == "people" && path->size() == 4) {
    const auto answer = ChangePerson((*path)[2], (*path)[3], *body, now);
    return answer.ok() ? JsonResponse(200, *answer) : FromStatus(answer.status());
  }
  if (what == "sync") return Sync(*body, now);
  if (what == "fault") return Fault(*body, now);
  if (what == "tenant") return ChangeTenant(*body, now);
  if (what == "subscriptions" && subscriptions_ != nullptr) return ChangeSubscriptions(*body, now);
  return net::Problem(404, "Not found", "people, sync, fault, tenant, subscriptions or truth");
}

net::ServerResponse ControlApi::ShowPerson(const std::string& sam, absl::Time now) {
  world_.AdvanceTo(now);
  for (size_t forest = 0; forest < world_.forests(); ++forest) {
    const auto person = world_.people(forest).BySam(sam);
    if (person) return JsonResponse(200, PersonJson(world_, forest, *person));
  }
  return net::Problem(404, "Not found", Cat("nobody is called ", Printable(sam, 64)));
}

Status ControlApi::SyncOne(SyncEngine& engine, Tenant& tenant, const json::object& body,
                           absl::Time now) {
  for (const auto& member : body) {
    const std::string key(member.key());
    if (key == "cycle" || key == "processing") {
      DW_ASSIGN_OR_RETURN(const absl::Duration d, ReadDuration(member.value()));
      if (d < absl::Milliseconds(200)) return InvalidError(Cat(key, ": at least 200ms"));
      if (key == "cycle") engine.SetCycle(d, now);
      if (key == "processing") engine.SetProcessing(d);
    } else if (key == "skip" || key == "unskip") {
      DW_ASSIGN_OR_RETURN(const auto persons, ReadPeople(tenant.people(), member.value()));
      for (const uint64_t person : persons) {
        if (key == "skip") engine.Skip(person);
        if (key == "unskip") engine.Unskip(person);
      }
    } else if (key == "last_sync_ago") {
      DW_ASSIGN_OR_RETURN(const absl::Duration ago, ReadDuration(member.value()));
      tenant.set_last_sync(now - ago);
    } else if (key != "run" && key != "stall" && key != "resume" && key != "tenant") {
      return InvalidError(
          Cat("unknown key ", Printable(key, 40),
              "; run, stall, resume, skip, unskip, cycle, processing, last_sync_ago, tenant"));
    }
  }
  if (IsTrue(body, "stall")) engine.Stall();
  if (IsTrue(body, "resume")) engine.Resume(now);
  if (IsTrue(body, "run")) engine.RunNow(now);
  return OkStatus();
}

net::ServerResponse ControlApi::Sync(const json::object& body, absl::Time now) {
  const auto tenants = TenantsOf(body);
  if (!tenants.ok()) return FromStatus(tenants.status());
  json::array engines;
  for (const size_t i : *tenants) {
    SyncEngine& engine = world_.sync(i);
    const Status status = SyncOne(engine, world_.tenant(i), body, now);
    if (!status.ok()) return FromStatus(status);
    json::array skipped;
    for (const uint64_t person : engine.skipped()) {
      skipped.push_back(json::value(world_.tenant(i).people().SamOf(person)));
    }
    engines.push_back({{"tenant", i},
                       {"stalled", engine.stalled()},
                       {"cycle", FormatDurationText(engine.options().cycle)},
                       {"cycles_completed", engine.cycles_completed()},
                       {"next", FormatRfc3339(engine.NextEventAt())},
                       {"skipped", std::move(skipped)}});
  }
  world_.AdvanceTo(now);
  return JsonResponse(200, {{"engines", std::move(engines)}});
}

}  // namespace driftwarden::simulator
