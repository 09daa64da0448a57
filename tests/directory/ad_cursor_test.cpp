#include "watchers/ad_cursor.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"
#include "monitor/observation.h"

namespace driftwarden::watchers {
namespace {

AdBound Bound(char dsa, uint64_t usn) {
  AdBound bound;
  bound.dsa = *monitor::Guid::FromBytes(std::string(16, dsa));
  bound.invocation_id = *monitor::Guid::FromBytes(std::string(16, 'i'));
  bound.usn = usn;
  return bound;
}

AdSnapshot Full(const char* reason, uint64_t below) {
  AdSnapshot full;
  full.reason = reason;
  full.begun = absl::FromUnixMicros(1'800'000'000'123'456);
  full.below = below;
  return full;
}

// A full read of the controller that was finished.
void Read(AdCursor& cursor, const AdBound& bound) {
  cursor.Begin(bound, Full(monitor::kDcChanged, 1));
  cursor.snapshot.reset();
}

AdCursor Sample() {
  AdCursor cursor;
  cursor.server = "ldaps://dc1.corp.example:636";
  Read(cursor, Bound('a', 1));
  AdBound second = Bound('b', UINT64_MAX);
  second.canary = AdCanary{*monitor::Guid::FromBytes(std::string(16, 'o')), 17};
  cursor.Begin(second, Full(monitor::kUsnWentBack, 4711));
  return cursor;
}

TEST(AdCursor, TextGivesTheCursorBack) {
  const AdCursor cursor = Sample();
  const auto read = ParseAdCursor(cursor.ToString());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->server, cursor.server);
  EXPECT_EQ(read->since, cursor.snapshot->begun);
  EXPECT_EQ(read->bounds, cursor.bounds);
  EXPECT_EQ(read->bounds.front().usn, UINT64_MAX);
  EXPECT_EQ(read->snapshot, cursor.snapshot);
  EXPECT_EQ(read->ToString(), cursor.ToString());
}

TEST(AdCursor, TheFirstVersionIsReadForEver) {
  const std::string dsa = Bound('a', 0).dsa.ToString();
  const std::string other = Bound('b', 0).dsa.ToString();
  const std::string invocation = Bound('a', 0).invocation_id.ToString();
  const auto read = ParseAdCursor("usn1 ldaps://dc1 " + dsa + ":" + invocation + ":17 " + other +
                                  ":" + invocation + ":4");
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->bounds.size(), 2u);
  EXPECT_EQ(read->bounds[0].usn, 17u);
  EXPECT_EQ(read->since, absl::UnixEpoch());
  EXPECT_FALSE(read->snapshot.has_value());
  EXPECT_EQ(read->ToString().substr(0, 5), "usn2 ");
}

TEST(AdCursor, KeepsOneBoundAControllerAndNotTooMany) {
  AdCursor cursor;
  Read(cursor, Bound('a', 1));
  Read(cursor, Bound('a', 2));
  ASSERT_EQ(cursor.bounds.size(), 1u);
  EXPECT_EQ(cursor.Find(Bound('a', 0).dsa)->usn, 2u);
  EXPECT_GT(cursor.since, absl::UnixEpoch()) << "restored: another copy";
  for (char c = 'b'; c <= 'z'; ++c) Read(cursor, Bound(c, 3));
  EXPECT_EQ(cursor.bounds.size(), AdCursor::kMaxBounds);
  EXPECT_EQ(cursor.Find(Bound('a', 0).dsa), nullptr) << "the oldest goes";
  EXPECT_NE(cursor.Find(Bound('z', 0).dsa), nullptr);
}

TEST(AdCursor, TurningToAnotherControllerGivesUpTheFullRead) {
  AdCursor cursor = Sample();
  const absl::Time before = cursor.since;
  cursor.TurnTo(Bound('b', 0).dsa, before + absl::Minutes(1));
  EXPECT_EQ(cursor.since, before);
  EXPECT_TRUE(cursor.snapshot.has_value()) << "the same one: it goes on";
  cursor.TurnTo(Bound('a', 0).dsa, before + absl::Minutes(1));
  EXPECT_EQ(cursor.since, before + absl::Minutes(1));
  EXPECT_FALSE(cursor.snapshot.has_value());
  ASSERT_EQ(cursor.bounds.size(), 1u) << "what was read of the other is no bound";
  EXPECT_EQ(cursor.bounds[0].dsa, Bound('a', 0).dsa);
}

TEST(AdCursor, RefusesOtherText) {
  const std::string text = Sample().ToString();
  const std::string bounds = text.substr(0, text.rfind(' '));
  ASSERT_TRUE(ParseAdCursor(bounds).has_value());
  for (const std::string& bad :
       {std::string(), std::string("usn1"), std::string("usn2 ldaps://dc1"),
        std::string("usn2 ldaps://dc1 1"), "usn3" + text.substr(4), "usn1" + bounds.substr(4),
        text + " ", text + "x", bounds + " full:first:01:1", bounds + " full:first:1:01",
        text + text.substr(text.rfind(' ')), bounds + bounds.substr(bounds.rfind(' ')),
        bounds + " full:first:1:0", bounds + " full:because:1:1", bounds + " full:first::1"}) {
    EXPECT_FALSE(ParseAdCursor(bad).has_value()) << bad;
  }
  SeededRng rng(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string mutated = text;
    mutated[rng.Below(mutated.size())] = static_cast<char>(rng.Next());
    const auto cursor = ParseAdCursor(mutated);
    if (cursor) {
      EXPECT_EQ(cursor->ToString(), mutated);
    }
  }
}

}  // namespace
}  // namespace driftwarden::watchers
