#include "watchers/directory/replication_metadata.h"

#include <gtest/gtest.h>

#include <string>

#include "base/hex.h"
#include "base/rng.h"
#include "base/time.h"
#include "tests/directory/metadata_bytes.h"

namespace driftwarden::directory {
namespace {

// One attribute of a disabled account as a Samba 4.17 domain controller wrote it.
std::string Captured() {
  return *HexDecode(
      "01000000000000000100000000000000"
      "0800090003000000a78c112103000000"
      "45bb89f72622c940956977e293f6ac3a"
      "2c230000000000002c23000000000000");
}

TEST(ReplicationMetadata, DecodesACapturedDisable) {
  const auto stamps = DecodeReplicationMetadata(Captured());
  ASSERT_TRUE(stamps.ok()) << stamps.status();
  ASSERT_TRUE(stamps->user_account_control.has_value());
  const monitor::MetadataStamp& stamp = *stamps->user_account_control;
  EXPECT_EQ(stamp.version, 3u);
  EXPECT_EQ(FormatRfc3339(stamp.originating_time), "2026-11-21T02:02:15Z");
  EXPECT_EQ(stamp.invocation_id.ToString(), "f789bb45-2226-40c9-9569-77e293f6ac3a");
  EXPECT_EQ(stamp.originating_usn, 9004u);
  EXPECT_FALSE(stamps->is_deleted.has_value());
}

TEST(ReplicationMetadata, PicksTheFourStampsOutOfMany) {
  const auto stamps = DecodeReplicationMetadata(MetadataBytes({{0x0000000d, 1, 1},
                                                               {0x00020030, 2, 20},
                                                               {0x00090008, 3, 30},
                                                               {0x00090060, 4, 40},
                                                               {0x0009009f, 5, 50},
                                                               {0x00090296, 6, 60}}));
  ASSERT_TRUE(stamps.ok()) << stamps.status();
  EXPECT_EQ(stamps->is_deleted->version, 2u);
  EXPECT_EQ(stamps->user_account_control->version, 3u);
  EXPECT_EQ(stamps->password_last_set->version, 4u);
  EXPECT_EQ(stamps->account_expires->version, 5u);
}

TEST(ReplicationMetadata, EmptyListIsFine) {
  const auto stamps = DecodeReplicationMetadata(MetadataBytes({}));
  ASSERT_TRUE(stamps.ok());
  EXPECT_FALSE(stamps->user_account_control.has_value());
}

TEST(ReplicationMetadata, RefusesEveryOtherLength) {
  const std::string good = Captured();
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(DecodeReplicationMetadata(good.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(DecodeReplicationMetadata(good + '\0').ok());
}

TEST(ReplicationMetadata, RefusesAnotherVersionATimeOutOfRangeAndADuplicate) {
  std::string version = Captured();
  version[0] = 2;
  EXPECT_EQ(DecodeReplicationMetadata(version).status().code(), StatusCode::kDataLoss);
  EXPECT_FALSE(DecodeReplicationMetadata(MetadataBytes({{0x00090008, 1, ~uint64_t{0}}})).ok());
  EXPECT_FALSE(
      DecodeReplicationMetadata(MetadataBytes({{0x00090008, 1, 1}, {0x00090008, 2, 2}})).ok());
}

TEST(ReplicationMetadata, AnyBytesGiveAnAnswer) {
  SeededRng rng(42);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = Captured();
    const uint64_t flips = rng.Below(6);
    for (uint64_t i = 0; i < flips; ++i) {
      bytes[rng.Below(bytes.size())] = static_cast<char>(rng.Next());
    }
    if (rng.Below(3) == 0) bytes.resize(rng.Below(200), static_cast<char>(rng.Next()));
    const auto stamps = DecodeReplicationMetadata(bytes);
    if (!stamps.ok()) {
      EXPECT_EQ(stamps.status().code(), StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace driftwarden::directory
