#include "simulator/tenant.h"

#include <algorithm>

#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

constexpr absl::Duration kAge = absl::Hours(24 * 399);
constexpr absl::Duration kLeftAge = absl::Hours(24 * 90);

uint64_t SeedOf(const People& people, size_t number) {
  return HashPair(people.options().seed, 0xe47a0000 + number);
}

}  // namespace

Tenant::Tenant(size_t number, const People& people, TenantOptions options, absl::Time start,
               Truth& truth, std::function<void(absl::Time)> advance)
    : number_(number),
      people_(people),
      options_(std::move(options)),
      start_(start),
      id_seed_(SeedOf(people, number)),
      tenant_id_(GuidText(GuidFrom(id_seed_ ^ 0x7e, 0))),
      truth_(truth),
      advance_(std::move(advance)),
      devices_(HashPair(id_seed_, 0xde71ce), people),
      last_sync_(start - absl::Minutes(1)) {}

std::string Tenant::EntraId(uint64_t person) const {
  return GuidText(GuidFrom(id_seed_, person));
}

std::string Tenant::ObjectId(std::string_view what) const {
  uint64_t hash = 14695981039346656037U;
  for (const char c : Cat(tenant_id_, what)) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211U;
  }
  return GuidText(GuidFrom(hash, 1));
}

// An adopted account answers to its new name alone.
std::optional<uint64_t> Tenant::FindByUpn(std::string_view upn) const {
  for (const auto& [person, adoption] : adopted_) {
    if (EqualsIgnoreCase(adoption.upn, upn)) return person;
  }
  const std::optional<uint64_t> person = people_.ByUpn(upn);
  return person && adopted_.contains(*person) ? std::nullopt : person;
}

std::optional<uint64_t> Tenant::Find(std::string_view id_or_upn) const {
  std::optional<uint64_t> person = FindByUpn(id_or_upn);
  if (!person) {
    const auto raw = GuidFromText(id_or_upn);
    if (!raw) return std::nullopt;
    uint64_t scattered = 0;
    for (int i = 5; i >= 0; --i) scattered = scattered << 8 | static_cast<uint8_t>((*raw)[i]);
    const uint64_t index = Gather48(id_seed_, scattered);
    if (index >= people_.count() || GuidFrom(id_seed_, index) != *raw) return std::nullopt;
    person = index;
  }
  const Presence presence = View(*person, absl::InfiniteFuture()).presence;
  if (presence == Presence::kNever || presence == Presence::kPurged) return std::nullopt;
  return person;
}

EntraState Tenant::BaseState(uint64_t person) const {
  EntraState state;
  const bool unlinked = options_.unlinked_every != 0 &&
                        person % options_.unlinked_every == 5 % options_.unlinked_every;
  if (unlinked) state.presence = Presence::kNever;
  state.enabled = !people_.LeftBefore(person);
  // Half of the people never had their sessions revoked: null on a read, absent in delta.
  if (HashPair(id_seed_, person) % 2 == 0) state.sessions_valid_from = start_ - kAge;
  if (people_.LeftBefore(person)) state.sessions_valid_from = start_ - kLeftAge;
  state.last_sync = start_ - absl::Minutes(1);
  return state;
}

EntraUser Tenant::MakeUser(uint64_t person, const EntraState& state) const {
  EntraUser user;
  static_cast<EntraState&>(user) = state;
  user.person = people_.At(person);
  if (const auto adopted = adopted_.find(person); adopted != adopted_.end()) {
    user.person.immutable_id = adopted->second.immutable_id;
    user.person.object_sid = adopted->second.object_sid;
    user.person.sam = adopted->second.sam;
    user.person.upn = adopted->second.upn;
    user.person.dn = adopted->second.dn;
  }
  user.id = EntraId(person);
  user.created = start_ - kAge;
  return user;
}

EntraUser Tenant::View(uint64_t person, absl::Time now) const {
  const auto it = changed_.find(person);
  if (it == changed_.end()) return MakeUser(person, BaseState(person));
  const absl::Time shown = now - faults_.read_delay;  // InfiniteFuture stays so
  const auto& versions = it->second;
  for (size_t i = versions.size(); i-- > 0;) {
    if (versions[i].at <= shown) return MakeUser(person, versions[i].state);
  }
  return MakeUser(person, BaseState(person));
}

EntraState& Tenant::Edit(uint64_t person, absl::Time now) {
  auto& versions = changed_[person];
  versions.push_back({now, versions.empty() ? BaseState(person) : versions.back().state});
  return versions.back().state;
}

void Tenant::Record(uint64_t person, EntraChangeKind kind, Actor actor, ChangeAspect aspect,
                    absl::Time now) {
  truth_.entra_changes.push_back({now, number_, person, kind, actor});
  reports_.Changed(person, kind, actor, settings_, now);
  log_.Add(person, aspect, now);
}

bool Tenant::SetEnabled(uint64_t person, bool enabled, Actor actor, absl::Time now) {
  advance_(now);
  const EntraUser user = Now(person);
  if (user.presence != Presence::kLive || user.enabled == enabled) return false;
  Edit(person, now).enabled = enabled;
  Record(person, enabled ? EntraChangeKind::kEnabled : EntraChangeKind::kDisabled, actor,
         kAspectEnabled, now);
  return true;
}

bool Tenant::SoftDelete(uint64_t person, Actor actor, absl::Time now) {
  advance_(now);
  if (Now(person).presence != Presence::kLive) return false;
  EntraState& state = Edit(person, now);
  state.presence = Presence::kSoftDeleted;
  state.deleted_at = now;
  Record(person, EntraChangeKind::kSoftDeleted, actor, kAspectLifecycle, now);
  return true;
}

bool Tenant::Purge(uint64_t person, Actor actor, absl::Time now) {
  advance_(now);
  const Presence presence = Now(person).presence;
  if (presence != Presence::kLive && presence != Presence::kSoftDeleted) return false;
  Edit(person, now).presence = Presence::kPurged;
  Record(person, EntraChangeKind::kPurged, actor, kAspectLifecycle, now);
  return true;
}

bool Tenant::Restore(uint64_t person, Actor actor, absl::Time now) {
  advance_(now);
  if (Now(person).presence != Presence::kSoftDeleted) return false;
  EntraState& state = Edit(person, now);
  state.presence = Presence::kLive;
  state.deleted_at.reset();
  Record(person, EntraChangeKind::kRestored, actor, kAspectLifecycle, now);
  return true;
}

void Tenant::MoveSessions(uint64_t person, Actor actor, absl::Time now) {
  advance_(now);
  const bool cut = options_.whole_seconds;
  Edit(person, now).sessions_valid_from =
      cut ? absl::FromUnixSeconds(absl::ToUnixSeconds(now)) : now;
  Record(person, EntraChangeKind::kRevoked, actor, kAspectSessions, now);
}

bool Tenant::ChangePassword(uint64_t person, Actor actor, absl::Time now) {
  advance_(now);
  if (Now(person).presence != Presence::kLive) return false;
  const bool cut = options_.whole_seconds;
  Edit(person, now).sessions_valid_from =
      cut ? absl::FromUnixSeconds(absl::ToUnixSeconds(now)) : now;
  truth_.entra_changes.push_back({now, number_, person, EntraChangeKind::kRevoked, actor});
  reports_.PasswordChanged(person, actor, settings_, now);
  log_.Add(person, kAspectSessions, now);
  return true;
}

void Tenant::Adopt(uint64_t person, Adoption adoption, absl::Time now) {
  advance_(now);
  adopted_[person] = std::move(adoption);
  log_.Add(person, kAspectLifecycle, now);
}

void Tenant::TouchLastSync(uint64_t person, absl::Time now) {
  Edit(person, now).last_sync = now;
  log_.Add(person, kAspectLastSync, now);
}

int Tenant::Revoke(uint64_t person, absl::Time now, std::string_view client_request_id) {
  advance_(now);
  Call call{now, number_, person, CallKind::kRevoke, std::string(client_request_id), 200, true};
  if (Now(person).presence != Presence::kLive) {
    call.status = 404;
  } else if (faults_.forbid_revoke) {
    call.status = 403;
  }
  call.applied = call.status == 200 && !faults_.ignore_revoke;
  truth_.calls.push_back(call);
  if (call.status == 403) reports_.Refused(person, call.kind, settings_, now);
  if (call.applied) MoveSessions(person, Actor::kApi, now);
  return call.status;
}

int Tenant::SetEnabledByCall(uint64_t person, bool enabled, absl::Time now,
                             std::string_view client_request_id) {
  advance_(now);
  Call call{now,
            number_,
            person,
            enabled ? CallKind::kEnable : CallKind::kDisable,
            std::string(client_request_id),
            204,
            true};
  if (Now(person).presence != Presence::kLive) {
    call.status = 404;
  } else if (faults_.forbid_patch) {
    call.status = 403;
  }
  call.applied = call.status == 204;
  truth_.calls.push_back(call);
  if (call.status == 403) reports_.Refused(person, call.kind, settings_, now);
  if (call.applied) SetEnabled(person, enabled, Actor::kApi, now);
  return call.status;
}

std::vector<uint64_t> Tenant::ChangedSince(int64_t log_position) const {
  std::vector<uint64_t> people;
  for (auto it = log_.entries().upper_bound(log_position); it != log_.entries().end(); ++it) {
    people.push_back(it->second.person);
  }
  return people;
}

}  // namespace driftwarden::simulator
