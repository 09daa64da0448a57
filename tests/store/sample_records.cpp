#include "tests/store/sample_records.h"

#include <algorithm>
#include <iterator>

#include "base/strings.h"
#include "monitor/cause_counts.h"

namespace driftwarden::store {

using namespace monitor;  // NOLINT: every record is named here

absl::Time At(int64_t seconds) {
  return absl::FromUnixSeconds(1767225600 + seconds);
}

namespace {

Guid SampleGuid(uint8_t first) {
  Guid guid;
  for (uint8_t i = 0; i < 16; ++i) guid.bytes[i] = static_cast<uint8_t>(first + i);
  return guid;
}

Sha256Digest SampleDigest(uint8_t first) {
  Sha256Digest digest{};
  for (uint8_t i = 0; i < 32; ++i) digest[i] = static_cast<uint8_t>(first + i);
  return digest;
}

AdHalf SampleAd() {
  AdHalf half;
  half.source = SourceName("corp");
  half.object_guid = SampleGuid(0x10);
  half.sid.bytes = std::string("\x01\x01\0\0\0\0\0\x05\x15\0\0\0", 12);
  half.sam_account_name = "ada";
  half.upn = "ada@corp.example";
  half.dn = "CN=Ada,OU=People,DC=corp,DC=example";
  half.display_name = "Ada L\xc3\xb6velace";
  half.consistency_guid = std::string("\x00\xff\x01", 3);
  half.admin_count = true;
  half.user_account_control = 514;
  half.disabled = Tri::kYes;
  half.disabled_since = {At(1), At(2)};
  half.disabled_seen = At(3);
  half.enabled_seen = At(4);
  half.deleted = true;
  half.deleted_since = TimeBounds::Exactly(At(5));
  half.deleted_seen = At(6);
  half.account_expires = At(7);
  half.uac_stamp = MetadataStamp{3, At(8), SampleGuid(0x20), 4096};
  half.deleted_stamp = MetadataStamp{1, At(9), SampleGuid(0x30), 70000};
  half.last_look = {absl::InfinitePast(), At(10)};
  half.usn_changed = 123456789;
  half.time_uncertain = true;
  half.baseline_departed = true;
  half.mail = "ada@corp.example";
  half.sid_history = {{std::string("\x01\x01\0\0\0\0\0\x05\x17\0\0\0", 12)}};
  half.recipient_type = uint64_t{1} << 31;
  half.scope = ScopeState::kLeft;
  half.scope_since = {At(91), At(92)};
  half.groups = {"Domain Admins", "Tier 0"};
  half.attributes = {{"employeetype", {"service", "shared"}}, {"extensionattribute5", {}}};
  half.password_set = At(93);
  half.password_stamp = MetadataStamp{2, At(94), SampleGuid(0x40), 5000};
  half.expires_stamp = MetadataStamp{4, At(95), SampleGuid(0x50), 6000};
  half.locked_at = At(96);
  half.when_changed = At(97);
  return half;
}

EntraHalf SampleEntra() {
  EntraHalf half;
  half.source = SourceName("contoso");
  half.id = "6f0c8f1e-52a3-4c0d-9b1a-000000000001";
  half.upn = "ada@contoso.example";
  half.display_name = "Ada";
  half.sam_account_name = "ada";
  half.immutable_id = Anchor("AP8B");
  half.on_premises_sid.bytes = std::string("\x01\x01\0\0\0\0\0\x05\x16\0\0\0", 12);
  half.sync_enabled = Tri::kYes;
  half.enabled = Tri::kNo;
  half.disabled_since = {At(11), At(12)};
  half.enabled_seen = At(13);
  half.enabled_since = {At(14), At(15)};
  half.deletion = EntraDeletion::kSoft;
  half.deleted_since = {At(16), At(17)};
  half.sessions_valid_from = SessionsValidFrom{false, At(18)};
  half.last_look = {At(19), At(20)};
  half.last_direct_look = {At(21), At(22)};
  half.needs_direct_read = true;
  half.restored_since = {At(23), At(24)};
  half.live_direct_first = At(25);
  half.baseline_seen = true;
  half.roles = {"Global Administrator"};
  half.provisioning_error = ProvisioningError{"PropertyConflict", "mail", "ada@x.example", At(26)};
  half.cloud_managed = Tri::kNo;
  AccountLogs& logs = half.logs;
  logs.disabled_looks = {At(110), At(111)};
  logs.enabled_looks = {At(112), At(113)};
  logs.deleted_looks = {At(114), At(115)};
  logs.audits = {{"Directory_1", "", AccountChange::kSessionsRevoked, At(116), "6f0c-9", "aa-9",
                  "Grace", true, "c0-1"}};
  logs.successes = {{"s-1", {At(117), At(118)}, true, 0, "Office"}};
  logs.refused = {{"s-2", {At(119), At(119)}, false, 50057, "Teams"}};
  logs.interactive_read = {At(120), At(121)};
  logs.non_interactive_read = {At(122), At(123)};
  logs.devices = KnownDevices{
      {At(124), At(125)},
      {{"d0-1", "d1-1", "LAPTOP", "Windows", DeviceTrust::kHybrid, true, true, true, 2},
       {"d0-2", "", "", "iOS", DeviceTrust::kRegistered, std::nullopt, false, true, std::nullopt}},
      false};
  half.on_premises_domain = "corp.example";
  half.ever_synced = Tri::kYes;
  half.guest = Tri::kNo;
  half.first_seen = At(9);
  half.sync_since = At(10);
  return half;
}

}  // namespace

Episode SampleEpisode() {
  Episode episode;
  episode.id = EpisodeId("e17.main");
  episode.link = LinkName("main");
  episode.person = 42;
  episode.tier = TierName("tier0");
  episode.phase = State::kLagging;
  episode.departed = {At(30), At(31)};
  episode.deleted_in_ad = true;
  episode.opened = At(32);
  episode.kinds = {{DriftKind::kDisableLag, Severity::kCritical, At(33), At(34), std::nullopt},
                   {DriftKind::kTokenNotRevoked, Severity::kWarning, At(35), At(36), At(37)}};
  episode.entra_disabled = TimeBounds{At(38), At(39)};
  episode.revoked = At(40);
  episode.result = EpisodeResult::kConverged;
  episode.closed = At(41);
  episode.revokes = 2;
  episode.seals = 3;
  episode.containment_failed = true;
  return episode;
}

Person SamplePerson() {
  Person person;
  person.ordinal = 42;
  person.facts.anchor = Anchor("AP8B");
  person.facts.ad = {SampleAd(), AdHalf{}};
  person.facts.entra = SampleEntra();
  person.facts.last_revocation =
      Revocation{{At(50), At(51)}, At(52), At(53), ActionId("0b5f"), false};
  person.memory.inherited = true;
  person.memory.before_our_time = true;
  person.memory.last_converged = At(54);
  person.memory.toggles = {At(55), At(56)};
  person.memory.episodes = 3;
  person.memory.departure_handled = true;
  person.memory.returned_at = At(58);
  person.memory.watch_until = At(126);
  person.memory.inherited_kinds = {monitor::DriftKind::kAccountExpiredLive};
  person.memory.password_resets = {At(41), At(42)};
  person.memory.reset_twice_at = At(42);
  person.memory.exemption = {At(3), At(400), "parental leave", "ada"};
  person.memory.compromised = {At(45), "token theft", "ada"};
  person.memory.leave = {"u7@corp.example",
                         At(500),
                         monitor::LeaveUrgency::kImmediate,
                         "HR-77",
                         "hr-feed",
                         At(4),
                         true,
                         monitor::LeaveEnd::kExpected};
  person.memory.upn_differs_since = At(5);
  person.facts.conflicts_with = 41;
  person.facts.sid_mismatch_since = At(59);
  person.facts.sid_mismatch_confirmed = true;
  person.episode = SampleEpisode();
  person.episode->result.reset();
  person.episode->closed.reset();
  person.state = State::kInherited;
  person.phase = State::kLagging;
  person.tier = TierName("tier0");
  person.person_class = PersonClass::kService;
  person.review_at = At(57);
  return person;
}

Action SampleAction() {
  Action action;
  action.id = ActionId("3f2b9a10-0000-4000-8000-00000000000a");
  action.episode = EpisodeId("e17.main");
  action.person = 42;
  action.tier = TierName("standard");
  action.entra_id = "6f0c8f1e-52a3-4c0d-9b1a-000000000001";
  action.kind = ActionKind::kRevokeSessions;
  action.reason = ActionReason::kSeal;
  action.state = ActionState::kCalled;
  action.gates = {{"mode", true, "auto"}, {"budget", false, "5 of 5"}};
  action.requested_at = At(60);
  action.intent_at = At(61);
  action.cleared_at = At(62);
  action.called = TimeBounds{At(63), At(64)};
  action.finished_at = At(65);
  action.before = SessionsValidFrom{true, absl::InfinitePast()};
  action.attempts = 300;
  action.request_id = "req-1";
  action.outcome = "answered";
  action.retry_at = At(66);
  return action;
}

Incident SampleIncident() {
  Incident incident;
  incident.id = IncidentId("e17.main");
  incident.alertname = "DriftwardenPerson";
  incident.labels = {{"alertname", "DriftwardenPerson"}, {"severity", "critical"}};
  incident.person = 42;
  incident.starts_at = At(70);
  incident.ended_at = At(71);
  incident.announced = {{{"severity", "warning"}}, {}};
  return incident;
}

EvidenceEntry SampleEvidence() {
  EvidenceEntry entry;
  entry.seq = 7;
  entry.at = At(80);
  entry.link = LinkName("main");
  entry.type = "ad_disabled";
  entry.person = 42;
  entry.episode = "e17.main";
  entry.action = "3f2b9a10";
  entry.fact = {At(81), At(82)};
  entry.source = "corp";
  entry.details = {{"grade", "strong"}, {"uac", "514"}};
  entry.previous = SampleDigest(0x40);
  entry.hash = SampleDigest(0x80);
  return entry;
}

LinkState SampleLinkState() {
  LinkState link;
  link.name = LinkName("main");
  link.next_person = 43;
  link.next_episode = 18;
  SourceState source;
  source.kind = SourceKind::kEntra;
  source.cursor = std::string("https://graph/delta?\0x", 22);
  source.last_success = At(90);
  source.last_complete_begin = At(91);
  source.last_change = At(92);
  source.clock_offset = absl::Milliseconds(-1500);
  source.snapshot_running = true;
  source.snapshot_complete = true;
  source.snapshot_objects = 5000;
  source.gap_ended = At(93);
  source.snapshot_batch = 12;
  source.base_dn = "dc=corp,dc=example";
  link.sources = {{SourceName("contoso"), source}, {SourceName("corp"), SourceState{}}};
  link.engine_last_sync = At(94);
  link.learned_cycle = absl::Minutes(30);
  link.baseline_at = At(95);
  link.baseline_accepted = At(96);
  link.baseline_accepted_by = "root";
  link.guards = {{kGuardPercent, GuardState{true, At(97), "6 of 1000"}}};
  link.verification_failures = 1;
  link.calls = {{At(98), 42, ActionReason::kLag}, {At(99), 41, ActionReason::kSeal}};
  link.users = {{{State::kAligned, TierName("standard")}, 40},
                {{State::kBreached, TierName("tier0")}, 1}};
  link.open = {{{DriftKind::kDisableLag, TierName("tier0"), Severity::kCritical}, 1}};
  link.linked_people = 41;
  link.inherited_live = 2;
  link.in_drift = {3, 4};
  link.evidence_seq = 7;
  link.evidence_hash = SampleDigest(0x80);
  link.policy.number = 3;
  link.policy.since = At(100);
  link.policy.actor = "root";
  link.policy.parts = {{"settle", "00ff"}, {"tiers", "0102"}};
  link.policy.judged = 17;
  link.policy.judge_to = 42;
  link.unreturned_since = At(90);
  link.logs[TenantLog::kDirectoryAudits] = {{At(127), At(128)}, LogLimit::kNone, {}, {}, ""};
  link.logs[TenantLog::kNonInteractiveSignIns] = {
      {At(129), At(130)}, LogLimit::kLicence, At(131), At(132), "no premium licence"};
  link.devices = {{At(133), At(134)}, LogLimit::kPermission, At(135), At(136), "403"};
  TenantFacts& tenant = link.tenant;
  tenant.sync_enabled = true;
  tenant.password_sync = false;
  tenant.deletion_guard = DeletionGuard{"enabledForCount", 500};
  tenant.federated_domains = {"corp.example"};
  tenant.jobs = {{"AD2AADProvisioning.1", "Quarantine", At(101), "Unknown", At(102)}};
  tenant.actors = {{"6f0c-1", "aa-1", "Sync_SYNC1", ActorVia::kPermission}};
  tenant.role_holders = {"6f0c-2", "6f0c-3"};
  tenant.with_errors = {"6f0c-4"};
  tenant.conditional_access = 3;
  tenant.token_policies = monitor::TokenPolicies{absl::Hours(8), true};
  tenant.cycle_gaps = {absl::Minutes(30), absl::Seconds(1801)};
  tenant.cycle_set = At(103);
  CauseBook& book = link.causes;
  book.next = 3;
  LinkCause cause;
  cause.number = 2;
  cause.kind = CauseKind::kMassDisable;
  cause.subject = "corp";
  cause.since = At(140);
  cause.until = At(141);
  cause.opened = At(142);
  cause.people = 26;
  cause.detail = "26 within 15 min";
  cause.ends_at = At(143);
  cause.ended_at = At(144);
  cause.announced = {{{"alertname", "DriftwardenCause"}, {"kind", "mass_disable"}}};
  cause.severity = Severity::kCritical;
  cause.counted_at = At(158);
  book.causes = {cause};
  book.departures = {{At(145), 26, At(146)}};
  book.scope_exits = {{At(147), 3, At(148)}, {At(149), 4, At(150)}};
  book.waiting = {{At(151), At(152), 5}, {At(153), At(154), -1}};
  book.waiting_known = true;
  book.carried = At(155);
  book.previous_sync = At(156);
  book.tenant_read = At(157);
  return link;
}

Residue SampleResidue() {
  Residue residue;
  residue.person = 42;
  residue.entra_id = "00000000-0000-4000-8000-100000000042";
  residue.read = At(200);
  ResidueFindings& roles = residue.areas[ResidueArea::kDirectoryRoles];
  roles.outcome = ResidueOutcome::kEvaluated;
  roles.at = At(201);
  roles.items = {{"62e90394-69f5-4237-9190-012177145e10", "Global Administrator", "directory_role",
                  "in the whole tenant", std::nullopt}};
  ResidueFindings& methods = residue.areas[ResidueArea::kMethods];
  methods.outcome = ResidueOutcome::kEvaluated;
  methods.at = At(202);
  methods.items = {{"m-1", "key", "fido2", "", At(150)}};
  methods.complete = false;
  ResidueFindings& eligible = residue.areas[ResidueArea::kEligibleRoles];
  eligible.outcome = ResidueOutcome::kLicence;
  eligible.at = At(203);
  eligible.detail = "AadPremiumLicenseRequired";
  return residue;
}

std::string UpnOf(PersonOrdinal ordinal) {
  return Cat("User", ordinal, "@corp.example");
}

Guid GuidOf(PersonOrdinal ordinal) {
  Guid guid = SampleGuid(1);
  for (int i = 0; i < 8; ++i) guid.bytes[i] = static_cast<uint8_t>(ordinal >> (8 * i));
  return guid;
}

Person PlainPerson(PersonOrdinal ordinal) {
  Person person;
  person.ordinal = ordinal;
  AdHalf ad;
  ad.source = SourceName("corp");
  ad.object_guid = GuidOf(ordinal);
  ad.sid = *Sid::Parse(Cat("S-1-5-21-1-2-3-", 1000 + ordinal));
  ad.sam_account_name = Cat("User", ordinal);
  ad.upn = UpnOf(ordinal);
  ad.disabled = Tri::kNo;
  EntraHalf entra;
  entra.source = SourceName("contoso");
  entra.id = Cat("00000000-0000-4000-8000-", 100000000000 + ordinal);
  entra.upn = UpnOf(ordinal);
  entra.immutable_id = AnchorOf(ad.object_guid.Raw());
  entra.enabled = Tri::kYes;
  person.facts.anchor = entra.immutable_id;
  person.facts.ad = {ad};
  person.facts.entra = entra;
  person.state = State::kAligned;
  person.phase = State::kAligned;
  return person;
}

void Recount(LinkState& link, const std::vector<Person>& people) {
  link.users.clear();
  link.open.clear();
  link.linked_people = 0;
  link.next_person = 1;
  link.in_drift = {};
  link.causes.waiting.clear();
  link.causes.waiting_known = true;
  for (const Person& person : people) {
    CountWaiting(link.causes.waiting, person, 1);
    CountDrift(link.in_drift, person, 1);
    ++link.users[{person.state, person.tier}];
    if (!person.facts.ad.empty() && person.facts.entra.has_value()) ++link.linked_people;
    link.next_person = std::max(link.next_person, person.ordinal + 1);
    if (!person.episode.has_value()) continue;
    for (const EpisodeKind& kind : person.episode->kinds) {
      if (!kind.cleared.has_value()) {
        ++link.open[{kind.kind, person.episode->tier, kind.severity}];
      }
    }
  }
}

}  // namespace driftwarden::store
