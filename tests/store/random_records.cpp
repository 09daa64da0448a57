#include "tests/store/sample_records.h"

namespace driftwarden::store {

using namespace monitor;  // NOLINT: every record is named here

namespace {

// Values of every shape: absent, infinite, exact; empty, binary and long texts.
class Random {
 public:
  explicit Random(Rng& rng) : rng_(rng) {}

  bool Flip() { return rng_.Below(2) == 0; }
  uint64_t Number() { return rng_.Next() >> rng_.Below(64); }
  uint32_t Small() { return static_cast<uint32_t>(Number()); }
  absl::Time Time() {
    switch (rng_.Below(4)) {
      case 0:
        return absl::InfinitePast();
      case 1:
        return absl::InfiniteFuture();
      default:
        return absl::FromUnixMicros(static_cast<int64_t>(rng_.Below(uint64_t{1} << 52)));
    }
  }
  TimeBounds Bounds() {
    switch (rng_.Below(4)) {
      case 0:
        return {};
      case 1:
        return TimeBounds::Exactly(Time());
      case 2:
        return {absl::InfinitePast(), Time()};
      default:
        return {Time(), Time()};
    }
  }
  std::string Text() {
    std::string out(rng_.Below(4) == 0 ? rng_.Below(300) : rng_.Below(20), '\0');
    for (char& c : out) c = static_cast<char>(rng_.Next());
    return out;
  }
  Guid AnyGuid() {
    Guid guid;
    for (uint8_t& byte : guid.bytes) byte = static_cast<uint8_t>(rng_.Next());
    return guid;
  }
  Sha256Digest Digest() {
    Sha256Digest digest{};
    for (uint8_t& byte : digest) byte = static_cast<uint8_t>(rng_.Next());
    return digest;
  }
  template <typename E, size_t N>
  E OneOf(const E (&all)[N]) {
    return all[rng_.Below(N)];
  }
  template <typename Make>
  auto Maybe(Make make) -> std::optional<decltype(make())> {
    if (Flip()) return std::nullopt;
    return make();
  }
  template <typename Each>
  void Times(uint64_t at_most, Each each) {
    for (uint64_t i = rng_.Below(at_most + 1); i > 0; --i) each();
  }
  std::map<std::string, std::string> Texts() {
    std::map<std::string, std::string> out;
    Times(4, [&] { out[Text()] = Text(); });
    return out;
  }
  Tri AnyTri() { return static_cast<Tri>(rng_.Below(3)); }
  MetadataStamp Stamp() { return {Small(), Time(), AnyGuid(), Number()}; }
  SessionsValidFrom Sessions() { return {Flip(), Time()}; }
  absl::Duration Duration() {
    return absl::Microseconds(static_cast<int64_t>(rng_.Below(uint64_t{1} << 50))) -
           absl::Microseconds(int64_t{1} << 49);
  }

 private:
  Rng& rng_;
};

AdHalf RandomAd(Random& r) {
  constexpr ScopeState kAllScopes[] = {ScopeState::kIn, ScopeState::kLeft, ScopeState::kNever};
  AdHalf half;
  half.source.value = r.Text();
  half.object_guid = r.AnyGuid();
  half.sid.bytes = r.Text();
  half.sam_account_name = r.Text();
  half.upn = r.Text();
  half.dn = r.Text();
  half.display_name = r.Text();
  half.consistency_guid = r.Text();
  half.admin_count = r.Flip();
  half.user_account_control = r.Small();
  half.disabled = r.AnyTri();
  half.disabled_since = r.Bounds();
  half.disabled_seen = r.Time();
  half.enabled_seen = r.Time();
  half.deleted = r.Flip();
  half.deleted_since = r.Bounds();
  half.deleted_seen = r.Time();
  half.account_expires = r.Time();
  half.uac_stamp = r.Maybe([&] { return r.Stamp(); });
  half.deleted_stamp = r.Maybe([&] { return r.Stamp(); });
  half.last_look = r.Bounds();
  half.usn_changed = r.Number();
  half.time_uncertain = r.Flip();
  half.baseline_departed = r.Flip();
  half.mail = r.Text();
  r.Times(2, [&] { half.sid_history.push_back({r.Text()}); });
  half.recipient_type = r.Number();
  half.scope = r.OneOf(kAllScopes);
  half.scope_since = r.Bounds();
  for (uint32_t i = r.Small() % 3; i > 0; --i) half.groups.push_back(r.Text());
  for (uint32_t i = r.Small() % 3; i > 0; --i) half.attributes[r.Text()] = {r.Text(), r.Text()};
  half.password_set = r.Time();
  half.password_stamp = r.Maybe([&] { return r.Stamp(); });
  half.expires_stamp = r.Maybe([&] { return r.Stamp(); });
  half.locked_at = r.Time();
  half.when_changed = r.Time();
  return half;
}

SignIn AnySignIn(Random& r) {
  return {r.Text(), r.Bounds(), r.Flip(), static_cast<int64_t>(r.Number()), r.Text()};
}

Device AnyDevice(Random& r) {
  constexpr DeviceTrust kAll[] = {DeviceTrust::kUnknown, DeviceTrust::kRegistered,
                                  DeviceTrust::kEntraJoined, DeviceTrust::kHybrid};
  Device device;
  device.id = r.Text();
  device.device_id = r.Text();
  device.name = r.Text();
  device.operating_system = r.Text();
  device.trust = r.OneOf(kAll);
  device.enabled = r.Maybe([&] { return r.Flip(); });
  device.owned = r.Flip();
  device.registered = r.Flip();
  device.users = r.Maybe([&] { return static_cast<int64_t>(r.Number()); });
  return device;
}

AccountLogs AnyLogs(Random& r) {
  AccountLogs logs;
  logs.disabled_looks = r.Bounds();
  logs.enabled_looks = r.Bounds();
  logs.deleted_looks = r.Bounds();
  r.Times(3, [&] {
    const auto change = static_cast<AccountChange>(1 + r.Small() % 7);
    logs.audits.push_back(
        {r.Text(), "", change, r.Time(), r.Text(), r.Text(), r.Text(), r.Flip(), r.Text()});
  });
  r.Times(3, [&] { logs.successes.push_back(AnySignIn(r)); });
  r.Times(3, [&] { logs.refused.push_back(AnySignIn(r)); });
  logs.interactive_read = r.Bounds();
  logs.non_interactive_read = r.Bounds();
  if (r.Flip()) {
    logs.devices.emplace();
    logs.devices->at = r.Bounds();
    r.Times(3, [&] { logs.devices->devices.push_back(AnyDevice(r)); });
    logs.devices->complete = r.Flip();
  }
  return logs;
}

LogState AnyLogState(Random& r) {
  constexpr LogLimit kAll[] = {LogLimit::kNone, LogLimit::kPermission, LogLimit::kLicence,
                               LogLimit::kUnsupported, LogLimit::kSwitchedOff};
  return {r.Bounds(), r.OneOf(kAll), r.Time(), r.Time(), r.Text()};
}

EntraHalf RandomEntra(Random& r) {
  constexpr EntraDeletion kAll[] = {EntraDeletion::kLive, EntraDeletion::kSoft,
                                    EntraDeletion::kHard};
  EntraHalf half;
  half.source.value = r.Text();
  half.id = r.Text();
  half.upn = r.Text();
  half.display_name = r.Text();
  half.sam_account_name = r.Text();
  half.immutable_id.value = r.Text();
  half.on_premises_sid.bytes = r.Text();
  half.sync_enabled = r.AnyTri();
  half.enabled = r.AnyTri();
  half.disabled_since = r.Bounds();
  half.enabled_seen = r.Time();
  half.enabled_since = r.Bounds();
  half.deletion = r.OneOf(kAll);
  half.deleted_since = r.Bounds();
  half.sessions_valid_from = r.Maybe([&] { return r.Sessions(); });
  half.last_look = r.Bounds();
  half.last_direct_look = r.Bounds();
  half.needs_direct_read = r.Flip();
  half.restored_since = r.Bounds();
  half.live_direct_first = r.Time();
  half.baseline_seen = r.Flip();
  r.Times(2, [&] { half.roles.push_back(r.Text()); });
  half.provisioning_error = r.Maybe([&] {
    return ProvisioningError{r.Text(), r.Text(), r.Text(), r.Time()};
  });
  half.cloud_managed = r.Flip() ? Tri::kYes : Tri::kUnknown;
  if (r.Flip()) half.logs = AnyLogs(r);
  half.on_premises_domain = r.Text();
  half.ever_synced = r.AnyTri();
  half.guest = r.AnyTri();
  half.first_seen = r.Time();
  half.sync_since = r.Time();
  return half;
}

Episode AnyEpisode(Random& r) {
  Episode episode;
  episode.id.value = r.Text();
  episode.link.value = r.Text();
  episode.person = r.Number();
  episode.tier.value = r.Text();
  episode.phase = r.OneOf(kAllStates);
  episode.departed = r.Bounds();
  episode.deleted_in_ad = r.Flip();
  episode.opened = r.Time();
  r.Times(3, [&] {
    episode.kinds.push_back({r.OneOf(kAllDriftKinds), r.OneOf(kAllSeverities), r.Time(), r.Time(),
                             r.Maybe([&] { return r.Time(); })});
  });
  episode.entra_disabled = r.Maybe([&] { return r.Bounds(); });
  episode.revoked = r.Maybe([&] { return r.Time(); });
  episode.result = r.Maybe([&] { return r.OneOf(kAllEpisodeResults); });
  episode.closed = r.Maybe([&] { return r.Time(); });
  episode.revokes = r.Small();
  episode.seals = r.Small();
  episode.containment_failed = r.Flip();
  return episode;
}

SourceState AnySource(Random& r) {
  constexpr SourceKind kAll[] = {SourceKind::kActiveDirectory, SourceKind::kEntra};
  SourceState source;
  source.kind = r.OneOf(kAll);
  source.cursor = r.Text();
  source.last_success = r.Time();
  source.last_complete_begin = r.Time();
  source.last_change = r.Time();
  source.clock_offset = r.Duration();
  source.snapshot_running = r.Flip();
  source.snapshot_complete = r.Flip();
  source.snapshot_objects = r.Number();
  source.gap_ended = r.Time();
  source.snapshot_batch = r.Number();
  source.base_dn = r.Text();
  return source;
}

constexpr ActionReason kReasons[] = {ActionReason::kLag, ActionReason::kSeal};

}  // namespace

namespace {

ExpectedLeave AnyLeave(Random& r) {
  constexpr LeaveUrgency kUrgencies[] = {LeaveUrgency::kPlanned, LeaveUrgency::kImmediate,
                                         LeaveUrgency::kCompromise};
  constexpr LeaveEnd kEnds[] = {LeaveEnd::kExpected, LeaveEnd::kDeparted, LeaveEnd::kWithdrawn};
  return {r.Text(), r.Time(), r.OneOf(kUrgencies), r.Text(), r.Text(),
          r.Time(), r.Flip(), r.OneOf(kEnds)};
}

}  // namespace

Person RandomPerson(Rng& rng) {
  Random r(rng);
  Person person;
  person.ordinal = r.Number();
  person.facts.anchor.value = r.Text();
  r.Times(3, [&] { person.facts.ad.push_back(RandomAd(r)); });
  person.facts.entra = r.Maybe([&] { return RandomEntra(r); });
  person.facts.last_revocation = r.Maybe([&] {
    return Revocation{r.Bounds(), r.Time(), r.Time(), ActionId(r.Text()), r.Flip()};
  });
  person.memory.inherited = r.Flip();
  person.memory.before_our_time = r.Flip();
  person.memory.last_converged = r.Maybe([&] { return r.Time(); });
  r.Times(5, [&] { person.memory.toggles.push_back(r.Time()); });
  person.memory.episodes = r.Small();
  person.memory.departure_handled = r.Flip();
  person.memory.returned_at = r.Maybe([&] { return r.Time(); });
  person.memory.watch_until = r.Maybe([&] { return r.Time(); });
  r.Times(3, [&] { person.memory.inherited_kinds.push_back(r.OneOf(kAllDriftKinds)); });
  person.memory.exemption = r.Maybe([&] {
    return Exemption{r.Time(), r.Time(), r.Text(), r.Text()};
  });
  person.memory.leave = r.Maybe([&] { return AnyLeave(r); });
  person.memory.upn_differs_since = r.Maybe([&] { return r.Time(); });
  person.memory.compromised = r.Maybe([&] {
    return monitor::CompromiseMark{r.Time(), r.Text(), r.Text()};
  });
  person.facts.conflicts_with = r.Maybe([&] { return r.Number(); });
  person.facts.sid_mismatch_since = r.Maybe([&] { return r.Time(); });
  person.facts.sid_mismatch_confirmed = r.Flip();
  person.episode = r.Maybe([&] { return AnyEpisode(r); });
  person.state = r.OneOf(kAllStates);
  person.phase = r.OneOf(kAllStates);
  person.tier.value = r.Text();
  person.person_class = r.OneOf(kAllPersonClasses);
  person.review_at = r.Time();
  return person;
}

Episode RandomEpisode(Rng& rng) {
  Random r(rng);
  return AnyEpisode(r);
}

Action RandomAction(Rng& rng) {
  constexpr ActionKind kKinds[] = {ActionKind::kRevokeSessions, ActionKind::kDisableAccount,
                                   ActionKind::kDisableDevices};
  Random r(rng);
  Action action;
  action.id.value = r.Text();
  action.episode.value = r.Text();
  action.person = r.Number();
  action.tier.value = r.Text();
  action.entra_id = r.Text();
  action.kind = r.OneOf(kKinds);
  action.reason = r.OneOf(kReasons);
  action.state = static_cast<ActionState>(1 + rng.Below(13));
  r.Times(4, [&] { action.gates.push_back({r.Text(), r.Flip(), r.Text()}); });
  action.requested_at = r.Time();
  action.intent_at = r.Maybe([&] { return r.Time(); });
  action.cleared_at = r.Maybe([&] { return r.Time(); });
  action.called = r.Maybe([&] { return r.Bounds(); });
  action.finished_at = r.Maybe([&] { return r.Time(); });
  action.before = r.Maybe([&] { return r.Sessions(); });
  action.attempts = r.Small();
  action.request_id = r.Text();
  action.outcome = r.Text();
  action.retry_at = r.Maybe([&] { return r.Time(); });
  return action;
}

Incident RandomIncident(Rng& rng) {
  Random r(rng);
  Incident incident;
  incident.id.value = r.Text();
  incident.alertname = r.Text();
  incident.labels = r.Texts();
  incident.person = r.Maybe([&] { return r.Number(); });
  incident.starts_at = r.Time();
  incident.ended_at = r.Maybe([&] { return r.Time(); });
  r.Times(3, [&] { incident.announced.push_back(r.Texts()); });
  return incident;
}

EvidenceEntry RandomEvidence(Rng& rng) {
  Random r(rng);
  EvidenceEntry entry;
  entry.seq = r.Number();
  entry.at = r.Time();
  entry.link.value = r.Text();
  entry.type = r.Text();
  entry.person = r.Maybe([&] { return r.Number(); });
  entry.episode = r.Text();
  entry.action = r.Text();
  entry.fact = r.Bounds();
  entry.source = r.Text();
  entry.details = r.Texts();
  entry.previous = r.Digest();
  entry.hash = r.Digest();
  return entry;
}

LinkState RandomLinkState(Rng& rng) {
  Random r(rng);
  LinkState link;
  link.name.value = r.Text();
  link.next_person = r.Number();
  link.next_episode = r.Number();
  r.Times(3, [&] { link.sources[SourceName(r.Text())] = AnySource(r); });
  link.engine_last_sync = r.Maybe([&] { return r.Time(); });
  link.learned_cycle = r.Duration();
  link.baseline_at = r.Maybe([&] { return r.Time(); });
  link.baseline_accepted = r.Maybe([&] { return r.Time(); });
  link.baseline_accepted_by = r.Text();
  r.Times(2, [&] { link.guards[r.Text()] = GuardState{r.Flip(), r.Time(), r.Text()}; });
  link.verification_failures = r.Small();
  r.Times(4, [&] { link.calls.push_back({r.Time(), r.Number(), r.OneOf(kReasons)}); });
  r.Times(6, [&] {
    const UserCountKey key{r.OneOf(kAllStates), TierName(r.Text())};
    link.users[key] = static_cast<int64_t>(r.Number());
  });
  r.Times(4, [&] {
    const OpenCountKey key{r.OneOf(kAllDriftKinds), TierName(r.Text()), r.OneOf(kAllSeverities)};
    link.open[key] = static_cast<int64_t>(r.Number());
  });
  link.linked_people = r.Number();
  link.inherited_live = r.Number();
  link.in_drift = {r.Number(), r.Number()};
  link.evidence_seq = r.Number();
  link.evidence_hash = r.Digest();
  link.policy = {r.Number(), r.Time(), r.Text(), r.Texts(), r.Number(), r.Number()};
  link.unreturned_since = r.Maybe([&] { return r.Time(); });
  for (const TenantLog log : kAllTenantLogs) {
    if (r.Flip()) link.logs[log] = AnyLogState(r);
  }
  link.devices = AnyLogState(r);
  TenantFacts& tenant = link.tenant;
  tenant.sync_enabled = r.Maybe([&] { return r.Flip(); });
  tenant.password_sync = r.Maybe([&] { return r.Flip(); });
  tenant.deletion_guard = r.Maybe([&] { return DeletionGuard{r.Text(), 7}; });
  tenant.federated_domains = r.Maybe([&] { return std::vector<std::string>{r.Text(), r.Text()}; });
  tenant.jobs = r.Maybe([&] {
    return std::vector<SyncJob>{{r.Text(), r.Text(), r.Time(), r.Text(), r.Time()}};
  });
  r.Times(3, [&] {
    tenant.actors.push_back({r.Text(), r.Text(), r.Text(), ActorVia::kCloudSync});
  });
  r.Times(3, [&] { tenant.role_holders.push_back(r.Text()); });
  r.Times(3, [&] { tenant.with_errors.push_back(r.Text()); });
  r.Times(3, [&] { tenant.cycle_gaps.push_back(r.Duration()); });
  tenant.cycle_set = r.Time();
  tenant.conditional_access = r.Maybe([&] { return static_cast<int64_t>(r.Small()); });
  tenant.token_policies = r.Maybe([&] { return monitor::TokenPolicies{r.Duration(), r.Flip()}; });
  CauseBook& book = link.causes;
  book.next = r.Number();
  r.Times(3, [&] {
    book.causes.push_back({r.Number(),
                           r.OneOf(kAllCauseKinds),
                           r.Text(),
                           r.Time(),
                           r.Time(),
                           r.Time(),
                           r.Number(),
                           r.Text(),
                           r.Maybe([&] { return r.Time(); }),
                           r.Maybe([&] { return r.Time(); }),
                           {r.Texts()},
                           r.OneOf(kAllSeverities),
                           r.Time()});
  });
  r.Times(3, [&] { book.departures.push_back({r.Time(), r.Number(), r.Time()}); });
  r.Times(3, [&] { book.scope_exits.push_back({r.Time(), r.Number(), r.Time()}); });
  r.Times(3, [&] { book.waiting.push_back({r.Time(), r.Time(), -7}); });
  book.waiting_known = r.Flip();
  book.carried = r.Time();
  book.previous_sync = r.Maybe([&] { return r.Time(); });
  book.tenant_read = r.Time();
  return link;
}

}  // namespace driftwarden::store
