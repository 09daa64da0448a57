// GET /sim/truth: the world's own record, for a judge who trusts nobody else.

#include <boost/json.hpp>
#include <set>

#include "base/strings.h"
#include "base/time.h"
#include "simulator/control_api.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

json::value TimeOrNull(const std::optional<absl::Time>& at) {
  return at ? json::value(FormatRfc3339(*at)) : json::value();
}

const char* ToText(Presence presence) {
  switch (presence) {
    case Presence::kNever:
      return "never";
    case Presence::kLive:
      return "live";
    case Presence::kSoftDeleted:
      return "soft_deleted";
    case Presence::kPurged:
      return "purged";
  }
  return "unknown";
}

// When the person's present state in AD began; nothing when it never changed.
std::optional<absl::Time> AdSince(const Truth& truth, size_t forest, uint64_t person,
                                  AdChangeKind kind) {
  std::optional<absl::Time> at;
  for (const AdChange& change : truth.ad_changes) {
    if (change.forest == forest && change.person == person && change.kind == kind) at = change.at;
  }
  return at;
}

std::optional<absl::Time> EntraSince(const Truth& truth, size_t tenant, uint64_t person,
                                     EntraChangeKind kind) {
  std::optional<absl::Time> at;
  for (const EntraChange& change : truth.entra_changes) {
    if (change.tenant == tenant && change.person == person && change.kind == kind) at = change.at;
  }
  return at;
}

json::object CallJson(World& world, const Call& call) {
  return {{"at", FormatRfc3339(call.at)},
          {"tenant", call.tenant},
          {"sam", world.tenant(call.tenant).people().SamOf(call.person)},
          {"entra_id", world.tenant(call.tenant).EntraId(call.person)},
          {"kind", simulator::ToText(call.kind)},
          {"client_request_id", call.client_request_id},
          {"status", call.status},
          {"applied", call.applied}};
}

json::array TenantsJson(World& world) {
  json::array tenants;
  for (size_t i = 0; i < world.tenants(); ++i) {
    const Tenant& tenant = world.tenant(i);
    json::array domains;
    for (const auto& [name, domain] : tenant.settings().domains) {
      domains.push_back({{"name", name}, {"federated", domain.federated}});
    }
    json::object roles;
    for (const auto& [name, people] : tenant.settings().roles) {
      json::array holders;
      for (const uint64_t person : people) holders.emplace_back(tenant.people().SamOf(person));
      roles[name] = std::move(holders);
    }
    const Throttle& throttle = tenant.throttle();
    json::object load = {{"taken", throttle.taken()},
                         {"refused", throttle.refused()},
                         {"most_units", throttle.most_units()},
                         {"most_writes", throttle.most_writes()}};
    tenants.push_back({{"id", tenant.id()},
                       {"name", tenant.options().name},
                       {"last_sync", FormatRfc3339(tenant.last_sync())},
                       {"cycles_completed", world.sync(i).cycles_completed()},
                       {"stalled", world.sync(i).stalled()},
                       {"password_sync", tenant.settings().password_sync},
                       {"domains", std::move(domains)},
                       {"roles", std::move(roles)},
                       {"load", std::move(load)}});
  }
  return tenants;
}

// Everybody to whom anything happened.
std::set<std::pair<size_t, uint64_t>> Touched(World& world) {
  const Truth& truth = world.truth();
  std::set<std::pair<size_t, uint64_t>> people;
  const auto forest_of = [&world](size_t tenant) { return world.tenant(tenant).options().forest; };
  for (const auto& change : truth.ad_changes) people.emplace(change.forest, change.person);
  for (const auto& change : truth.entra_changes) {
    people.emplace(forest_of(change.tenant), change.person);
  }
  for (const auto& call : truth.calls) people.emplace(forest_of(call.tenant), call.person);
  for (const auto& sign_in : truth.sign_ins) {
    people.emplace(forest_of(sign_in.tenant), sign_in.person);
  }
  return people;
}

}  // namespace

json::object PersonJson(World& world, size_t forest, uint64_t person) {
  const AdUser ad = world.directory(forest).Read(person);
  const Truth& truth = world.truth();
  json::object out = {{"sam", ad.person.sam},
                      {"upn", ad.person.upn},
                      {"forest", forest},
                      {"dn", ad.dn},
                      {"object_guid", GuidText(ad.person.object_guid)},
                      {"immutable_id", ad.person.immutable_id},
                      {"tier0", ad.person.tier0}};
  const bool disabled = (ad.uac & kUacDisabled) != 0;
  out["ad"] = {
      {"enabled", ad.enabled()},
      {"deleted", ad.deleted},
      {"usn_changed", ad.usn_changed},
      {"disabled_at", disabled ? TimeOrNull(AdSince(truth, forest, person, AdChangeKind::kDisabled))
                               : json::value()},
      {"deleted_at", TimeOrNull(AdSince(truth, forest, person, AdChangeKind::kDeleted))}};
  json::array accounts;
  for (size_t i = 0; i < world.tenants(); ++i) {
    if (world.tenant(i).options().forest != forest) continue;
    const EntraUser user = world.tenant(i).Now(person);
    const auto disabled_at = EntraSince(truth, i, person, EntraChangeKind::kDisabled);
    accounts.push_back({{"tenant", i},
                        {"id", user.id},
                        {"presence", ToText(user.presence)},
                        {"enabled", user.enabled},
                        {"disabled_at", user.enabled ? json::value() : TimeOrNull(disabled_at)},
                        {"sessions_valid_from", TimeOrNull(user.sessions_valid_from)}});
  }
  out["entra"] = std::move(accounts);
  return out;
}

json::object TruthJson(World& world, std::string_view sam) {
  const Truth& truth = world.truth();
  json::object out = {{"now", FormatRfc3339(world.now())}, {"tenants", TenantsJson(world)}};
  json::array people, ad_changes, entra_changes, revokes, disables, sign_ins, asked;
  for (const auto& [forest, person] : Touched(world)) {
    if (!sam.empty() && world.people(forest).SamOf(person) != sam) continue;
    people.push_back(PersonJson(world, forest, person));
  }
  const auto wanted = [&](size_t forest, uint64_t person) {
    return sam.empty() || world.people(forest).SamOf(person) == sam;
  };
  const auto forest_of = [&world](size_t tenant) { return world.tenant(tenant).options().forest; };
  for (const AdChange& change : truth.ad_changes) {
    if (!wanted(change.forest, change.person)) continue;
    ad_changes.push_back({{"at", FormatRfc3339(change.at)},
                          {"forest", change.forest},
                          {"sam", world.people(change.forest).SamOf(change.person)},
                          {"kind", simulator::ToText(change.kind)},
                          {"usn", change.usn}});
  }
  for (const EntraChange& change : truth.entra_changes) {
    if (!wanted(forest_of(change.tenant), change.person)) continue;
    entra_changes.push_back({{"at", FormatRfc3339(change.at)},
                             {"tenant", change.tenant},
                             {"sam", world.tenant(change.tenant).people().SamOf(change.person)},
                             {"kind", simulator::ToText(change.kind)},
                             {"actor", simulator::ToText(change.actor)}});
  }
  for (const Call& call : truth.calls) {
    if (!wanted(forest_of(call.tenant), call.person)) continue;
    (call.kind == CallKind::kRevoke ? revokes : disables).push_back(CallJson(world, call));
  }
  for (const SignIn& sign_in : truth.sign_ins) {
    if (!wanted(forest_of(sign_in.tenant), sign_in.person)) continue;
    sign_ins.push_back({{"at", FormatRfc3339(sign_in.at)},
                        {"tenant", sign_in.tenant},
                        {"sam", world.tenant(sign_in.tenant).people().SamOf(sign_in.person)},
                        {"interactive", sign_in.interactive},
                        {"success", sign_in.success},
                        {"error_code", sign_in.error_code}});
  }
  for (const Asked& each : truth.asked) {
    asked.push_back({{"at", FormatRfc3339(each.at)},
                     {"client_request_id", each.client_request_id},
                     {"requests", each.requests}});
  }
  out["people"] = std::move(people);
  out["ad_changes"] = std::move(ad_changes);
  out["entra_changes"] = std::move(entra_changes);
  out["revokes"] = std::move(revokes);
  out["disables"] = std::move(disables);
  out["sign_ins"] = std::move(sign_ins);
  if (sam.empty()) out["asked"] = std::move(asked);
  return out;
}

}  // namespace driftwarden::simulator
