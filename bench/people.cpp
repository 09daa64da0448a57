#include "bench/people.h"

#include "base/strings.h"

namespace driftwarden::bench {

using namespace monitor;  // NOLINT: every record is named here

namespace {

const SourceName kAd{"corp"};
const SourceName kTenant{"contoso"};
constexpr uint32_t kNormalAccount = 0x200;
constexpr uint32_t kDisabledBit = 0x2;

Guid GuidOf(int i) {
  Guid guid;
  guid.bytes[15] = 7;
  for (int byte = 0; byte < 4; ++byte) guid.bytes[byte] = static_cast<uint8_t>(i >> (8 * byte));
  return guid;
}

Sid SidOf(int i) {
  return *Sid::Parse(Cat("S-1-5-21-1004336348-1177238915-682003330-", 1000 + i));
}

ChangeBatch Batch(const SourceName& source, SourceKind kind, uint32_t change) {
  ChangeBatch batch;
  batch.source = source;
  batch.kind = kind;
  batch.number = change;
  batch.starts_round = true;
  batch.completes_round = true;
  batch.cursor = Cat("cursor-", change);
  const absl::Time at = Start() + absl::Seconds(change);
  batch.round = {at - absl::Milliseconds(20), at};
  return batch;
}

}  // namespace

absl::Time Start() {
  return absl::FromUnixSeconds(1'800'000'000);
}

Policy SomePolicy() {
  Policy policy;
  policy.link = LinkName("corp-contoso");
  policy.ad_sources = {kAd};
  policy.entra_source = kTenant;
  policy.poll_intervals = {{kAd, absl::Seconds(5)}, {kTenant, absl::Seconds(15)}};
  policy.tiers.push_back({TierName(kTier0), {true, {"OU=Admins,DC=corp,DC=example"}}, {}, {}, {}});
  policy.tiers.push_back({TierName(kStandard), {}, {}, {}, {}});
  return policy;
}

ChangeBatch AdBatch(int first, int count, bool enabled, uint32_t change) {
  ChangeBatch batch = Batch(kAd, SourceKind::kActiveDirectory, change);
  for (int i = first; i < first + count; ++i) {
    AdView view;
    view.object_guid = GuidOf(i);
    view.sid = SidOf(i);
    view.sam_account_name = Cat("user", i);
    view.upn = Cat("user", i, "@corp.example");
    view.dn = Cat("CN=User ", i, ",OU=Staff,OU=Berlin,DC=corp,DC=example");
    view.display_name = Cat("User Number ", i);
    view.consistency_guid = "";
    view.user_account_control = enabled ? kNormalAccount : kNormalAccount | kDisabledBit;
    view.admin_count = false;
    view.deleted = false;
    view.uac_stamp = MetadataStamp{change, batch.round.lo - absl::Seconds(3), GuidOf(-1), change};
    view.usn_changed = change;
    batch.observations.push_back({{kAd, batch.round, LookKind::kFeed}, std::move(view)});
  }
  return batch;
}

ChangeBatch EntraBatch(int first, int count, bool enabled, uint32_t change) {
  ChangeBatch batch = Batch(kTenant, SourceKind::kEntra, change);
  for (int i = first; i < first + count; ++i) {
    EntraView view;
    view.id = Cat("6f0c8f1e-52a3-4c0d-9b1a-", 100'000'000'000 + i);
    view.upn = Cat("user", i, "@contoso.example");
    view.display_name = Cat("User Number ", i);
    view.sam_account_name = Cat("user", i);
    view.immutable_id = AnchorOf(GuidOf(i).Raw());
    view.on_premises_sid = SidOf(i);
    view.sync_enabled = true;
    view.account_enabled = enabled;
    view.deletion = EntraDeletion::kLive;
    batch.observations.push_back({{kTenant, batch.round, LookKind::kFeed}, std::move(view)});
  }
  return batch;
}

LinkInMemory::LinkInMemory() {
  link_.name = policy_.link;
  for (const char* guard : kAllGuards) link_.guards.try_emplace(guard);
  link_.sources[kAd].kind = SourceKind::kActiveDirectory;
  link_.sources[kTenant].kind = SourceKind::kEntra;
}

Changes LinkInMemory::Apply(const ChangeBatch& batch, PeopleSet people) {
  const Context context{link_, policy_, now, rng_};
  return ApplyBatch(context, std::move(people), batch);
}

void LinkInMemory::Take(const ChangeBatch& batch) {
  now = batch.round.hi;
  Remember(Apply(batch, Load(batch)));
}

void LinkInMemory::Remember(const Changes& changes) {
  link_ = changes.link;
  for (const Person& person : changes.people) {
    people_.by_ordinal[person.ordinal] = person;
    for (const AdHalf& half : person.facts.ad) people_.by_guid[half.object_guid] = person.ordinal;
    if (person.facts.entra) people_.by_entra_id[person.facts.entra->id] = person.ordinal;
    for (const Anchor& anchor : AnchorsOf(person.facts)) {
      people_.by_anchor[anchor] = person.ordinal;
    }
  }
}

PeopleSet LinkInMemory::Load(const ChangeBatch& batch) const {
  PeopleSet out;
  const auto add = [&](const auto& index, auto& to, const auto& key) {
    const auto found = index.find(key);
    if (found == index.end()) return;
    to[key] = found->second;
    out.by_ordinal.try_emplace(found->second, people_.by_ordinal.at(found->second));
  };
  const TouchedKeys keys = KeysOf(batch.observations);
  for (const Guid& guid : keys.guids) add(people_.by_guid, out.by_guid, guid);
  for (const std::string& id : keys.entra_ids) add(people_.by_entra_id, out.by_entra_id, id);
  for (const Anchor& anchor : keys.anchors) add(people_.by_anchor, out.by_anchor, anchor);
  return out;
}

void LinkInMemory::ReadBaseline(int count) {
  ChangeBatch ad = AdBatch(0, count, true, 1);
  ChangeBatch entra = EntraBatch(0, count, true, 2);
  ad.in_snapshot = entra.in_snapshot = true;
  ad.snapshot_reason = entra.snapshot_reason = "first";
  Take(ad);
  Take(entra);
}

}  // namespace driftwarden::bench
