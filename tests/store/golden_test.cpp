// Bytes and directories that earlier versions wrote. They are read for ever: a golden file is never
// changed, a new format adds one. DRIFTWARDEN_WRITE_GOLDEN=1 writes those that are missing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "monitor/evidence.h"
#include "store/keys.h"
#include "store/records.h"
#include "store/records_residue.h"
#include "store/rocks_store.h"
#include "tests/store/sample_records.h"
#include "tests/testing/temp_directory.h"

namespace driftwarden::store {
namespace {

namespace fs = std::filesystem;

const std::string kSource = DRIFTWARDEN_SOURCE_DIR;
const std::string kRecords = kSource + "/tests/golden/records";
const std::string kStores = kSource + "/tests/golden/stores";

// In lines of 32 bytes, so that a difference can be seen.
std::string HexLines(const std::string& bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 32) out += HexEncode(bytes.substr(at, 32)) + "\n";
  return out;
}

std::string FromHexLines(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != '\n') digits.push_back(c);
  }
  return HexDecode(digits).value_or("");
}

std::string Golden(const std::string& name, const std::string& present) {
  const std::string path = Cat(kRecords, "/", name, ".hex");
  if (getenv("DRIFTWARDEN_WRITE_GOLDEN") != nullptr && !fs::exists(path)) {
    EXPECT_TRUE(WriteFileAtomic(path, HexLines(present), 0644).ok());
  }
  const auto text = ReadFile(path);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? FromHexLines(*text) : "";
}

// The newest format's bytes are what is written now, and they read as the sample.
template <typename T>
void ExpectGolden(const std::string& name, const T& sample, std::string (*encode)(const T&),
                  StatusOr<T> (*decode)(std::string_view, std::string_view)) {
  const std::string golden = Golden(name, encode(sample));
  EXPECT_EQ(HexLines(encode(sample)), HexLines(golden)) << name << ": a change needs a new format";
  const auto record = decode(name, golden);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(encode(*record), encode(sample)) << name;
}

// What a format did not hold yet is as if nobody had looked.
monitor::Person SamplePersonOfFormat4() {
  monitor::Person person = SamplePerson();
  person.memory.inherited_kinds.clear();
  for (monitor::AdHalf& half : person.facts.ad) half.sid_history.clear();
  person.memory.password_resets.clear();
  person.memory.reset_twice_at.reset();
  person.memory.exemption.reset();
  person.memory.leave.reset();
  person.memory.upn_differs_since.reset();
  person.memory.compromised.reset();
  monitor::EntraHalf& entra = *person.facts.entra;
  entra.on_premises_domain.clear();
  entra.ever_synced = monitor::Tri::kUnknown;
  entra.guest = monitor::Tri::kUnknown;
  entra.first_seen = absl::InfinitePast();
  entra.sync_since = absl::InfinitePast();
  return person;
}

monitor::Person SamplePersonOfFormat3() {
  monitor::Person person = SamplePersonOfFormat4();
  person.facts.entra->logs = monitor::AccountLogs();
  person.memory.watch_until.reset();
  return person;
}

monitor::Person SamplePersonOfFormat2() {
  monitor::Person person = SamplePersonOfFormat3();
  person.facts.entra->roles.clear();
  person.facts.entra->provisioning_error.reset();
  person.facts.entra->cloud_managed = monitor::Tri::kUnknown;
  return person;
}

monitor::Person SamplePersonOfFormat1() {
  monitor::Person person = SamplePersonOfFormat2();
  person.person_class = monitor::PersonClass::kNone;
  monitor::AdHalf& half = person.facts.ad.front();
  half.mail.clear();
  half.recipient_type = 0;
  half.scope = monitor::ScopeState::kIn;
  half.scope_since = {};
  half.groups.clear();
  half.attributes.clear();
  half.password_set = absl::InfinitePast();
  half.password_stamp.reset();
  half.expires_stamp.reset();
  half.locked_at = absl::InfinitePast();
  half.when_changed = absl::InfinitePast();
  return person;
}

// FORMAT.md, "Person, format 5".
TEST(Golden, PersonFormat5) {
  ExpectGolden("person.5", SamplePerson(), EncodePerson, DecodePerson);
}

// FORMAT.md, "Person, format 4".
TEST(Golden, PersonFormat4StillReads) {
  const auto person = DecodePerson("person.4", Golden("person.4", ""));
  ASSERT_TRUE(person.ok()) << person.status();
  EXPECT_EQ(*person, SamplePersonOfFormat4());
}

// FORMAT.md, "Person, format 3".
TEST(Golden, PersonFormat3StillReads) {
  const auto person = DecodePerson("person.3", Golden("person.3", ""));
  ASSERT_TRUE(person.ok()) << person.status();
  EXPECT_EQ(*person, SamplePersonOfFormat3());
}

// FORMAT.md, "Person, format 2".
TEST(Golden, PersonFormat2StillReads) {
  const auto person = DecodePerson("person.2", Golden("person.2", ""));
  ASSERT_TRUE(person.ok()) << person.status();
  EXPECT_EQ(*person, SamplePersonOfFormat2());
}

// FORMAT.md, "Person, format 1".
TEST(Golden, PersonFormat1StillReads) {
  const auto person = DecodePerson("person.1", Golden("person.1", ""));
  ASSERT_TRUE(person.ok()) << person.status();
  EXPECT_EQ(*person, SamplePersonOfFormat1());
}

// FORMAT.md, "Residue, format 1".
TEST(Golden, ResidueFormat1) {
  ExpectGolden("residue.1", SampleResidue(), EncodeResidue, DecodeResidue);
}

// FORMAT.md, "Episode, format 1".
TEST(Golden, EpisodeFormat1) {
  ExpectGolden("episode.1", SampleEpisode(), EncodeEpisode, DecodeEpisode);
}

// FORMAT.md, "Action, format 1".
TEST(Golden, ActionFormat1) {
  ExpectGolden("action.1", SampleAction(), EncodeAction, DecodeAction);
}

// FORMAT.md, "Incident, format 1".
TEST(Golden, IncidentFormat1) {
  ExpectGolden("incident.1", SampleIncident(), EncodeIncident, DecodeIncident);
}

// FORMAT.md, "Evidence, format 1".
TEST(Golden, EvidenceFormat1) {
  ExpectGolden("evidence.1", SampleEvidence(), EncodeEvidence, DecodeEvidence);
}

monitor::LinkState SampleLinkStateOfFormat4() {
  monitor::LinkState link = SampleLinkState();
  link.causes = monitor::CauseBook();
  link.in_drift = {};
  link.tenant.conditional_access.reset();
  link.tenant.token_policies.reset();
  for (auto& [name, source] : link.sources) source.base_dn.clear();
  link.logs.clear();
  link.devices = monitor::LogState();
  return link;
}

// FORMAT.md, "Link, format 1".
TEST(Golden, LinkFormat1) {
  monitor::LinkState sample = SampleLinkStateOfFormat4();
  sample.policy = monitor::PolicyEpoch();
  sample.tenant = monitor::TenantFacts();
  sample.unreturned_since.reset();
  const auto record = DecodeLinkState("link.1", Golden("link.1", ""));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(EncodeLinkState(*record), EncodeLinkState(sample));
}

// FORMAT.md, "Link, format 2".
TEST(Golden, LinkFormat2StillReads) {
  monitor::LinkState sample = SampleLinkStateOfFormat4();
  sample.tenant = monitor::TenantFacts();
  sample.unreturned_since.reset();
  const auto record = DecodeLinkState("link.2", Golden("link.2", ""));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(EncodeLinkState(*record), EncodeLinkState(sample));
}

// FORMAT.md, "Link, format 3".
TEST(Golden, LinkFormat3StillReads) {
  monitor::LinkState sample = SampleLinkStateOfFormat4();
  sample.unreturned_since.reset();
  const auto record = DecodeLinkState("link.3", Golden("link.3", ""));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(EncodeLinkState(*record), EncodeLinkState(sample));
}

// FORMAT.md, "Link, format 4".
TEST(Golden, LinkFormat4StillReads) {
  const auto record = DecodeLinkState("link.4", Golden("link.4", ""));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(EncodeLinkState(*record), EncodeLinkState(SampleLinkStateOfFormat4()));
}

// FORMAT.md, "Link, format 5".
TEST(Golden, LinkFormat5StillReads) {
  monitor::LinkState sample = SampleLinkState();
  sample.causes = monitor::CauseBook();
  sample.in_drift = {};
  sample.tenant.conditional_access.reset();
  sample.tenant.token_policies.reset();
  for (auto& [name, source] : sample.sources) source.base_dn.clear();
  const auto record = DecodeLinkState("link.5", Golden("link.5", ""));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(EncodeLinkState(*record), EncodeLinkState(sample));
}

// FORMAT.md, "Link, format 6".
TEST(Golden, LinkFormat6) {
  ExpectGolden("link.6", SampleLinkState(), EncodeLinkState, DecodeLinkState);
}

// FORMAT.md, "Schema, format 1". This one never gets a second format.
TEST(Golden, SchemaFormat1) {
  ExpectGolden("schema.1", SchemaRecord{1, "0.1.0"}, EncodeSchema, DecodeSchema);
}

// FORMAT.md, "Number, format 1" and "Mark, format 1".
TEST(Golden, NumberAndMarkFormat1) {
  EXPECT_EQ(EncodeNumber(258), Golden("number.1", EncodeNumber(258)));
  EXPECT_EQ(EncodeMark(At(1)), Golden("mark.1", EncodeMark(At(1))));
}

// FORMAT.md, "Keys".
TEST(Golden, KeysOfSchema1) {
  const monitor::Action action = SampleAction();
  const std::vector<std::pair<std::string, std::string>> keys = {
      {"schema", SchemaKey()},
      {"lease", LeaseKey()},
      {"link-number", LinkNumberKey(LinkName("main"))},
      {"link-state", LinkStateKey(1)},
      {"low-mark", LowMarkKey(1)},
      {"person", NumberKey(1, 42)},
      {"episode", IdKey(1, "e17.main")},
      {"deadline", DeadlineKey(1, At(57), 42)},
      {"lookup-guid", LookupKey(Lookup::kObjectGuid, GuidOf(42).Raw(), 1, 42)},
      {"lookup-sid", LookupKey(Lookup::kSid, "\x01\x05", 1, 42)},
      {"lookup-anchor", LookupKey(Lookup::kAnchor, "AP8B", 1, 42)},
      {"lookup-entra-id", LookupKey(Lookup::kEntraId, "6F0C", 1, 42)},
      {"lookup-upn", LookupKey(Lookup::kUpn, "Ada@corp.example", 1, 42)},
      {"lookup-sam", LookupKey(Lookup::kSamAccountName, "ADA", 1, 42)},
      {"index-state", StateIndexKey(1, monitor::State::kLagging, 42)},
      {"index-open-person", OrdinalIndexKey(Index::kOpenPerson, 1, 42)},
      {"index-inherited", OrdinalIndexKey(Index::kInherited, 1, 42)},
      {"index-live-action", IdIndexKey(Index::kLiveAction, 1, "a")},
      {"index-person-action", PersonActionKey(1, action)},
      {"index-person-episode", PersonIdIndexKey(Index::kPersonEpisode, 1, 42, "e17.main")},
      {"index-action-time", ActionTimeKey(1, action)},
      {"index-person-evidence", PersonEvidenceKey(1, 42, 7)},
      {"index-person-incident", PersonIdIndexKey(Index::kPersonIncident, 1, 42, "e17.main")},
      {"index-open-episode", IdIndexKey(Index::kOpenEpisode, 1, "e17.main")},
  };
  std::string present;
  for (const auto& [name, key] : keys) present += Cat(name, " ", HexEncode(key), "\n");
  const std::string path = kRecords + "/keys.1.txt";
  if (getenv("DRIFTWARDEN_WRITE_GOLDEN") != nullptr && !fs::exists(path)) {
    EXPECT_TRUE(WriteFileAtomic(path, present, 0644).ok());
  }
  EXPECT_EQ(*ReadFile(path), present) << "a change of keys needs a new schema";
}

// FORMAT.md, "Keys": came to schema 1 later and moves no key of it.
TEST(Golden, KeyOfWatchedPeople) {
  EXPECT_EQ(HexEncode(OrdinalIndexKey(Index::kWatched, 1, 42)), "0b00000001000000000000002a");
}

// FORMAT.md, "Keys": so did this one.
TEST(Golden, KeyOfResidue) {
  EXPECT_EQ(HexEncode(ResidueKey(1, 42)), Cat(HexEncode("residue/"), "00000001000000000000002a"));
}

// Every golden file stands in FORMAT.md, so that none is without its byte table.
TEST(Golden, FormatNamesEveryFile) {
  const auto format = ReadFile(kSource + "/store/FORMAT.md");
  ASSERT_TRUE(format.ok()) << format.status();
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kRecords)) {
    EXPECT_THAT(*format, ::testing::HasSubstr(entry.path().filename().string()));
    ++files;
  }
  EXPECT_GE(files, 10u);
}

// Adds one entry of evidence to each link, as the next version of the daemon would.
void Continue(StateStore& store) {
  const auto lease = store.AcquireLease();
  ASSERT_TRUE(lease.ok()) << lease.status();
  const auto links = store.Links();  // named: the loop must not outlive it
  ASSERT_TRUE(links.ok()) << links.status();
  for (const LinkName& name : *links) {
    Changes changes;
    changes.link = **store.LoadLink(name);
    EvidenceEntry entry = SampleEvidence();
    entry.link = name;
    monitor::ChainEvidence(changes.link, entry);
    changes.evidence = {entry};
    changes.must_sync = true;
    const Status status = store.Commit(*lease, changes);
    EXPECT_TRUE(status.ok()) << status;
  }
}

// A data directory of each released version opens, is whole, and goes on.
TEST(Golden, EveryDirectoryOfAnEarlierVersionOpensAndGoesOn) {
  ASSERT_TRUE(fs::exists(kStores));
  for (const auto& entry : fs::directory_iterator(kStores)) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().string());
    const testing::TempDirectory copy;
    fs::copy(entry.path(), copy.path(), fs::copy_options::recursive);
    RocksStoreOptions options;
    options.path = copy.path();
    for (const bool again : {false, true}) {
      const auto store = OpenRocksStore(options);
      ASSERT_TRUE(store.ok()) << store.status();
      const auto faults = (*store)->Check();
      ASSERT_TRUE(faults.ok()) << faults.status();
      EXPECT_THAT(*faults, ::testing::IsEmpty());
      const auto links = (*store)->Links();
      ASSERT_TRUE(links.ok());
      EXPECT_FALSE(links->empty());
      if (!again) Continue(**store);
    }
  }
}

}  // namespace
}  // namespace driftwarden::store
