#include "net/http.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "net/problem.h"

namespace driftwarden::net {
namespace {

TEST(FindHeader, IgnoresCase) {
  HttpResponse response;
  response.headers.emplace_back("Retry-After", "17");
  ASSERT_NE(response.Find("retry-after"), nullptr);
  EXPECT_EQ(*response.Find("RETRY-AFTER"), "17");
  EXPECT_EQ(response.Find("Retry"), nullptr);
}

TEST(HttpDate, ReadsAndWritesTheFixedForm) {
  const auto at = ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT");
  ASSERT_TRUE(at.has_value());
  EXPECT_EQ(absl::ToUnixSeconds(*at), 784111777);
  EXPECT_EQ(FormatHttpDate(*at), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_FALSE(ParseHttpDate("yesterday").has_value());
  EXPECT_FALSE(ParseHttpDate("").has_value());
  EXPECT_FALSE(ParseHttpDate("infinite-future").has_value());
  EXPECT_FALSE(ParseHttpDate("infinite-future              ").has_value());
}

TEST(IsSafeHeader, RefusesWhatWouldChangeTheMessage) {
  EXPECT_TRUE(IsSafeHeader(HttpHeader("X-Name", "any value, with punctuation")));
  EXPECT_TRUE(IsSafeHeader(HttpHeader("X-Name", "")));
  EXPECT_FALSE(IsSafeHeader(HttpHeader("", "x")));
  EXPECT_FALSE(IsSafeHeader(HttpHeader("X Name", "x")));
  EXPECT_FALSE(IsSafeHeader(HttpHeader("X:", "x")));
  EXPECT_FALSE(IsSafeHeader(HttpHeader("X", "a\r\nY: b")));
  EXPECT_FALSE(IsSafeHeader(HttpHeader("X", std::string("a\0b", 3))));
}

TEST(Problem, IsRfc9457Json) {
  const ServerResponse response = Problem(404, "Not Found", "no user \"x\"");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  boost::system::error_code error;
  const auto body = boost::json::parse(response.body, error);
  ASSERT_FALSE(error);
  EXPECT_EQ(body.at("status").as_int64(), 404);
  EXPECT_EQ(body.at("title").as_string(), "Not Found");
  EXPECT_EQ(body.at("detail").as_string(), "no user \"x\"");
}

}  // namespace
}  // namespace driftwarden::net
