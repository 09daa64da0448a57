#include "watchers/ad_cursor.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace driftwarden::watchers {
namespace {

AdBound Bound(char dsa, uint64_t usn) {
  AdBound bound;
  bound.dsa = *monitor::Guid::FromBytes(std::string(16, dsa));
  bound.invocation_id = *monitor::Guid::FromBytes(std::string(16, 'i'));
  bound.usn = usn;
  return bound;
}

TEST(AdCursor, TextGivesTheCursorBack) {
  AdCursor cursor;
  cursor.server = "ldaps://dc1.corp.example:636";
  cursor.Advance(Bound('a', 1));
  cursor.Advance(Bound('b', UINT64_MAX));
  const auto read = ParseAdCursor(cursor.ToString());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->server, cursor.server);
  EXPECT_EQ(read->bounds, cursor.bounds);
  EXPECT_EQ(read->bounds.front().usn, UINT64_MAX);
}

TEST(AdCursor, KeepsOneBoundAControllerAndNotTooMany) {
  AdCursor cursor;
  cursor.Advance(Bound('a', 1));
  cursor.Advance(Bound('a', 2));
  ASSERT_EQ(cursor.bounds.size(), 1u);
  EXPECT_EQ(cursor.Find(Bound('a', 0).dsa)->usn, 2u);
  for (char c = 'b'; c <= 'z'; ++c) cursor.Advance(Bound(c, 3));
  EXPECT_EQ(cursor.bounds.size(), AdCursor::kMaxBounds);
  EXPECT_EQ(cursor.Find(Bound('a', 0).dsa), nullptr) << "the oldest goes";
  EXPECT_NE(cursor.Find(Bound('z', 0).dsa), nullptr);
}

TEST(AdCursor, RefusesOtherText) {
  AdCursor good;
  good.server = "ldaps://dc1";
  good.Advance(Bound('a', 17));
  const std::string text = good.ToString();
  for (const std::string& bad :
       {std::string(), std::string("usn1"), std::string("usn1 ldaps://dc1"),
        "usn2" + text.substr(4), text + " ", text + "x", text.substr(0, text.size() - 2) + "017",
        text + text.substr(text.rfind(' '))}) {
    EXPECT_FALSE(ParseAdCursor(bad).has_value()) << bad;
  }
  SeededRng rng(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string mutated = text;
    mutated[rng.Below(mutated.size())] = static_cast<char>(rng.Next());
    const auto cursor = ParseAdCursor(mutated);
    if (cursor) {
      EXPECT_EQ(ParseAdCursor(cursor->ToString())->bounds, cursor->bounds);
    }
  }
}

}  // namespace
}  // namespace driftwarden::watchers
