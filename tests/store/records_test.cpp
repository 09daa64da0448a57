#include "store/records.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "store/record_fields.h"
#include "tests/store/same.h"
#include "tests/store/sample_records.h"

namespace driftwarden::store {
namespace {

// A field that is added to a record fails here first. Then: its codec under a new format byte (or,
// before a release, the present one), its table in FORMAT.md, the sample and the random record.
template <typename T, size_t kFields>
constexpr bool kHasFields = boost::pfr::tuple_size_v<T> == kFields;
static_assert(kHasFields<monitor::Person, 9> && kHasFields<monitor::Facts, 7>);
static_assert(kHasFields<monitor::AdHalf, 36> && kHasFields<monitor::EntraHalf, 30>);
static_assert(kHasFields<monitor::TenantFacts, 12> && kHasFields<monitor::TokenPolicies, 2> &&
              kHasFields<monitor::SyncJob, 5>);
static_assert(kHasFields<monitor::SyncActor, 4> && kHasFields<monitor::ProvisioningError, 4>);
static_assert(kHasFields<monitor::MetadataStamp, 4> && kHasFields<monitor::SessionsValidFrom, 2>);
static_assert(kHasFields<monitor::Revocation, 5> && kHasFields<monitor::Memory, 15>);
static_assert(kHasFields<monitor::CompromiseMark, 3>);
static_assert(kHasFields<monitor::Exemption, 4> && kHasFields<monitor::ExpectedLeave, 8>);
static_assert(kHasFields<monitor::Episode, 16> && kHasFields<monitor::EpisodeKind, 5>);
static_assert(kHasFields<monitor::Action, 19> && kHasFields<monitor::GateResult, 3>);
static_assert(kHasFields<monitor::Incident, 7> && kHasFields<monitor::EvidenceEntry, 12>);
static_assert(kHasFields<monitor::LinkState, 25> && kHasFields<monitor::SourceState, 12>);
static_assert(kHasFields<monitor::PolicyEpoch, 6> && kHasFields<monitor::CauseBook, 9>);
static_assert(kHasFields<monitor::LinkCause, 13> && kHasFields<monitor::RecentSlice, 3>);
static_assert(kHasFields<monitor::DriftCounts, 2>);
static_assert(kHasFields<monitor::AccountLogs, 9> && kHasFields<monitor::LogState, 5>);
static_assert(kHasFields<monitor::AuditRecord, 9> && kHasFields<monitor::SignIn, 5>);
static_assert(kHasFields<monitor::Device, 9> && kHasFields<monitor::KnownDevices, 3>);
static_assert(kHasFields<monitor::GuardState, 3> && kHasFields<monitor::CallStamp, 3>);

constexpr uint64_t kSeed = 20260101;

template <typename T>
struct Codec {
  const char* name;
  std::string (*encode)(const T&);
  StatusOr<T> (*decode)(std::string_view, std::string_view);
  T (*sample)();
  T (*random)(Rng&);
};

const Codec<monitor::Person> kPerson = {"person", EncodePerson, DecodePerson, SamplePerson,
                                        RandomPerson};
const Codec<monitor::Episode> kEpisode = {"episode", EncodeEpisode, DecodeEpisode, SampleEpisode,
                                          RandomEpisode};
const Codec<monitor::Action> kAction = {"action", EncodeAction, DecodeAction, SampleAction,
                                        RandomAction};
const Codec<monitor::Incident> kIncident = {"incident", EncodeIncident, DecodeIncident,
                                            SampleIncident, RandomIncident};
const Codec<monitor::EvidenceEntry> kEvidence = {"evidence", EncodeEvidence, DecodeEvidence,
                                                 SampleEvidence, RandomEvidence};
const Codec<monitor::LinkState> kLink = {"link", EncodeLinkState, DecodeLinkState, SampleLinkState,
                                         RandomLinkState};

template <typename Body>
void ForEachCodec(Body body) {
  body(kPerson);
  body(kEpisode);
  body(kAction);
  body(kIncident);
  body(kEvidence);
  body(kLink);
}

TEST(Records, KeepEveryFieldOfTheSample) {
  ForEachCodec([](const auto& codec) {
    const auto sample = codec.sample();
    const auto back = codec.decode("k", codec.encode(sample));
    ASSERT_TRUE(back.ok()) << codec.name << ": " << back.status();
    EXPECT_TRUE(Same(*back, sample)) << codec.name;
  });
}

TEST(Records, KeepEveryFieldOfRandomRecords) {
  ForEachCodec([](const auto& codec) {
    SeededRng rng(kSeed);
    for (int i = 0; i < 500; ++i) {
      const auto record = codec.random(rng);
      const auto back = codec.decode("k", codec.encode(record));
      ASSERT_TRUE(back.ok()) << codec.name << " " << i << ": " << back.status();
      ASSERT_TRUE(Same(*back, record)) << codec.name << " " << i;
    }
  });
}

TEST(Records, RefuseEveryCutAndEveryTail) {
  ForEachCodec([](const auto& codec) {
    const std::string bytes = codec.encode(codec.sample());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      const auto back = codec.decode("k", std::string_view(bytes).substr(0, cut));
      EXPECT_EQ(back.status().code(), StatusCode::kDataLoss) << codec.name << " cut at " << cut;
    }
    const auto longer = codec.decode("k", bytes + '\0');
    EXPECT_EQ(longer.status().code(), StatusCode::kDataLoss) << codec.name;
  });
}

TEST(Records, SurviveAnyBytes) {
  ForEachCodec([](const auto& codec) {
    SeededRng rng(kSeed);
    const std::string good = codec.encode(codec.sample());
    for (int i = 0; i < 4000; ++i) {
      std::string bytes = good;
      for (uint64_t flips = 1 + rng.Below(4); flips > 0; --flips) {
        bytes[rng.Below(bytes.size())] = static_cast<char>(rng.Next());
      }
      if (i % 4 == 0) {
        for (char& c : bytes) c = static_cast<char>(rng.Next());
        bytes[0] = 1;
      }
      const auto back = codec.decode("k", bytes);
      if (!back.ok()) {
        EXPECT_EQ(back.status().code(), StatusCode::kDataLoss);
        continue;
      }
      // What decodes is a value: it goes round.
      const auto again = codec.decode("k", codec.encode(*back));
      ASSERT_TRUE(again.ok()) << codec.name;
      EXPECT_TRUE(Same(*again, *back)) << codec.name;
    }
  });
}

TEST(Records, AHugeCountCostsNoMemory) {
  ByteWriter out = BeginRecord(1);
  out.Varint(42);
  out.Bytes("");
  out.Varint(UINT64_MAX);  // AD halves
  EXPECT_EQ(DecodePerson("k", out.view()).status().code(), StatusCode::kDataLoss);
}

TEST(Records, AFormatFromTheFutureNamesTheKey) {
  std::string bytes = EncodePerson(SamplePerson());
  bytes[0] = 9;
  const auto back = DecodePerson(std::string("\x00\x01", 2), bytes);
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(Message(back.status()), "stored record people 0001: has format 9, known are 1 to 5");
  EXPECT_FALSE(DecodeAction("k", "").ok());
}

TEST(Records, SmallOnesGoRound) {
  EXPECT_EQ(*DecodeNumber("k", EncodeNumber(77)), 77u);
  EXPECT_EQ(*DecodeMark("k", EncodeMark(absl::InfinitePast())), absl::InfinitePast());
  EXPECT_EQ(*DecodeMark("k", EncodeMark(At(5))), At(5));
  const auto schema = DecodeSchema("k", EncodeSchema({3, "1.2.0"}));
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(schema->schema, 3u);
  EXPECT_EQ(schema->reader, "1.2.0");
}

TEST(Records, AnOrdinaryPersonIsSmall) {
  // Ten million of them are to fit on a small disk and in a modest cache.
  EXPECT_LT(EncodePerson(PlainPerson(9'999'999)).size(), 330u);
}

}  // namespace
}  // namespace driftwarden::store
