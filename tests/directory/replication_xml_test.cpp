#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"
#include "base/strings.h"
#include "base/time.h"
#include "watchers/directory/replication_metadata.h"

namespace driftwarden::directory {
namespace {

std::string Value(const std::string& attribute, const std::string& version = "3",
                  const std::string& at = "2026-11-21T02:02:15Z") {
  return Cat("<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>", attribute,
             "</pszAttributeName>\n\t<dwVersion>", version,
             "</dwVersion>\n\t<ftimeLastOriginatingChange>", at,
             "</ftimeLastOriginatingChange>\n\t<uuidLastOriginatingDsaInvocationID>"
             "f789bb45-2226-40c9-9569-77e293f6ac3a</uuidLastOriginatingDsaInvocationID>\n"
             "\t<usnOriginatingChange>9004</usnOriginatingChange>\n"
             "\t<usnLocalChange>9010</usnLocalChange>\n"
             "\t<pszLastOriginatingDsaDN>CN=NTDS Settings,CN=DC1</pszLastOriginatingDsaDN>\n"
             "</DS_REPL_ATTR_META_DATA>\n",
             std::string(1, '\0'));
}

TEST(ReplicationXml, GivesTheSameStampsAsTheBinaryForm) {
  const auto stamps =
      DecodeReplicationXml({Value("cn"), Value("userAccountControl"), Value("pwdLastSet", "9"),
                            Value("isDeleted"), Value("ACCOUNTEXPIRES", "4294967295")});
  ASSERT_TRUE(stamps.ok()) << stamps.status();
  EXPECT_EQ(stamps->user_account_control->version, 3u);
  EXPECT_EQ(FormatRfc3339(stamps->user_account_control->originating_time), "2026-11-21T02:02:15Z");
  EXPECT_EQ(stamps->user_account_control->invocation_id.ToString(),
            "f789bb45-2226-40c9-9569-77e293f6ac3a");
  EXPECT_EQ(stamps->user_account_control->originating_usn, 9004u);
  EXPECT_EQ(stamps->password_last_set->version, 9u);
  EXPECT_EQ(stamps->account_expires->version, 4294967295u);
  EXPECT_TRUE(stamps->is_deleted.has_value());
}

TEST(ReplicationXml, RefusesEveryOtherShape) {
  const std::string good = Value("userAccountControl");
  const std::vector<std::vector<std::string>> cases = {
      {""},
      {"<OTHER></OTHER>"},
      {Cat(good, good)},
      {good, good},
      {Value("userAccountControl", "4294967296")},
      {Value("userAccountControl", "-1")},
      {Value("userAccountControl", "3", "yesterday")},
      {"<DS_REPL_ATTR_META_DATA><pszAttributeName>isDeleted</pszAttributeName>"
       "</DS_REPL_ATTR_META_DATA>"},
      {"<DS_REPL_ATTR_META_DATA a=\"b\"></DS_REPL_ATTR_META_DATA>"},
      {"<DS_REPL_ATTR_META_DATA><a><b></b></a></DS_REPL_ATTR_META_DATA>"},
      {"<DS_REPL_ATTR_META_DATA><a></a><a></a></DS_REPL_ATTR_META_DATA>"},
      {"<!DOCTYPE x><DS_REPL_ATTR_META_DATA></DS_REPL_ATTR_META_DATA>"},
      {std::string(9000, ' ')},
      std::vector<std::string>(10'001, Value("cn")),
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto stamps = DecodeReplicationXml(cases[i]);
    ASSERT_FALSE(stamps.ok()) << i;
    EXPECT_EQ(stamps.status().code(), StatusCode::kDataLoss) << i;
  }
  for (size_t cut = 1; cut + 2 < good.size(); ++cut) {
    EXPECT_FALSE(DecodeReplicationXml({good.substr(0, cut)}).ok()) << cut;
  }
}

TEST(ReplicationXml, AnyBytesGiveAnAnswer) {
  SeededRng rng(7);
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes = Value("userAccountControl");
    for (uint64_t flips = rng.Below(5); flips > 0; --flips) {
      bytes[rng.Below(bytes.size())] = static_cast<char>(rng.Next());
    }
    const auto stamps = DecodeReplicationXml({bytes});
    if (!stamps.ok()) {
      EXPECT_EQ(stamps.status().code(), StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace driftwarden::directory
