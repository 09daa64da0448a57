#include "tests/store/sample_records.h"

#include <algorithm>
#include <iterator>

#include "base/strings.h"

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
  person.episode = SampleEpisode();
  person.episode->result.reset();
  person.episode->closed.reset();
  person.state = State::kInherited;
  person.phase = State::kLagging;
  person.tier = TierName("tier0");
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
  link.evidence_seq = 7;
  link.evidence_hash = SampleDigest(0x80);
  return link;
}

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
  return half;
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
  return episode;
}

SourceState AnySource(Random& r) {
  constexpr SourceKind kAll[] = {SourceKind::kActiveDirectory, SourceKind::kEntra};
  return SourceState{r.OneOf(kAll), r.Text(), r.Time(), r.Time(),   r.Time(),
                     r.Duration(),  r.Flip(), r.Flip(), r.Number(), r.Time()};
}

constexpr ActionReason kReasons[] = {ActionReason::kLag, ActionReason::kSeal};

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
  person.episode = r.Maybe([&] { return AnyEpisode(r); });
  person.state = r.OneOf(kAllStates);
  person.phase = r.OneOf(kAllStates);
  person.tier.value = r.Text();
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
  link.evidence_seq = r.Number();
  link.evidence_hash = r.Digest();
  return link;
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
  for (const Person& person : people) {
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
