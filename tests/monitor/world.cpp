#include "tests/monitor/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "monitor/cause_counts.h"
#include "monitor/evaluate.h"

namespace driftwarden::monitor {

const SourceName kAd{"corp"};
const SourceName kTenant{"contoso"};

namespace {

constexpr uint32_t kNormalAccount = 0x200;
constexpr uint32_t kDisabledBit = 0x2;
constexpr absl::Duration kTrip = absl::Milliseconds(20);

Guid GuidOf(int i) {
  Guid guid;
  guid.bytes[0] = static_cast<uint8_t>(i & 0xff);
  guid.bytes[1] = static_cast<uint8_t>(i >> 8);
  guid.bytes[15] = 7;
  return guid;
}

std::string IdOf(int i) {
  return Cat("entra-", i);
}

}  // namespace

World::World(std::string name, uint64_t seed) : rng(seed) {
  link.name = LinkName(name);
  policy.link = link.name;
  policy.ad_sources = {kAd};
  policy.ad_sources_with_one_dc = {kAd};
  policy.entra_source = kTenant;
  policy.poll_intervals = {{kAd, absl::Seconds(5)}, {kTenant, absl::Seconds(15)}};
  policy.tiers.push_back({TierName(kTier0), {true, {"OU=Admins,DC=corp"}}, {}, {}, {}});
  policy.tiers.push_back({TierName(kStandard), {}, {}, {}, {}});
  policy.remediation.breakers.quiet_after_first_baseline = absl::ZeroDuration();
}

AdView World::Ad(int i) {
  AdView view;
  view.object_guid = GuidOf(i);
  view.sid = Sid::Parse(Cat("S-1-5-21-1-2-3-", 1000 + i));
  view.sam_account_name = Cat("user", i);
  view.upn = Cat("user", i, "@corp.example");
  view.dn = Cat("CN=User ", i, ",OU=Staff,DC=corp");
  view.consistency_guid = "";
  view.user_account_control = kNormalAccount;
  view.admin_count = false;
  view.deleted = false;
  view.uac_stamp = MetadataStamp{1, T0() - absl::Hours(24 * 30), GuidOf(999), 1};
  view.usn_changed = static_cast<uint64_t>(1000 + i);
  return view;
}

EntraView World::Entra(int i) {
  EntraView view;
  view.id = IdOf(i);
  view.upn = Cat("user", i, "@contoso.example");
  view.immutable_id = AnchorOf(GuidOf(i).Raw());
  view.on_premises_sid = Sid::Parse(Cat("S-1-5-21-1-2-3-", 1000 + i));
  view.sync_enabled = true;
  view.account_enabled = true;
  view.deletion = EntraDeletion::kLive;
  return view;
}

void World::AddPerson(int i) {
  ad_[i] = Ad(i);
  entra_[i] = Entra(i);
}

void World::SetAd(int i, bool enabled, uint32_t writes) {
  AdView& view = ad_.at(i);
  view.user_account_control = enabled ? kNormalAccount : kNormalAccount | kDisabledBit;
  view.uac_stamp->version += writes;
  view.uac_stamp->originating_time = now;
  ++view.usn_changed;
}

void World::DeleteAd(int i) {
  AdView& view = ad_.at(i);
  view.deleted = true;
  view.deleted_stamp = MetadataStamp{1, now, GuidOf(999), 77};
  view.dn = "CN=gone,CN=Deleted Objects,DC=corp";
  view.consistency_guid.reset();
  ++view.usn_changed;
}

Look World::LookNow(const SourceName& source, LookKind kind) const {
  return {source, {now - kTrip, now}, kind};
}

ChangeBatch World::Batch(const SourceName& source, SourceKind kind, bool snapshot) {
  ChangeBatch batch;
  batch.source = source;
  batch.kind = kind;
  batch.number = ++batches_;
  batch.in_snapshot = snapshot;
  batch.snapshot_reason = snapshot ? "first" : "";
  batch.starts_round = true;
  batch.completes_round = true;
  batch.cursor = Cat("cursor-", batch.number);
  batch.round = {now - kTrip, now};
  if (kind == SourceKind::kActiveDirectory) batch.base_dn = base_dn;
  batch.clock_offset = offsets[source];
  return batch;
}

ChangeBatch World::AdBatch(const std::vector<int>& ids, bool snapshot) {
  ChangeBatch batch = Batch(kAd, SourceKind::kActiveDirectory, snapshot);
  for (const int i : ids) batch.observations.push_back({LookNow(kAd, LookKind::kFeed), ad_.at(i)});
  return batch;
}

ChangeBatch World::EntraBatch(const std::vector<int>& ids, bool snapshot) {
  ChangeBatch batch = Batch(kTenant, SourceKind::kEntra, snapshot);
  for (const int i : ids) {
    EntraView view = entra_.at(i);
    view.sessions_valid_from.reset();  // the feed is not trusted for it
    batch.observations.push_back({LookNow(kTenant, LookKind::kFeed), view});
  }
  return batch;
}

void World::ReadAll() {
  std::vector<int> all_ad;
  std::vector<int> all_entra;
  for (const auto& [i, view] : ad_) all_ad.push_back(i);
  for (const auto& [i, view] : entra_) all_entra.push_back(i);
  Apply(AdBatch(all_ad, true));
  now += absl::Seconds(1);
  Apply(EntraBatch(all_entra, true));
  now += absl::Seconds(1);
}

void World::AdRound(const std::vector<int>& ids) {
  now += absl::Milliseconds(50);
  Apply(AdBatch(ids));
  ReadWanted();
}

void World::EntraRound(const std::vector<int>& ids) {
  now += absl::Milliseconds(50);
  Apply(EntraBatch(ids));
  ReadWanted();
}

void World::ReadWanted() {
  const std::vector<PersonOrdinal> wanted = reads_wanted;
  for (const PersonOrdinal ordinal : wanted) {
    for (const auto& [i, view] : entra_) {
      const Person* p = Find(i);
      if (p != nullptr && p->ordinal == ordinal) ReadDirect(i);
    }
  }
  reads_wanted = wanted;
}

void World::Apply(const ChangeBatch& batch) {
  Commit(ApplyBatch(context(), Load(KeysOf(batch.observations)), batch));
}

void World::ApplyDirect(const std::vector<Observation>& observations) {
  Commit(ApplyReads(context(), Load(KeysOf(observations)), observations, BatchId()));
}

void World::ReadDirect(int i) {
  std::vector<Observation> reads;
  if (ad_.contains(i)) reads.push_back({LookNow(kAd, LookKind::kDirect), ad_.at(i)});
  if (entra_.contains(i)) reads.push_back({LookNow(kTenant, LookKind::kDirect), entra_.at(i)});
  ApplyDirect(reads);
}

void World::Observe(AdView view, LookKind kind) {
  ApplyDirect({{LookNow(kAd, kind), std::move(view)}});
}

void World::Observe(EntraView view, LookKind kind) {
  ApplyDirect({{LookNow(kTenant, kind), std::move(view)}});
}

void World::Advance(absl::Duration d, absl::Duration step) {
  const absl::Time until = now + d;
  while (now < until) {
    now = std::max(now, std::min(now + step, until));
    AdRound({});
    EntraRound({});
    ReviewDue();
  }
}

void World::ReviewDue() {
  std::vector<PersonOrdinal> due;
  for (const auto& [ordinal, p] : people) {
    if (p.review_at <= now) due.push_back(ordinal);
  }
  if (due.empty()) return;
  Review(due);
  ReadWanted();
}

void World::Review(const std::vector<PersonOrdinal>& ordinals) {
  Commit(ApplyReview(context(), LoadPeople(ordinals)));
}

bool World::RunGates(const ActionId& id) {
  now += absl::Seconds(1);
  const Action action = actions.at(id);
  const Person& p = people.at(action.person);
  ReReads reads;
  reads.intent_at = *action.intent_at;
  reads.ad_read = {now - kTrip, now};
  reads.entra_read = reads.ad_read;
  for (const auto& [i, view] : ad_) {
    if (!p.facts.ad.empty() && view.object_guid == p.facts.ad.front().object_guid) reads.ad = view;
  }
  for (const auto& [i, view] : entra_) {
    if (view.id == action.entra_id) reads.entra = view;
  }
  if (reads.ad) reads.ad_gone = reads.ad->deleted.value_or(false);
  if (second_dc && reads.ad) reads.second.push_back(*reads.ad);
  if (!second_dc) reads.second_error = "there is no other controller";
  GateReport report;
  report.action = id;
  report.gates = CheckReReads(reads, p, action.reason, link, policy, now, clock_suspect);
  if (reads.ad) report.observations.push_back({LookNow(kAd, LookKind::kDirect), *reads.ad});
  if (reads.entra) {
    report.observations.push_back({LookNow(kTenant, LookKind::kDirect), *reads.entra});
    report.before = reads.entra->sessions_valid_from;
  }
  Commit(ApplyGates(context(), LoadPeople({action.person}), report));
  return actions.at(id).state == ActionState::kCleared && !actions.at(id).retry_at;
}

void World::RunCall(const ActionId& id, Status status, bool sent) {
  now += absl::Seconds(1);
  CallReport report{id, {now - kTrip, now}, std::move(status), "req-1", sent};
  if (report.status.ok()) {
    for (auto& [i, view] : entra_) {
      if (view.id == actions.at(id).entra_id)
        view.sessions_valid_from = SessionsValidFrom{false, now};
    }
  }
  Commit(ApplyCall(context(), LoadPeople({actions.at(id).person}), report));
}

void World::RunVerify(const ActionId& id, bool verified) {
  now += absl::Seconds(1);
  VerifyReport report;
  report.action = id;
  report.verified = verified;
  report.read_at = now;
  if (verified) report.value = SessionsValidFrom{false, now - absl::Seconds(1)};
  Commit(ApplyVerify(context(), LoadPeople({actions.at(id).person}), report));
}

void World::RunActions() {
  std::vector<ActionId> intents;
  for (const auto& [id, action] : actions) {
    if (action.state == ActionState::kIntent) intents.push_back(id);
  }
  for (const ActionId& id : intents) {
    if (actions.at(id).state != ActionState::kIntent || !RunGates(id)) continue;
    RunCall(id);
    RunVerify(id);
  }
}

void World::Deliver() {
  std::vector<Incident> all;
  std::vector<DeliveryReport> reports;
  for (const auto& [id, incident] : incidents) {
    all.push_back(incident);
    for (const LabelSet& old : incident.announced) {
      if (incident.ended_at || old != incident.labels) reports.push_back({id, old, false, "am"});
    }
    if (!incident.ended_at) reports.push_back({id, incident.labels, true, "am"});
  }
  Commit(ApplyDelivery(context(), {}, all, reports));
}

Person* World::Find(int i) {
  for (auto& [ordinal, p] : people) {
    if (p.facts.entra && p.facts.entra->id == IdOf(i)) return &p;
  }
  for (auto& [ordinal, p] : people) {
    for (const AdHalf& half : p.facts.ad) {
      if (half.object_guid == GuidOf(i)) return &p;
    }
  }
  return nullptr;
}

const Person& World::person(int i) const {
  const Person* found = const_cast<World*>(this)->Find(i);
  EXPECT_NE(found, nullptr) << "no person " << i;
  static const Person kNobody;
  return found == nullptr ? kNobody : *found;
}

std::vector<Action> World::ActionsOf(int i) const {
  std::vector<Action> out;
  for (const auto& [id, action] : actions) {
    if (action.person == person(i).ordinal) out.push_back(action);
  }
  std::sort(out.begin(), out.end(),
            [](const Action& a, const Action& b) { return a.requested_at < b.requested_at; });
  return out;
}

const Action* World::Live(int i) const {
  for (const auto& [id, action] : actions) {
    if (action.person == person(i).ordinal && IsLive(action.state)) return &action;
  }
  return nullptr;
}

const Incident* World::IncidentOf(int i) const {
  for (const auto& [id, incident] : incidents) {
    if (incident.person == person(i).ordinal && !incident.ended_at) return &incident;
  }
  return nullptr;
}

size_t World::EvidenceOf(const std::string& type) const {
  return static_cast<size_t>(std::count_if(evidence.begin(), evidence.end(),
                                           [&](const auto& e) { return e.type == type; }));
}

Verdict World::Judge(int i) const {
  return Evaluate(person(i), link, policy, now);
}

PeopleSet World::Load(const TouchedKeys& keys, const std::vector<PersonOrdinal>& ordinals) const {
  PeopleSet set;
  std::set<PersonOrdinal> wanted(ordinals.begin(), ordinals.end());
  for (const auto& [ordinal, p] : people) {
    for (const AdHalf& half : p.facts.ad) {
      if (std::count(keys.guids.begin(), keys.guids.end(), half.object_guid) > 0) {
        set.by_guid[half.object_guid] = ordinal;
        wanted.insert(ordinal);
      }
    }
    if (p.facts.entra &&
        std::count(keys.entra_ids.begin(), keys.entra_ids.end(), p.facts.entra->id) > 0) {
      set.by_entra_id[p.facts.entra->id] = ordinal;
      wanted.insert(ordinal);
    }
    for (const Anchor& anchor : AnchorsOf(p.facts)) {
      if (std::count(keys.anchors.begin(), keys.anchors.end(), anchor) > 0) {
        set.by_anchor[anchor] = ordinal;
        wanted.insert(ordinal);
      }
    }
  }
  for (const PersonOrdinal ordinal : std::set<PersonOrdinal>(wanted)) {
    if (people.at(ordinal).facts.conflicts_with) {
      wanted.insert(*people.at(ordinal).facts.conflicts_with);
    }
  }
  for (const PersonOrdinal ordinal : wanted) set.by_ordinal[ordinal] = people.at(ordinal);
  for (const auto& [id, action] : actions) {
    if (wanted.contains(action.person)) set.actions[action.person].push_back(action);
  }
  for (const auto& [id, incident] : incidents) {
    if (!incident.person || !wanted.contains(*incident.person)) continue;
    const auto [at, added] = set.incidents.try_emplace(*incident.person, incident);
    if (!added && at->second.ended_at) at->second = incident;
  }
  return set;
}

void World::Commit(const Changes& changes) {
  link = changes.link;
  for (const PersonOrdinal ordinal : changes.removed) people.erase(ordinal);
  for (const Person& p : changes.people) people[p.ordinal] = p;
  for (const Action& action : changes.actions) actions[action.id] = action;
  for (const IncidentId& id : changes.removed_incidents) incidents.erase(id);
  for (const Incident& incident : changes.incidents) incidents[incident.id] = incident;
  for (const Episode& episode : changes.closed_episodes) closed.push_back(episode);
  for (const EvidenceEntry& entry : changes.evidence) evidence.push_back(entry);
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(tally.episodes_opened, changes.tally.episodes_opened);
  append(tally.episodes_closed, changes.tally.episodes_closed);
  append(tally.disable_lags, changes.tally.disable_lags);
  append(tally.revocation_lags, changes.tally.revocation_lags);
  tally.negative_lags += changes.tally.negative_lags;
  for (const auto& [key, count] : changes.tally.source_resets) {
    tally.source_resets[key] += count;
    EXPECT_THAT(ResetReasonsOf(link.sources.at(key.first).kind), ::testing::Contains(key.second));
  }
  for (const auto& [key, count] : changes.tally.actions) {
    tally.actions[key] += count;
    EXPECT_THAT(kAllActionOutcomes, ::testing::Contains(key.second));
  }
  reads_wanted = changes.reads_wanted;
  if (check) Check();
}

void World::Check() {
  std::map<UserCountKey, int64_t> users;
  std::map<OpenCountKey, int64_t> open;
  uint64_t linked = 0;
  uint64_t inherited_live = 0;
  DriftCounts in_drift;
  for (const auto& [ordinal, p] : people) {
    ++users[{p.state, p.tier}];
    linked += p.facts.Linked() ? 1 : 0;
    inherited_live += WaitsForBaseline(p) ? 1 : 0;
    CountDrift(in_drift, p, 1);
    if (!p.episode) continue;
    for (const EpisodeKind& kind : p.episode->kinds) {
      if (!kind.cleared) ++open[{kind.kind, p.episode->tier, kind.severity}];
    }
  }
  EXPECT_TRUE(users == link.users);
  EXPECT_TRUE(open == link.open);
  EXPECT_EQ(linked, link.linked_people);
  std::vector<WaitingSlice> waiting = link.causes.waiting;
  for (WaitingSlice& slice : waiting) slice.people = 0;
  for (const auto& [ordinal, p] : people) CountWaiting(waiting, p, 1);
  EXPECT_TRUE(waiting == link.causes.waiting);
  EXPECT_EQ(inherited_live, link.inherited_live);
  EXPECT_TRUE(in_drift == link.in_drift);
  for (; verified_ < evidence.size(); ++verified_) {
    const EvidenceEntry& entry = evidence[verified_];
    const Status status = VerifyEvidence(entry, verified_seq_, verified_hash_);
    EXPECT_TRUE(status.ok()) << status;
    verified_seq_ = entry.seq;
    verified_hash_ = entry.hash;
  }
  EXPECT_EQ(verified_seq_, link.evidence_seq);
  std::set<std::string> live;
  for (const auto& [id, action] : actions) {
    if (!IsLive(action.state)) continue;
    const std::string purpose = Cat(action.episode.value, "/", ActionKindText(action.kind), "/",
                                    ActionReasonText(action.reason));
    EXPECT_TRUE(live.insert(purpose).second) << "two live actions for " << purpose;
  }
}

}  // namespace driftwarden::monitor
