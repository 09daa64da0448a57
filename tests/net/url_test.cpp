#include "net/url.h"

#include <gtest/gtest.h>

namespace driftwarden::net {
namespace {

TEST(ParseUrl, TakesApartWhatPeopleConfigure) {
  struct Sample {
    const char* text;
    const char* scheme;
    const char* host;
    int port;
    const char* target;
  };
  const Sample samples[] = {
      {"https://graph.example", "https", "graph.example", 443, "/"},
      {"HTTPS://Graph.Example:8443/v1.0/users?$top=5", "https", "graph.example", 8443,
       "/v1.0/users?$top=5"},
      {"http://127.0.0.1:9093/api/v2/alerts", "http", "127.0.0.1", 9093, "/api/v2/alerts"},
      {"http://host?x=1", "http", "host", 80, "/?x=1"},
      {"https://[::1]:444/a", "https", "::1", 444, "/a"},
      {"https://[2001:DB8::1]", "https", "2001:db8::1", 443, "/"},
      {"https://host:/a", "https", "host", 443, "/a"},
      {"https://h/a%20b?q='x'", "https", "h", 443, "/a%20b?q='x'"},
      {"unix:/run/dw/control.sock:/api/v1/status?x=1", "unix", "/run/dw/control.sock", 0,
       "/api/v1/status?x=1"},
      {"unix:/run/dw/control.sock", "unix", "/run/dw/control.sock", 0, "/"},
  };
  for (const Sample& sample : samples) {
    const auto url = ParseUrl(sample.text);
    ASSERT_TRUE(url.ok()) << sample.text << ": " << url.status();
    EXPECT_EQ(url->scheme, sample.scheme) << sample.text;
    EXPECT_EQ(url->host, sample.host) << sample.text;
    EXPECT_EQ(url->port, sample.port) << sample.text;
    EXPECT_EQ(url->target, sample.target) << sample.text;
  }
}

TEST(ParseUrl, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"",
                           "graph.example/v1.0",
                           "ftp://host/",
                           "https:/host",
                           "https://",
                           "https:///path",
                           "https://user:secret@host/",
                           "https://host@other/",
                           "https://ho st/",
                           "https://host/a b",
                           "https://host/\r\nX: y",
                           "https://host:0/",
                           "https://host:65536/",
                           "https://host:12x/",
                           "https://host:-1/",
                           "https://[::1",
                           "https://[::1]x/",
                           "https://[host]/",
                           "https://host/#a",
                           "https://host\\other/",
                           "https://h%6fst/",
                           "unix:relative.sock",
                           "unix:",
                           "://host"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseUrl(text).status())) << text;
  }
  EXPECT_FALSE(ParseUrl("https://h/" + std::string(40000, 'a')).ok());
}

TEST(Url, NamesItsHostAsMessagesAndHeadersNeedIt) {
  const Url plain = *ParseUrl("https://host/a");
  EXPECT_EQ(plain.Authority(), "host:443");
  EXPECT_EQ(plain.HostHeader(), "host");
  const Url odd = *ParseUrl("http://host:8080/");
  EXPECT_EQ(odd.HostHeader(), "host:8080");
  const Url v6 = *ParseUrl("https://[::1]/");
  EXPECT_EQ(v6.Authority(), "[::1]:443");
  EXPECT_EQ(v6.HostHeader(), "[::1]");
  const Url socket = *ParseUrl("unix:/a.sock:/b");
  EXPECT_EQ(socket.Authority(), "/a.sock");
  EXPECT_EQ(socket.HostHeader(), "localhost");
}

TEST(SameOrigin, ComparesSchemeHostAndPort) {
  EXPECT_TRUE(SameOrigin("https://graph.example/a", "https://GRAPH.example:443/b?c"));
  EXPECT_FALSE(SameOrigin("https://graph.example/", "http://graph.example/"));
  EXPECT_FALSE(SameOrigin("https://graph.example/", "https://graph.example:444/"));
  EXPECT_FALSE(SameOrigin("https://graph.example/", "https://graph.example.evil.test/"));
  EXPECT_FALSE(SameOrigin("https://graph.example/", "https://graph.example@evil.test/"));
  EXPECT_FALSE(SameOrigin("", ""));
}

TEST(Percent, EncodesAllButUnreservedBytes) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode("a b/c?d&e=f+g%"), "a%20b%2Fc%3Fd%26e%3Df%2Bg%25");
  EXPECT_EQ(PercentEncode(std::string("\0\xc3\xa9", 3)), "%00%C3%A9");
}

TEST(Percent, DecodesEveryByteItEncodes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(*PercentDecode(PercentEncode(all)), all);
  EXPECT_EQ(*PercentDecode("a+b%2b%2B"), "a+b++");
}

TEST(Percent, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%4", "abc%", "%zz", "%4g", "%-1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(PercentDecode(text).status())) << text;
  }
}

TEST(FormEncode, RoundTripsThroughParseQuery) {
  const QueryPairs pairs = {
      {"grant_type", "client_credentials"}, {"client_secret", "a+b & c=d%\xc3\xa9"}, {"empty", ""}};
  const auto parsed = ParseQuery(FormEncode(pairs));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, pairs);
}

TEST(ParseQuery, ReadsPlusBareNamesAndRepeats) {
  const auto parsed = ParseQuery("a=1+2&b&&a=3&c==");
  ASSERT_TRUE(parsed.ok());
  const QueryPairs expected = {{"a", "1 2"}, {"b", ""}, {"a", "3"}, {"c", "="}};
  EXPECT_EQ(*parsed, expected);
  EXPECT_TRUE(ParseQuery("")->empty());
  EXPECT_FALSE(ParseQuery("a=%g1").ok());
}

TEST(SplitPath, DecodesEachSegment) {
  const std::vector<std::string> expected = {"api", "v1", "users", "a/b"};
  EXPECT_EQ(*SplitPath("/api/v1/users/a%2Fb"), expected);
  EXPECT_EQ(*SplitPath("/api/v1/users/a%2Fb/"), expected);
  EXPECT_TRUE(SplitPath("/")->empty());
  EXPECT_FALSE(SplitPath("/a/%").ok());
  const std::vector<std::string> hollow = {"a", "", "b"};
  EXPECT_EQ(*SplitPath("/a//b"), hollow);
}

}  // namespace
}  // namespace driftwarden::net
