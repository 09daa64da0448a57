#include "base/strings.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace driftwarden {
namespace {

using Parts = std::vector<std::string>;

TEST(Strings, CatJoinsEveryKindOfValue) {
  const std::string name = "corp";
  EXPECT_EQ(Cat(name, ':', std::string_view("x"), " ", -3, " ", uint64_t{18446744073709551615u},
                " ", true, " ", 0.5),
            "corp:x -3 18446744073709551615 true 0.5");
  EXPECT_EQ(Cat(), "");
  EXPECT_EQ(Cat(uint8_t{65}), "65");
}

TEST(Strings, CaseIsFoldedInAsciiOnly) {
  EXPECT_EQ(ToLowerAscii("AbC-Ä"), "abc-Ä");
  EXPECT_TRUE(EqualsIgnoreCase("CN=Bob", "cn=bob"));
  EXPECT_FALSE(EqualsIgnoreCase("bob", "bobb"));
  EXPECT_FALSE(EqualsIgnoreCase("Ä", "ä"));
  EXPECT_TRUE(EndsWithIgnoreCase("OU=Staff,DC=Corp", "dc=corp"));
  EXPECT_TRUE(EndsWithIgnoreCase("x", ""));
  EXPECT_FALSE(EndsWithIgnoreCase("corp", "dc=corp"));
}

TEST(Strings, TrimTakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(TrimAscii(" \t a b\r\n"), "a b");
  EXPECT_EQ(TrimAscii(" \n"), "");
  EXPECT_EQ(TrimAscii(""), "");
}

TEST(Strings, SplitKeepsEmptyPartsAndJoinUndoesIt) {
  EXPECT_EQ(SplitString("a,,b,", ','), (Parts{"a", "", "b", ""}));
  EXPECT_EQ(SplitString("", ','), (Parts{""}));
  EXPECT_EQ(JoinStrings(SplitString("a,,b,", ','), ","), "a,,b,");
  EXPECT_EQ(JoinStrings({}, ","), "");
}

TEST(Strings, NumbersAreParsedWholeOrNotAtAll) {
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(ParseUint64("007"), 7u);
  for (const char* junk : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseUint64(junk)) << junk;
  }
  EXPECT_FALSE(ParseInt64("9223372036854775808"));
}

TEST(Printable, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(Printable("a\nb\x1b[0m\x7f"), "a\\x0ab\\x1b[0m\\x7f");
  EXPECT_EQ(Printable("Jörg 😀"), "Jörg 😀");
  EXPECT_EQ(Printable("J\xf6rg"), "J\\xf6rg");  // Latin-1 is not UTF-8
}

TEST(Printable, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(Printable("abcdef", 3), "abc […]");
  EXPECT_EQ(Printable("abc", 3), "abc");
  EXPECT_EQ(Printable("aöö", 2), "a […]");  // the limit falls inside the first ö
  EXPECT_EQ(Printable("😀😀", 6), "😀 […]");
}

TEST(Utf8, AcceptsWellFormedText) {
  for (const char* good :
       {"", "plain", "é", "€", "😀", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
}

TEST(Utf8, RefusesWhatTheStandardForbids) {
  const Parts bad = {
      "\x80",              // a continuation byte alone
      "\xc3",              // cut short
      "\xe2\x82",          //
      "\xc0\xaf",          // overlong forms
      "\xc1\xbf",          //
      "\xe0\x9f\xbf",      //
      "\xf0\x8f\xbf\xbf",  //
      "\xed\xa0\x80",      // surrogates
      "\xed\xbf\xbf",      //
      "\xf4\x90\x80\x80",  // above U+10FFFF
      "\xf8\x88\x80\x80",  // five-byte lead
      "\xff",              //
      "\xc3(",             // a lead without its continuation
      "ok\xe2\x28\xa1",    //
  };
  for (const std::string& text : bad) EXPECT_FALSE(IsUtf8(text)) << Printable(text);
}

}  // namespace
}  // namespace driftwarden
