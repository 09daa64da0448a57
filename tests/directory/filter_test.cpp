#include "watchers/directory/filter.h"

#include <gtest/gtest.h>

#include <string>

#include "base/hex.h"
#include "base/rng.h"
#include "base/strings.h"

namespace driftwarden::directory {
namespace {

Entry Ada() {
  Entry entry;
  entry.dn = "CN=Ada,OU=Staff,DC=corp";
  entry.attributes = {
      {"objectclass", {"top", "person", "user"}},
      {"objectcategory", {"CN=Person,CN=Schema,CN=Configuration,DC=corp"}},
      {"samaccountname", {"ada.l"}},
      {"useraccountcontrol", {"514"}},
      {"department", {"R&D (east)"}},
      {"msds-cloudextensionattribute1", {"NoSync"}},
      {"logoncount", {"100"}},
      {"objectsid", {*HexDecode("010500000000000515000000010000000200000003000000e8030000")}},
      {"objectguid", {std::string("\0*()\\5678901234a", 16)}},
  };
  return entry;
}

bool Matches(const std::string& text) {
  size_t at = 0;
  const auto filter = Filter::Parse(text, &at);
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status() << " at " << at;
  return filter.ok() && filter->Matches(Ada());
}

TEST(Filter, HoldsAsADirectoryWouldSay) {
  const char* const kTrue[] = {
      "(sAMAccountName=ADA.L)",
      "(sAMAccountName=*)",
      "(sAMAccountName=ada*)",
      "(sAMAccountName=*.L)",
      "(sAMAccountName=a*a*l)",
      "(sAMAccountName=**a**)",
      "(&(objectCategory=person)(objectClass=USER))",
      "(|(department=HR)(department=R&D \\28east\\29))",
      "(!(department=HR))",
      "(!(employeeType=service))",
      "( & ( objectClass=user) (! (employeeType=*) ) )",
      "(userAccountControl:1.2.840.113556.1.4.803:=2)",
      "(userAccountControl:1.2.840.113556.1.4.804:=3)",
      "(logonCount>=99)",
      "(logonCount<=100)",
      "(objectSid=S-1-5-21-1-2-3-1000)",
      "(objectGUID=\\00\\2a\\28\\29\\5c5678901234a)",
      "(distinguishedName=*,OU=Staff,DC=corp)",
  };
  for (const char* text : kTrue) EXPECT_TRUE(Matches(text)) << text;
  const char* const kFalse[] = {
      "(sAMAccountName=ad)",
      "(sAMAccountName=ada.l*ada.l)",
      "(sAMAccountName=a*z*l)",
      "(!(msDS-cloudExtensionAttribute1=nosync))",
      "(userAccountControl:1.2.840.113556.1.4.803:=3)",
      "(userAccountControl:1.2.840.113556.1.4.804:=1)",
      "(employeeType:1.2.840.113556.1.4.803:=0)",
      "(logonCount>=101)",
      "(employeeType=*)",
      "(objectCategory=computer)",
      "(objectSid=S-1-5-21-1-2-3-1001)",
  };
  for (const char* text : kFalse) EXPECT_FALSE(Matches(text)) << text;
}

TEST(Filter, SaysWhatItLooksAt) {
  size_t at = 0;
  const auto filter = Filter::Parse("(|(Mail=a)(mail=b)(!(employeeType=c)))", &at);
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->attributes(), (std::vector<std::string>{"Mail", "employeeType"}));
}

struct BadFilter {
  std::string text;
  size_t at;
  std::string what;
};

TEST(Filter, RefusesWhatItCannotEvaluateAndSaysWhere) {
  const BadFilter cases[] = {
      {"", 0, "lacks a ( here"},
      {"mail=a", 0, "lacks a ( here"},
      {"(mail=a", 7, "lacks a ) here"},
      {"(mail=a))", 8, "goes on behind its end"},
      {"(&)", 2, "lacks a ( here"},
      {"(!(a=b)(c=d))", 7, "lacks a ) here"},
      {"(=a)", 1, "lacks the name of an attribute here"},
      {"(a)", 2, "lacks =, >=, <= or :RULE:= here"},
      {"(a~=b)", 2, "asks for an approximate match, which is not evaluated here"},
      {"(a>b)", 3, "lacks a = here"},
      {"(a>=b*)", 4, "has a * where only a value can stand"},
      {"(a=b\\2)", 5, "has a \\ without two hexadecimal digits here"},
      {"(a=b(c)", 4, "has a byte that must be written as \\28 or \\00 here"},
      {"(memberOf:1.2.840.113556.1.4.1941:=CN=x)", 10,
       "asks for a matching rule that is not evaluated here"},
      {"(a:dn:=b)", 3, "asks for a matching rule that is not evaluated here"},
      {"(a:1.2.840.113556.1.4.803:=x)", 27, "compares bits with what is no number here"},
      {"(tokenGroups=a)", 12,
       "looks at an attribute that a search does not give; use tiers[].match.groups"},
      {std::string(17'000, '('), 0, "is longer than 16 KiB"},
  };
  for (const BadFilter& bad : cases) {
    size_t at = 99;
    const auto filter = Filter::Parse(bad.text, &at);
    ASSERT_FALSE(filter.ok()) << bad.text;
    EXPECT_EQ(filter.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(Message(filter.status()), Cat("the filter ", bad.what)) << bad.text;
    EXPECT_EQ(at, bad.at) << bad.text;
  }
}

TEST(Filter, IsBounded) {
  size_t at = 0;
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "(!";
  EXPECT_FALSE(Filter::Parse(deep, &at).ok());
  std::string wide = "(|";
  for (int i = 0; i < 1001; ++i) wide += "(a=b)";
  EXPECT_FALSE(Filter::Parse(wide + ")", &at).ok());
  SeededRng rng(3);
  const std::string good = "(&(objectClass=user)(!(a:1.2.840.113556.1.4.803:=2))(b=*c*)(d>=\\31))";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (uint64_t flips = rng.Below(4); flips > 0; --flips) {
      text[rng.Below(text.size())] = "()&|!*\\:=~<>a1 "[rng.Below(15)];
    }
    const auto filter = Filter::Parse(text, &at);
    EXPECT_LE(at, text.size());
    if (filter.ok()) (void)filter->Matches(Ada());
  }
}

}  // namespace
}  // namespace driftwarden::directory
