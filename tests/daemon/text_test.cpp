// Tables, CSV, and reading and printing JSON.

#include <gtest/gtest.h>

#include "daemon/json_text.h"
#include "daemon/text_table.h"
#include "daemon/text_time.h"
#include "daemon/verbs.h"

namespace driftwarden::daemon {
namespace {

TEST(DriftListPath, AsksForOpenDriftUnlessAStateIsWanted) {
  DriftListOptions options;
  options.kind = "disable_lag";
  EXPECT_EQ(DriftListPath(options), "/api/v1/users?limit=1000&open=true&kind=disable_lag");
  options = DriftListOptions();
  options.state = "inherited";
  options.link = "a b";
  EXPECT_EQ(DriftListPath(options), "/api/v1/users?limit=1000&state=inherited&link=a%20b");
}

TEST(UnexemptText, NamesTheClassThatStillExempts) {
  EXPECT_EQ(UnexemptText(boost::json::parse(R"({"id":"p1.l","upn":"ann@x","class":null})")),
            "ann@x (p1.l) is judged like anybody else again\n");
  EXPECT_EQ(UnexemptText(boost::json::parse(R"({"id":"p1.l","upn":"ann@x","class":"service"})")),
            "ann@x (p1.l) has no exemption by a date any more, and is still exempt by class: "
            "service\n");
}

TEST(MomentOf, SaysWhatToWrite) {
  EXPECT_TRUE(MomentOf("2027-01-31T17:00:00Z", "--until").ok());
  EXPECT_TRUE(MomentOf("14d", "--until").ok());
  const auto told = [](const std::string& text) {
    return std::string(Message(MomentOf(text, "--until").status()));
  };
  EXPECT_EQ(told("soon"),
            "--until takes a moment like 2027-01-31T17:00:00Z or a time from now like 14d: "
            "\"soon\" is not a duration; write a whole number and ms, s, m, h or d, such as 30s");
  EXPECT_EQ(told("99999999999d"),
            "--until takes a moment like 2027-01-31T17:00:00Z or a time from now like 14d: "
            "\"99999999999d\" is too long; write 36500d (a hundred years) at most");
}

TEST(LagsText, TellsBothBoundsOfEachLagThatThereIs) {
  const auto person = boost::json::parse(
      R"({"time_uncertain":true,"lags":{"disable":{"lo":723,"hi":753.5,"running":true,"clamped":false},)"
      R"("revocation":null,"replication":{"lo":0,"hi":null,"running":false,"clamped":false}}})");
  EXPECT_EQ(LagsText(person),
            "\nlags:\n"
            "  from the AD disable to the Entra disable: between 12 min 3 s and 12 min 33 s, still "
            "running\n"
            "  from the AD disable to our controller: at least 0 ms\n"
            "  time uncertain: the timers count from the latest it can have been\n");
  EXPECT_EQ(LagsText(boost::json::parse(R"({"lags":{"disable":null}})")), "");
}

TEST(RenderTable, PadsEveryColumnButTheLast) {
  EXPECT_EQ(RenderTable({"USER", "STATE", "SINCE"},
                        {{"ann@corp.example", "lagging", "3m"}, {"bo", "aligned", ""}}),
            "USER              STATE    SINCE\n"
            "ann@corp.example  lagging  3m\n"
            "bo                aligned  \n");
}

TEST(RenderTable, CountsCharactersAndNotBytes) {
  EXPECT_EQ(RenderTable({"A", "B"}, {{"Zo\xc3\xab", "x"}, {"Anna", "y"}}),
            "A     B\n"
            "Zo\xc3\xab   x\n"
            "Anna  y\n");
}

TEST(RenderTable, OfNothingIsItsHeader) {
  EXPECT_EQ(RenderTable({"A", "B"}, {}), "A  B\n");
}

TEST(RenderCsv, FollowsRfc4180) {
  EXPECT_EQ(RenderCsv({"name", "why"},
                      {{"plain", ""}, {"a,b", "say \"no\""}, {"two\nlines", "cr\rhere"}}),
            "name,why\r\n"
            "plain,\r\n"
            "\"a,b\",\"say \"\"no\"\"\"\r\n"
            "\"two\nlines\",\"cr\rhere\"\r\n");
}

TEST(RenderCsv, WhatASpreadsheetWouldTakeForAFormulaIsText) {
  EXPECT_EQ(
      RenderCsv(
          {"h"},
          {{"=1+1"}, {"+1"}, {"-1"}, {"@SUM(A1)"}, {"\t=1"}, {"a=1"}, {"=HYPERLINK(\"x\",\"y\")"}}),
      "h\r\n'=1+1\r\n'+1\r\n'-1\r\n'@SUM(A1)\r\n'\t=1\r\na=1\r\n"
      "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n");
}

boost::json::value Parse(const char* text) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  EXPECT_FALSE(error) << text;
  return value;
}

TEST(JsonText, WhatIsThereIsRead) {
  const auto value = Parse(R"({"t": "x", "n": -3, "u": 18446744073709551615, "b": true,
                               "d": 0.5, "l": [1, 2], "o": {"k": null}})");
  EXPECT_EQ(TextAt(value, "t"), "x");
  EXPECT_EQ(TextAt(value, "n"), "-3");
  EXPECT_EQ(TextAt(value, "b"), "true");
  EXPECT_EQ(NumberAt(value, "n"), -3);
  EXPECT_TRUE(FlagAt(value, "b"));
  EXPECT_EQ(ListAt(value, "l").size(), 2u);
  EXPECT_EQ(TextAt(Field(value, "o"), "k"), "");
}

TEST(JsonText, WhatIsNotThereIsEmptyZeroOrNull) {
  for (const char* text : {"{}", "[]", "null", "7", R"({"k": null})", R"({"k": {}})"}) {
    const auto value = Parse(text);
    EXPECT_EQ(NumberAt(value, "k"), 0) << text;
    EXPECT_FALSE(FlagAt(value, "k")) << text;
    EXPECT_TRUE(ListAt(value, "k").empty()) << text;
    EXPECT_EQ(TextAt(Field(value, "k"), "deeper"), "") << text;
  }
  EXPECT_EQ(TextAt(Parse("[]"), "k"), "");
}

TEST(JsonText, PrettyJsonIsIndentedAndParsesBack) {
  const auto value = Parse(R"({"a":[1,{"b":"x\"y"}],"e":[],"o":{},"n":null})");
  const std::string pretty = PrettyJson(value);
  EXPECT_EQ(pretty,
            "{\n"
            "  \"a\": [\n"
            "    1,\n"
            "    {\n"
            "      \"b\": \"x\\\"y\"\n"
            "    }\n"
            "  ],\n"
            "  \"e\": [],\n"
            "  \"o\": {},\n"
            "  \"n\": null\n"
            "}\n");
  EXPECT_EQ(Parse(pretty.c_str()), value);
}

}  // namespace
}  // namespace driftwarden::daemon
